"""Running Git: what it refuses, as one short line."""

import subprocess

import pytest

from pipeline.base.errors import InputError
from pipeline.base.git import git


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A repository that Git takes for another user's."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    return tmp_path


def test_a_repository_of_another_user_is_refused_with_the_command_that_git_names(foreign):
    with pytest.raises(InputError, match=r"git config --global --add safe\.directory") as refused:
        git(foreign, "status")
    assert "\n" not in str(refused.value)


def test_what_git_prints_is_read_as_utf_8_in_any_locale(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    git(tmp_path, "config", "--global", "user.name", "김")
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "ascii")
    monkeypatch.setattr("locale.getencoding", lambda: "ascii")
    assert git(tmp_path, "config", "user.name") == "김"
