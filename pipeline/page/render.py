"""From the page's contents to its one file: template, words, style, script, arrays; and its policy."""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.arrays import Array
from pipeline.page.contents import Contents

# What any page is made with: arrays, words, elements, charts, tiles, and what sets its parts up.
KIT = ("data", "words", "elements", "colours", "charts", "tiles", "shell")


@dataclass(frozen=True)
class Kind:
    """What one kind of page consists of.

    Attributes:
        name: its words are `<name>.title` and `<name>.subtitle`.
        scripts: their names; in this order, after those of the kit, they are one script.
        parts: its sections in order; each has words `<part>.title`.
    """

    name: str
    scripts: tuple[str, ...]
    parts: tuple[str, ...]


RUN = Kind(
    "run",
    (
        *(
            "engine",
            "terms",
            "preprocess",
            "overview",
            "results",
            "learning",
            "weights",
            "orientation",
            "drawing",
        ),
        *("maps", "output", "derivation", "inspector", "live", "check", "main"),
    ),
    ("overview", "learning", "results", "weights", "live", "check"),
)
SWEEP = Kind("sweep", ("trade", "side", "runs", "sweep"), ("trade", "side", "runs"))
DTYPES = {"float32": "<f4", "float16": "<f2", "uint8": "u1", "int16": "<i2"}


def render(contents: Contents, browser: Path, kind: Kind = RUN) -> str:
    """The whole page as HTML, equal for equal contents.

    Args:
        contents: what it shows.
        browser: folder with `template.html.j2`, `style.css`, `words.json`, `script/*.js`.
        kind: what it consists of.
    """
    from jinja2 import Environment, StrictUndefined

    names = ("template.html.j2", "style.css", "words.json", *(f"script/{n}.js" for n in KIT + kind.scripts))
    template, style, words, *scripts = ((browser / name).read_text(encoding="utf-8") for name in names)
    # In a scope of its own.
    script = "\n".join(["(() => {", '"use strict";', *scripts, "})();\n"])
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        values=contents.values,
        kind=kind,
        words={key: texts[contents.values["language"]] for key, texts in json.loads(words).items()},
        policy=policy(script, style),
        blocks=[_block(name, array) for name, array in sorted(contents.arrays.items())],
        json_values=as_json(contents.values),
        json_words=as_json(json.loads(words)),
        style=style,
        script=script,
    )


def policy(script: str, style: str) -> str:
    """The content security policy: nothing but this script and this style, and nothing from anywhere."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)};"
        " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def as_json(value: Any) -> str:
    """JSON that may stand in a script element: without the characters that could end it."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.translate({ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"})


def _block(name: str, array: Array) -> dict[str, str]:
    dtype, shape = array.dtype.name, json.dumps(list(array.shape))
    content = base64.b64encode(array.astype(DTYPES[dtype]).tobytes()).decode()
    return {"name": name, "dtype": dtype, "shape": shape, "content": content}
