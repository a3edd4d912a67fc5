"""Reading `params.yaml`, the composition of `conf/` that stages read, and checking it against the schema."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ValidationError
from yaml import YAMLError

from pipeline.base.errors import InputError

Checked = TypeVar("Checked", bound=BaseModel)


def read_values(path: Path) -> dict[str, Any]:
    """Read `params.yaml` through OmegaConf (which, unlike PyYAML, takes 1e-3 for a number).

    Raises:
        InputError: it is missing, has a merge conflict, or is no mapping in YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        refuse_conflict(path, text)
        values = OmegaConf.to_container(OmegaConf.create(text), resolve=True)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: run `dvc repro compose` to write it") from None
    except (YAMLError, OmegaConfBaseException, UnicodeError) as error:
        raise InputError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} holds a {type(values).__name__}, expected a mapping of sections")
    return {str(key): value for key, value in values.items()}


def refuse_conflict(path: Path, text: str) -> None:
    """Refuse a text file in which Git left a merge conflict."""
    if any(line.startswith("<<<<<<< ") for line in text.splitlines()):
        raise InputError(f"{path} has a merge conflict: edit it, or `git checkout --ours {path}`")


def load(schema: type[Checked], path: Path = Path("params.yaml")) -> Checked:
    """Load and check those sections of the composed configuration that a schema names.

    So an edit of the schema of pictures, say, is none of the code that trains.
    """
    values = read_values(path)
    return check(schema, {name: values[name] for name in schema.model_fields if name in values})


def check(schema: type[Checked], values: Any) -> Checked:
    """Check composed values against a schema, and return them as its models.

    Args:
        schema: a model of the sections to check.
        values: nested mappings as in `params.yaml`.

    Raises:
        InputError: an unknown key, or a missing, mistyped or out-of-range value, or values that do not fit
            together; one line naming the key, what was received and what is expected.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        lines = [_line(schema, values, one) for one in error.errors()]
        raise InputError("; ".join(dict.fromkeys(lines))) from None


def _line(schema: type[BaseModel], values: Any, error: Any) -> str:
    about = error.get("ctx", {})
    if isinstance(about.get("error"), InputError):
        return str(about["error"])
    key, received = _key(values, error), repr(error["input"])
    if error["type"] == "missing":
        return f"{key}: received nothing, expected a value"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key (received {received}); {_hint(key, list(_keys(schema)))}"
    if error["type"] == "union_tag_invalid":
        return f"{key}.kind: received {about['tag']!r}, expected one of {about['expected_tags']}"
    return f"{key}: received {received}, expected {_expected(error)}"


def _hint(key: str, known: list[str]) -> str:
    parent = key.rpartition(".")[0]
    if key in known:
        return f"expected one that this kind of {parent} has"
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
    siblings = [name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == parent]
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(siblings)}"


def _expected(error: Any) -> str:
    """What pydantic says that an input should be, as the end of our sentence."""
    if "error" in error.get("ctx", {}):
        return str(error["ctx"]["error"]).removeprefix("expected ")
    text = (
        error["msg"].replace("List should have", "a list with").replace("a valid integer", "a whole number")
    )
    text = text.removeprefix("Input should be ").partition(" after validation")[0]
    return f"a value {text}" if text.startswith(("greater", "less")) else text


def _key(values: Any, error: Any) -> str:
    """The dotted key of a value, without the names that pydantic gives the members of a union."""
    names, inside = [], values
    for place in error["loc"]:
        if isinstance(inside, Mapping) and place in inside:
            names.append(str(place))
            inside = inside[place]
        elif isinstance(inside, list) and isinstance(place, int):
            inside = inside[place]
        elif error["type"] == "missing" and place == error["loc"][-1]:
            names.append(str(place))
    return ".".join(names)


def _keys(schema: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys of a schema, also those of the members of a union."""
    for name, field in schema.model_fields.items():
        yield f"{prefix}{name}"
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _keys(kind, f"{prefix}{name}.")
