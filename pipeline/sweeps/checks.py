"""The checks of a sweep before anything runs: its jobs, the repository, the disk; and where it starts."""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.config import composing
from pipeline.runs import revisions

SCRATCH = ".sweeps"
# What an experiment is made of. Reports and dvc.lock may differ: they are what it makes.
SOURCES = ("conf", "pipeline", "params.yaml", "dvc.yaml", ".dvc", ".dvcignore", "data/external")
# Per experiment, beside its models: reports, pictures and Git objects.
REPORT_BYTES = 10 * 2**20
SPARE_BYTES = 200 * 2**20


def check_jobs(conf: Path, jobs: Iterable[list[str]], *, distinct: bool) -> None:
    """Compose what each job's overrides give, as DVC will, and check it; all of them, and none the same."""
    seen: dict[str, str] = {}
    for overrides in jobs:
        words = " ".join(overrides)
        try:
            text = composing.compose(conf, overrides)
        except InputError as error:
            raise InputError(f"job {words}: {error}") from None
        if distinct and text in seen:
            raise InputError(f"received two jobs that are the same: {seen[text]} | {words}; leave one out")
        seen[text] = words


def check_repository(root: Path) -> None:
    """Insist on a Git repository in which all that an experiment is made of is committed."""
    try:
        top = Path(git(root, "rev-parse", "--show-toplevel"))
        git(root, "rev-parse", "HEAD")
    except InputError:
        raise InputError(
            f"{root}: expected a Git repository with a commit; run `git init` and commit"
        ) from None
    if top.resolve() != root.resolve():
        raise InputError(f"{root}: expected the top folder of a Git repository, which is {top}")
    changed = git(root, "status", "--porcelain", "--untracked-files=all", "--", *SOURCES).splitlines()
    if changed:
        names = ", ".join(line.strip().split(maxsplit=1)[-1] for line in changed)
        raise InputError(
            f"uncommitted changes: {names}; an experiment starts from a commit: commit or stash them"
        )


def start(root: Path, name: str) -> str:
    """Choose the commit from which a sweep starts: one with the sources of HEAD that has experiments of it.

    That is HEAD itself if it has some, else the newest such commit; without any, HEAD. So a commit of
    reports, of documents or of dvc.lock leaves the experiments of a sweep where they are found.
    """
    head = git(root, "rev-parse", "HEAD")
    own = re.compile(rf"{name}-[0-9a-f]{{8}}")
    commits = {one.baseline for one in revisions.experiments(root) if own.fullmatch(one.name)}
    if head in commits or not commits:
        return head
    # An experiment may have outlived the commit that it started from.
    newest = git(root, "rev-list", "--no-walk=sorted", "--ignore-missing", *sorted(commits)).split()
    sources = _sources(root, head)
    return next((commit for commit in newest if _sources(root, commit) == sources), head)


def _sources(root: Path, commit: str) -> str:
    """Path, mode and digest of all that an experiment from this commit is made of."""
    return git(root, "ls-tree", "-r", commit, "--", *SOURCES)


def check_disk(root: Path, num_jobs: int, num_parallel: int) -> None:
    """Insist on room for the models of every job, and for the data of those that run at once."""
    models = max(_size(root / "models"), REPORT_BYTES)
    data = _size(root / "data" / "raw") + _size(root / "data" / "prepared")
    needed = num_jobs * (models + REPORT_BYTES) + num_parallel * data + SPARE_BYTES
    free = shutil.disk_usage(root).free
    if free < needed:
        raise InputError(
            f"disk of {root}: received {free / 2**20:,.0f} MB free, expected about"
            f" {needed / 2**20:,.0f} MB for {num_jobs} experiments;"
            " free some (`dvc gc --workspace --all-experiments`) or sweep over less"
        )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
