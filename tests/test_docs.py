"""What the documents name exists, and says what is there; `tests/run_docs.py` runs their commands."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), ROOT / "data/external/README.md", *(ROOT / "docs").rglob("*.md")]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """The lines of the blocks marked `bash`, without comments."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]


def anchors(page: Path) -> set[str]:
    """The anchors that a hosting site gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_picture_page_and_heading_that_a_page_links_to_exists(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if not target.startswith("http"):
            linked = page.parent / path if path else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize(
    "page", [*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md")], ids=lambda page: page.name
)
def test_a_page_is_read_in_one_go(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 150


def test_every_block_of_a_page_says_what_it_is():
    for page in PAGES:
        marks = re.findall(r"^ *```(\w*)", page.read_text(encoding="utf-8"), re.MULTILINE)[::2]
        assert set(marks) <= {"bash", "python", "text", "mermaid"}, page


def test_every_make_target_that_a_page_names_exists():
    known = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:`|^|&& )make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= known, page


def test_make_help_lists_every_target():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"^\.PHONY: (.*)", text_of("Makefile"), re.MULTILINE)[0].split():
        assert f"make {target}" in shown


OVERRIDDEN = sorted({line for page in PAGES for line in commands(page.read_text()) if " -S " in line})


@pytest.mark.parametrize("command", OVERRIDDEN)
def test_the_overrides_that_the_documents_show_are_valid(command, compose):
    overrides = [one.strip("'\"") for one in re.findall(r"-S (\S+)", command)]
    # Of several values the first; a list is one value.
    compose(*[re.sub(r"(=\[[^]]*\]|=[^,\[]*),.*", r"\1", one) for one in overrides])


def test_the_korean_page_has_the_sections_and_commands_of_the_english_one():
    english, korean = text_of("README.md"), text_of("README.ko.md")
    assert commands(korean) == commands(english)
    pictures, headings = r"!\[.*?\]\((.*?)\)", r"^(#+) "
    for pattern in (pictures, headings):
        assert re.findall(pattern, korean, re.MULTILINE) == re.findall(pattern, english, re.MULTILINE)


@pytest.mark.parametrize("name", STAGES)
def test_the_page_of_the_stages_says_what_dvc_yaml_does(name):
    def names(values) -> set[str]:
        return {key for one in values for key in (one if isinstance(one, dict) else [one])}

    [row] = re.findall(rf"^\| `{name}` \|.*", text_of("docs/pipeline.md"), re.MULTILINE)
    reads, _, writes, values = (set(re.findall(r"`([^` ]+)`", cell)) for cell in row.split("|")[2:6])
    stage = STAGES[name]
    assert reads == {path for path in stage["deps"] if not path.startswith("pipeline/")}
    assert writes == names(stage.get("outs", []) + stage.get("metrics", []) + stage.get("plots", []))
    assert values == names(stage.get("params", []))


def test_every_test_that_reliability_names_exists():
    named = re.findall(r"`((?:tests/\w+/)?test_\w+)`", text_of("docs/reliability.md"))
    assert named
    for name in named:
        path = ROOT / f"{name}.py" if "/" in name else ROOT / "tests/faults" / f"{name}.py"
        assert path.exists(), name
