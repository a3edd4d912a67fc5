"""What the documents name exists, and the commands that they show work."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

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


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("dvc exp run")])
def test_the_overrides_that_the_readme_shows_are_valid(command, compose):
    compose(*[o.strip("'\"") for o in re.findall(r"-S (\S+)", command)])


@pytest.mark.parametrize("command", [c for c in COMMANDS if "diff" in c])
def test_the_comparisons_that_the_readme_shows_run(command, trained):
    trained.run(*command.split())


def test_the_korean_page_shows_commands_of_the_english_one():
    english, korean = (
        {
            line.split("  #")[0].strip()
            for block in re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
            for line in block.splitlines()
        }
        for text in (README, KOREAN)
    )
    assert korean
    assert korean <= english


def test_every_test_that_reliability_names_exists():
    text = (ROOT / "docs/reliability.md").read_text()
    named = re.findall(r"`((?:tests/\w+/)?test_\w+)`", text)
    assert named
    for name in named:
        path = ROOT / f"{name}.py" if "/" in name else ROOT / "tests/faults" / f"{name}.py"
        assert path.exists(), name
