"""The command `doctor`: each fault is named with what fixes it, and a fresh clone has none."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from conftest import ROOT, environment

from pipeline.commands import doctor

FIT = {"version": (3, 13), "kind": "x86_64", "flags": {"sse2", "avx"}, "free": 9e9, "packages": ["json"]}


@pytest.mark.parametrize(
    ("changes", "subject", "state"),
    [
        ({"version": (3, 10)}, "Python", "wrong"),
        ({"version": (3, 11)}, "Python", "ok"),
        ({"version": (3, 14)}, "Python", "wrong"),
        ({"flags": {"sse2"}}, "processor", "wrong"),
        ({"flags": set()}, "processor", "ok"),
        ({"flags": {"neon"}, "kind": "aarch64"}, "processor", "ok"),
        ({"free": 5e8}, "disk", "wrong"),
        ({"free": 2e9}, "disk", "ok"),
        ({"packages": ["json", "never_installed"]}, "packages", "note"),
        ({"packages": ["json", "never_installed"], "free": 2e9}, "disk", "wrong"),
    ],
)
def test_what_a_machine_lacks_is_named_and_nothing_else(changes, subject, state, monkeypatch):
    has = {**FIT, **changes}
    monkeypatch.setattr(sys, "version_info", has["version"])
    monkeypatch.setattr(doctor.platform, "machine", lambda: has["kind"])
    monkeypatch.setattr(doctor, "cpu_flags", lambda path: has["flags"])
    monkeypatch.setattr(shutil, "disk_usage", lambda root: SimpleNamespace(free=has["free"]))
    monkeypatch.setattr(doctor, "PACKAGES", has["packages"])
    states = {name: state for state, name, _ in doctor.machine(ROOT)}
    assert states.pop(subject) == state
    assert "wrong" not in states.values()


def run_git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def test_git_has_to_be_there_with_a_commit_and_then_an_author(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_") or name == "EMAIL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    assert doctor.repository(tmp_path)[0] == "wrong"
    run_git(tmp_path, "init", "--quiet")
    assert doctor.repository(tmp_path)[0] == "wrong"
    author = ("-c", "user.name=Kim", "-c", "user.email=kim@example.com")
    run_git(tmp_path, *author, "commit", "--quiet", "--allow-empty", "--message", "first")
    assert doctor.repository(tmp_path)[0] == "note"
    run_git(tmp_path, "config", "--global", "user.name", "Kim")
    assert doctor.repository(tmp_path)[0] == "note"
    run_git(tmp_path, "config", "--global", "user.email", "kim@example.com")
    assert doctor.repository(tmp_path)[0] == "ok"
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    state, _, text = doctor.repository(tmp_path)
    assert state == "wrong"
    assert f"git config --global --add safe.directory {tmp_path}" in text
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.repository(tmp_path)[0] == "wrong"


@pytest.mark.parametrize("name", ["params.yaml", "dvc.lock", "conf/train/smoke.yaml"])
def test_a_merge_conflict_names_its_file(name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("seed: 1\n")
    assert doctor.configuration(tmp_path)[0] == "ok"
    path.write_text("<<<<<<< ours\nseed: 1\n=======\nseed: 2\n>>>>>>> theirs\n")
    state, _, text = doctor.configuration(tmp_path)
    assert state == "wrong"
    assert path.name in text


@pytest.mark.parametrize(("mode", "state"), [(0o700, "ok"), (0o710, "wrong"), (0o777, "wrong")])
def test_databases_that_others_may_enter_are_seen(mode, state, tmp_path):
    assert doctor.databases(tmp_path)[0] == "note"
    (tmp_path / "private").touch()
    tmp_path.chmod(mode)
    assert doctor.databases(tmp_path)[0] == state


def test_nothing_is_wrong_in_a_fresh_clone_before_the_install_and_the_exit_code_tells(project):
    def states_and_code():
        command = [sys.executable, "-S", "-m", "pipeline.commands.doctor"]
        result = subprocess.run(
            command, cwd=project.folder, env=environment(), capture_output=True, text=True
        )
        return {line.split()[0] for line in result.stdout.splitlines()}, result.returncode

    assert states_and_code() == ({"ok", "note"}, 0)
    (project.folder / "params.yaml").write_text("<<<<<<< ours\n")
    assert states_and_code() == ({"ok", "note", "wrong"}, 1)
