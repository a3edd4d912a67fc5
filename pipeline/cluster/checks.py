"""Whether the nodes of a cluster could get what is to be swept: its commit by Git, its data by DVC."""

import json
import tempfile
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.cluster import job
from pipeline.sweeps.clone import clone


def check(root: Path, start: str) -> str:
    """Refuse a sweep from a commit, `start`, whose code or data the nodes could not get; takes some seconds.

    Returns:
        The name of the Git remote.

    Raises:
        InputError: no Git remote, the commit is not pushed, no DVC remote that nodes reach, or the prepared
            data is not there.
    """
    remote = git_remote(root)
    _check_pushed(root, remote, start)
    with tempfile.TemporaryDirectory() as folder:
        # Nodes have the `.dvc/config` and the `dvc.lock` of the commit; those of this folder may be others.
        there = Path(folder) / "clone"
        clone(root, there, start)
        _check_dvc_remote(there / ".dvc" / "config")
        _check_data(there)
    return remote


def git_remote(root: Path) -> str:
    """The Git remote of the branch that is checked out, or else `origin`."""
    branch = git(root, "branch", "--show-current")
    remote = git(root, "config", "--default", "origin", f"branch.{branch}.remote")
    if remote not in git(root, "remote").split():
        raise InputError(
            f"{root} has no Git remote {remote}, expected one that every node reaches:"
            f" `git remote add {remote} URL`, then `git push`"
        )
    return remote


def _check_pushed(root: Path, remote: str, commit: str) -> None:
    git(root, "fetch", "--quiet", "--no-tags", remote)
    if not git(root, "branch", "--remotes", "--list", f"{remote}/*", "--contains", commit):
        beside = git(root, "rev-list", "--max-count=1", commit, "^HEAD")
        what = f"{commit[:8]}:refs/heads/BRANCH" if beside else "HEAD"
        raise InputError(
            f"commit {commit[:8]} is not on the Git remote {remote}, where nodes take it from:"
            f" `git push {remote} {what}`"
        )


def _check_dvc_remote(committed: Path) -> None:
    from dvc.config import Config

    sections = Config.load_file(committed)
    name = sections.get("core", {}).get("remote")
    url = sections["remote"].get(name, {}).get("url")
    if url is None:
        raise InputError(
            "the committed .dvc/config has no default remote, where nodes take the data from:"
            " `dvc remote add --default NAME URL`, then commit .dvc/config and `dvc push`"
        )
    if "://" not in url and not Path(url).is_absolute():
        raise InputError(
            f"DVC remote {name}: received the relative folder {url}, which each clone would have for itself;"
            " expected an address or an absolute path that every node reaches"
        )


def _check_data(root: Path) -> None:
    stages = job.DATA_STAGES
    states = json.loads(job.dvc(root, "status", "--cloud", "--json", *stages))
    absent = sorted(name for name, state in states.items() if state != "deleted")
    if absent:
        raise InputError(
            f"{', '.join(absent[:3])}: not on the DVC remote, where nodes take it from:"
            f" `dvc repro {stages[-1]}`, commit dvc.lock, `dvc push`"
        )
