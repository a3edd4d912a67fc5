"""A Git repository for the tests of revisions."""

import subprocess

import pytest
from conftest import environment


@pytest.fixture
def git(tmp_path):
    """A repository, and its `git`; `seconds` is the time of a commit."""

    def run(*arguments, seconds=0):
        time = {"GIT_COMMITTER_DATE": f"@{seconds} +0000"} if seconds else {}
        command, where = ["git", *arguments], {"cwd": tmp_path, "env": {**environment(), **time}}
        return subprocess.run(command, **where, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    return run


@pytest.fixture
def save(git, tmp_path):
    """Write files, commit them, return the commit."""

    def run(**contents):
        for name, text in contents.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", "state")
        return git("rev-parse", "HEAD")

    return run
