"""The README tells what exists, and what it tells exists."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from faulty_disk import AT_LEAST
from hostile import MANY, SOME

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
KOREAN = (ROOT / "README.ko.md").read_text()
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@pytest.mark.parametrize("stage", STAGES)
def test_the_readme_names_every_stage(stage):
    assert f"`{stage}`" in README


def test_every_picture_and_page_that_a_document_links_to_exists():
    for document in [*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_make_target_that_the_readme_names_exists():
    targets = set(re.findall(r"`?make ([a-z]+)`?", README))
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"repro", "test"} <= targets <= known


def test_make_help_lists_every_target():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split():
        assert f"make {target}" in shown


COMMANDS = re.findall(
    r"^(dvc exp run -S .*?|dvc (?:metrics|params) diff.*?)(?:\s+#.*)?$", README, re.MULTILINE
)


def test_the_readme_shows_commands():
    assert len(COMMANDS) >= 3


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("dvc exp run")])
def test_the_overrides_that_the_readme_shows_are_valid(command, compose):
    compose(*[o.strip("'\"") for o in re.findall(r"-S (\S+)", command)])


@pytest.mark.parametrize("command", [c for c in COMMANDS if "diff" in c])
def test_the_comparisons_that_the_readme_shows_run(command, trained):
    trained.run(*command.split())


def commands(text: str) -> list[str]:
    """The lines of the code blocks without their comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]


def section(text: str, number: int) -> str:
    """From a heading of the second rank to the next one; 0 is what stands before the first."""
    return re.split(r"^## ", text, flags=re.MULTILINE)[number]


def test_the_korean_page_shows_the_commands_of_the_english_one_and_all_of_its_start():
    assert set(commands(KOREAN)) <= set(commands(README))
    assert commands(section(KOREAN, 1)) == commands(section(README, 1))


def test_the_korean_page_has_the_numbers_of_the_english_one():
    (stated, table), (korean_stated, korean_table) = (
        section(text, 2).split("\n\n")[1:3] for text in (README, KOREAN)
    )
    assert sorted(numbers(korean_stated)) == sorted(numbers(stated))
    rows = [sorted(numbers(row)) for row in table.splitlines()]
    assert len(rows) == 6
    assert [sorted(numbers(row)) for row in korean_table.splitlines()] == rows


def test_the_readmes_tell_how_many_faults_and_inputs_the_tests_try():
    kinds = len(re.findall(r"^ +fuzz\(", (ROOT / "tests/faults/test_fuzz.py").read_text(), re.MULTILINE))
    # Each call of a stage once failing, and once the last one.
    tried = {f"{2 * sum(AT_LEAST.values())}", f"{kinds * MANY:,}", f"{kinds * SOME}"}
    for text in (README, KOREAN):
        (paragraph,) = (part for part in text.split("\n\n") if "`make fuzz`" in part)
        assert tried <= set(numbers(paragraph))


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:[.,]\d+)*", text)


def test_the_korean_page_links_to_what_the_english_one_links_to_and_each_to_the_other():
    links = [set(re.findall(r"\]\(([^)]+)\)", text)) for text in (KOREAN, README)]
    assert links[0] - {"README.md"} <= links[1]
    opening = [re.findall(r"\]\(([^)]+)\)", section(text, 0)) for text in (KOREAN, README)]
    assert opening[0][0] == "README.md"
    assert opening[1][0] == "README.ko.md"
    assert sorted(opening[0][1:]) == sorted(opening[1][1:])
