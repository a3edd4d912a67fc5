"""The command `doctor`: each fault is seen and named with what mends it, and this machine has none."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from conftest import ROOT, environment

from pipeline.commands import doctor
from pipeline.commands.doctor import GIGABYTE

PINS = {"numpy": "2.4.6", "keras": "3.15.1"}
PERSON = ("Kim", "kim@example.com")


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        (doctor.python((3, 10)), "wrong", "3.10, expected 3.11 to 3.13"),
        (doctor.python((3, 14)), "wrong", "make repro PYTHON=python3.12"),
        (doctor.python((3, 13)), "ok", "3.13"),
        (doctor.packages(PINS, {}), "wrong", "2 not installed (numpy, keras): `make repro`"),
        (doctor.packages(PINS, {**PINS, "numpy": "2.4.5"}), "note", "numpy 2.4.5 for 2.4.6"),
        (doctor.packages(PINS, {**PINS, "more": "1"}), "ok", "2 as pinned"),
        (doctor.packages_to_be(True), "wrong", "`make repro` installs them"),
        (doctor.packages_to_be(False), "wrong", "apt-get install python3-venv"),
        (doctor.processor("x86_64", {"sse2"}), "wrong", "no AVX"),
        (doctor.processor("x86_64", {"sse2", "avx"}), "ok", "x86_64"),
        (doctor.processor("aarch64", {"neon"}), "ok", "aarch64"),
        (doctor.disk(GIGABYTE // 2, installed=True), "wrong", "0.5 GB free, 1 needed: free some"),
        (doctor.disk(2 * GIGABYTE, installed=True), "ok", "2.0 GB free"),
        (doctor.disk(2 * GIGABYTE, installed=False), "wrong", "2.0 GB free, 5 needed"),
        (doctor.memory(GIGABYTE // 2), "wrong", "end other programs"),
        (doctor.memory(2 * GIGABYTE), "note", "`pytest -n 1`"),
        (doctor.memory(8 * GIGABYTE), "ok", "8.0 GB available"),
        (doctor.memory(None), "note", "not told by Linux"),
        (doctor.fonts(None), "wrong", "NotoSansCJKjp-Regular.otf is missing"),
        (doctor.fonts(ROOT / "nothing.otf"), "wrong", "`make repro`"),
        (doctor.browser(None), "note", "apt-get install chromium"),
        (doctor.browser("/usr/bin/chromium"), "ok", "chromium"),
        (doctor.git(False, "", "", ""), "wrong", "apt-get install git"),
        (doctor.git(True, "", *PERSON), "wrong", "clone the project"),
        (doctor.git(True, "abc", "Kim", ""), "wrong", "`git config --global user.email YOURS`"),
        (doctor.git(True, "abc", *PERSON), "ok", "Kim <kim@example.com>"),
        (doctor.remote({}, {}), "note", "dvc remote add --default"),
        (doctor.remote({"remote": "s"}, {}), "wrong", "`dvc remote modify s url URL`"),
        (doctor.remote({"remote": "s"}, {"s": {"url": "/nowhere"}}), "wrong", "there is no /nowhere"),
        (doctor.remote({"remote": "s"}, {"s": {"url": "s3://bucket"}}), "ok", "s"),
        (doctor.site(None), "wrong", "`rm -f .site/private`, `make repro`"),
    ],
)
def test_each_fault_is_named_with_what_mends_it(found, state, words):
    assert found.state == state
    assert words in found.words
    assert "\n" not in str(found)


@pytest.mark.parametrize(("mode", "state"), [(0o700, "ok"), (0o710, "wrong"), (0o777, "wrong")])
def test_databases_that_others_may_enter_are_seen(mode, state, tmp_path):
    tmp_path.chmod(mode)
    assert doctor.site(str(tmp_path)).state == state


def test_a_cache_that_everybody_or_nobody_may_write_to_is_seen(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    assert doctor.cache(folder / "files").state == "ok"
    folder.mkdir()
    assert doctor.cache(folder).state == "ok"
    folder.chmod(0o777)
    assert "`chmod o-w" in doctor.cache(folder).words
    folder.chmod(0o700)
    # Root, who may run this, may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "cannot be written to" in doctor.cache(folder).words
    (tmp_path / "file").touch()
    assert doctor.cache(tmp_path / "file" / "cache").state == "wrong"


def test_params_that_are_not_what_conf_composes_are_seen(tmp_path):
    # In `conf/` of another folder the digest would be this project's, which Hydra was told.
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    params = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", params)
    assert doctor.configuration(tmp_path).state == "ok"
    text = params.read_text()
    params.write_text(text.replace("  epochs: 10\n", "  epochs: 3\n"))
    found = doctor.configuration(tmp_path)
    assert found.state == "note"
    assert "train.epochs: 10 -> 3" in found.words
    assert "keeps them" in found.words
    params.write_text(text.replace("conf_digest: ", "conf_digest: 0"))
    assert "composes it anew" in doctor.configuration(tmp_path).words
    params.unlink()
    assert "`dvc repro compose`" in doctor.configuration(tmp_path).words
    (tmp_path / "conf/config.yaml").write_text("a: [")
    assert doctor.configuration(tmp_path).state == "wrong"


def run(folder, *options):
    command = [sys.executable, *options, "-m", "pipeline.commands.doctor"]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def test_the_whole_of_it_takes_seconds_without_tensorflow_and_its_exit_code_tells_what_is_wrong(project):
    shutil.copy(ROOT / "requirements.txt", project.folder)
    started = time.monotonic()
    result = run(project.folder, "-X", "importtime")
    assert time.monotonic() - started < 10
    lines = result.stdout.splitlines()
    assert [line for line in lines if line.startswith("wrong")] == [str(doctor.site(None))]
    assert len(lines) == 12
    assert result.returncode == 1
    assert "pipeline.config.composing" in result.stderr
    assert "tensorflow" not in result.stderr
    # As after `make`.
    site = project.folder / ".site"
    site.chmod(0o700)
    project.dvc("config", "--local", "core.site_cache_dir", str(site))
    assert run(project.folder).returncode == 0


def test_before_anything_is_installed_it_says_so(project):
    result = run(project.folder, "-S")
    assert result.returncode == 1
    assert "none installed: `make repro` installs them" in result.stdout
    assert "Traceback" not in result.stderr
