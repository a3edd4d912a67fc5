"""Running Git."""

import os
import subprocess
from pathlib import Path

from pipeline.base.errors import InputError


def git(root: Path, *arguments: str) -> str:
    """Run Git in a folder and return what it prints; its complaint becomes an `InputError`."""
    return os.fsdecode(git_bytes(root, *arguments)).strip()


def git_bytes(root: Path, *arguments: str) -> bytes:
    """`git` for the content of files, which need not be text."""
    try:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise InputError("git: not found; expected Git to be installed") from None
    except subprocess.CalledProcessError as error:
        complaint = _complaint(os.fsdecode(error.stderr).strip())
        raise InputError(f"git {arguments[0]} in {root}: {complaint}") from None


def _complaint(printed: str) -> str:
    """What Git prints, or of a repository of another user the command alone that Git ends it with."""
    command = printed.splitlines()[-1].strip() if "safe.directory" in printed else ""
    return f"it belongs to another user; if you trust it, run `{command}`" if command else printed


def commit_of(root: Path, sources: str) -> str | None:
    """The commit that is checked out, and whether `sources` were edited since; None without a repository."""
    try:
        commit = git(root, "rev-parse", "HEAD")
        edited = git(root, "--no-optional-locks", "status", "--porcelain", "--", sources)
    except InputError:
        return None
    return f"{commit} and changes to {sources}" if edited else commit
