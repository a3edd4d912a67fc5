"""Running Git."""

import subprocess
from pathlib import Path

from pipeline.base.errors import InputError

TIMEOUT_SECONDS = 120


def git(root: Path, *arguments: str) -> str:
    """Run Git in a folder and return what it prints; its complaint becomes an `InputError`."""
    try:
        result = subprocess.run(
            ["git", *arguments],
            cwd=root,
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise InputError("git: not found; expected Git to be installed") from None
    except subprocess.TimeoutExpired:
        raise InputError(
            f"git {arguments[0]} in {root}: no end after {TIMEOUT_SECONDS} s; the disk or network may be slow"
        ) from None
    except subprocess.CalledProcessError as error:
        raise InputError(f"git {arguments[0]} in {root}: {_complaint(error.stderr.strip())}") from None
    return result.stdout.strip()


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
