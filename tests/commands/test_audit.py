"""The command `audit`: holes that are known here, and those that pip-audit knows."""

import csv
import re

import pytest
from conftest import ROOT

from pipeline.base.errors import InputError
from pipeline.base.requirements import pinned
from pipeline.commands import audit

ADVISORIES = audit.read_advisories(ROOT / "docs/advisories.csv")
ACCEPTED = {"CVE-1"}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-cluster.txt"])
def test_no_pin_of_this_project_has_a_known_hole_that_is_mended(name):
    pins = pinned((ROOT / name).read_text())
    assert {"keras", "pillow", "hydra-core", "diskcache"} <= set(pins)
    assert audit.below(pins, ADVISORIES) == []


@pytest.mark.parametrize(
    ("package", "old", "mended"),
    [
        ("keras", "3.15.0", "3.15.1"),
        ("pillow", "12.2.9", "12.3.0"),
        ("ray", "2.9.3", "2.54.0"),
        ("hydra-core", "1.3.7", "1.3.8"),
    ],
)
def test_a_pin_below_a_floor_is_named_with_the_floor(package, old, mended):
    (line,) = audit.below({package: old}, ADVISORIES)
    assert line.startswith(f"{package} {old}: ")
    assert line.endswith(" or newer")
    assert audit.below({package: mended}, ADVISORIES) == []


def test_the_list_is_dated_and_each_line_of_it_says_what_it_is_about():
    with (ROOT / "docs/advisories.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            assert row["noted"] >= "2026-11-25"
            assert row["about"]


def test_pins_are_read_with_hashes_names_as_pypi_has_them_and_only_those_of_this_machine():
    text = (
        "# comment\nRay_Tune==1.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "win==3 ; sys_platform == 'win32' \\\n    --hash=sha256:cc\nextra[s3]==4  # why\n"
    )
    assert pinned(text) == {"ray-tune": "1.2", "extra": "4"}
    for line in ("keras>=3", "keras", "-e ."):
        with pytest.raises(InputError, match="expected NAME==VERSION"):
            pinned(line)


def hole(identity, *aliases, fixed=()):
    return {"id": identity, "aliases": list(aliases), "fix_versions": list(fixed), "description": "..."}


def test_what_pip_audit_skips_does_not_count_as_known_and_what_has_no_mend_is_accepted():
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [hole("PYSEC-1", "CVE-1")]},
            {"name": "c", "version": "3", "vulns": [hole("CVE-2", fixed=["3.1"]), hole("CVE-1")]},
            {"name": "d", "skip_reason": "not found"},
        ]
    }
    assert audit.holes(report, ACCEPTED) == (["c 3: CVE-2 (mended in 3.1)"], 3)


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "pip-audit is not installed, so the list alone was asked"),
        ("echo no connection >&2; exit 1", r"no answer \(no connection\), so the list alone was asked"),
        (
            'echo \'{"dependencies": [{"name": "a", "skip_reason": "x"}]}\'',
            "knows 0 of them, so the list alone",
        ),
    ],
)
def test_where_pip_audit_cannot_ask_the_list_is_asked_and_that_is_said(
    text, words, tmp_path, monkeypatch, capsys
):
    path = tmp_path / "pip-audit"
    monkeypatch.setattr(audit, "PIP_AUDIT", path if text is None else script(path, text))
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("keras==3.1\n")
    (line,) = audit.audit(requirements, ADVISORIES)
    assert line.startswith("keras 3.1: ")
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert re.search(words, told)
