"""The page's file: its policy, its words, what is escaped, and equal bytes."""

import base64
import hashlib
import json
import re

import numpy as np
from conftest import ROOT

from pipeline.page.contents import Contents
from pipeline.page.render import KIT, RUN, SWEEP, as_json, render

BROWSER = ROOT / "pipeline/page/browser"
WORDS = json.loads((BROWSER / "words.json").read_text(encoding="utf-8"))
SCRIPT = "\n".join(path.read_text(encoding="utf-8") for path in sorted((BROWSER / "script").glob("*.js")))
TEMPLATE = (BROWSER / "template.html.j2").read_text(encoding="utf-8")


def page(name="a", language="en"):
    values = {"name": name, "language": language, "classes": ["</script><script>alert(1)</script>"]}
    arrays = {'a"><b': np.array([1.5, -2], np.float32), "c": np.array([[1, 2]], np.int16)}
    return render(Contents(values, arrays), BROWSER)


def sha256(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_this_script_and_this_style_alone():
    text = page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1).replace("&#39;", "'")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL).group(1)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
    assert directives.pop("require-trusted-types-for") == "'script'"
    assert directives == {
        "default-src": "'none'",
        "script-src": sha256(script),
        "style-src": sha256(style),
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_no_handler_style_or_address_stands_in_the_template():
    assert not re.search(r"\s(on\w+|style|src)=", TEMPLATE)
    # Names of XML are no addresses that anything is fetched from.
    addresses = re.findall(r"https?://[^\s\"')]+", TEMPLATE + SCRIPT + (BROWSER / "style.css").read_text())
    assert set(addresses) == {"http://www.w3.org/2000/svg"}


def test_no_text_becomes_html_or_code():
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", SCRIPT
    )


def test_names_are_escaped_wherever_they_stand():
    text = page(name="<img src=x>&\"'")
    assert "<img src" not in text
    assert "</script><script>alert" not in text
    assert "&lt;img src=x&gt;&amp;&#34;&#39;" in text
    assert 'data-name="a&#34;&gt;&lt;b"' in text


def test_json_in_the_page_is_the_same_json():
    value = {"a": "</script>", "b": "<!--", "c": "\u2028\u2029&", "d": [1.5, None, "한국어"]}
    text = as_json(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


def test_arrays_are_written_little_endian_in_base64():
    text = page()
    content = re.search(r'data-name="c" data-dtype="int16" data-shape="\[1, 2\]">([^<]*)<', text).group(1)
    assert base64.b64decode(content) == b"\x01\x00\x02\x00"


def test_the_language_of_the_first_words_is_the_configured_one():
    text = page(language="ko")
    assert '<html lang="ko">' in text
    assert WORDS["live.title"]["ko"] in text


def test_every_script_is_part_of_one_kind_of_page_or_of_the_kit():
    scripts = [*KIT, *RUN.scripts, *SWEEP.scripts]
    assert sorted(scripts) == sorted(path.stem for path in (BROWSER / "script").glob("*.js"))


def test_all_words_exist_in_both_languages_with_the_same_places_and_terms():
    for key, words in WORDS.items():
        assert set(words) == {"en", "ko"}, key
        places = [sorted(re.findall(r"\{(\w+)\}", words[language])) for language in ("en", "ko")]
        assert places[0] == places[1], key
        terms = [
            sorted(term.split("|")[-1] for term in re.findall(r"\[([^\]]+)\]", words[language]))
            for language in ("en", "ko")
        ]
        assert terms[0] == terms[1], key
        assert all(f"term.{term}" in WORDS for term in terms[0]), key


def test_every_key_that_the_page_uses_has_words_and_no_words_are_left_over():
    used = set(re.findall(r"\bt\(\s*\"([\w. ]+)\"", SCRIPT))
    used |= set(re.findall(r"\? \"([\w.]+\.[\w.]+)\" : \"[\w.]+\"", SCRIPT))
    used |= set(re.findall(r"\b(?:words\[|data-words=|data-label=)\"([\w.]+)\"", TEMPLATE))
    used |= {f"{kind.name}.{part}" for kind in (RUN, SWEEP) for part in ("title", "subtitle")}
    patterns = [re.escape(p).replace(r"\$\{", "${") for p in re.findall(r"t\(`([^`]+)`", SCRIPT)]
    families = [re.compile(re.sub(r"\$\{[^}]*\}?\\?\}", "[\\\\w .]+", pattern)) for pattern in patterns]
    assert used <= set(WORDS), used - set(WORDS)
    quoted = set(re.findall(r"\"([\w. ]+)\"", SCRIPT))
    spare = {k for k in WORDS if k not in used | quoted and not any(f.fullmatch(k) for f in families)}
    assert {key for key in spare if not key.startswith("term.")} == set()
    assert {key for key in spare if key.startswith("term.")} <= {f"term.{term}" for term in terms_used()}


def terms_used():
    texts = [words["en"] for words in WORDS.values()]
    return {term.split("|")[-1] for text in texts for term in re.findall(r"\[([^\]]+)\]", text)}
