"""One job on a node of a cluster, in the clone that `nodes` made there: run, then push.

    python -m pipeline.cluster.job EXPERIMENT OVERRIDE...

Each line of its output that starts with `progress` holds the fields of a `Progress` as JSON. The artifacts
are pushed before the experiment: an experiment on the Git remote is complete.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError, one_line_errors
from pipeline.base.git import git
from pipeline.base.locks import awaited
from pipeline.cluster import node
from pipeline.sweeps.experiment import NOISE, accuracy, reference, run
from pipeline.sweeps.job import Job, Progress

REMOTE = "origin"
# The stages before the training: what they make is alike in most jobs, and on the DVC remote.
DATA_STAGES = ("fetch", "prepare")
MAX_LOG_CHARACTERS = 200_000


def node_job(job: Job, root: Path) -> None:
    """Run an experiment in a clone and push it, unless the Git remote has it already; print each progress.

    Raises:
        InputError: the remotes cannot be read or written.
    """
    if pushed(root, job.experiment):
        show(Progress("done", accuracy=accuracy(root, job.experiment)))
        return
    fetch_data(root)
    log = root / ".dvc" / "tmp" / f"{job.experiment}.log"
    last = run(job, root, log, show_running)
    if last.state == "done":
        push(root, job.experiment)
    show(last, log=log.read_text(errors="replace")[-MAX_LOG_CHARACTERS:])


def pushed(root: Path, experiment: str) -> bool:
    """Whether the Git remote has an experiment that starts from HEAD; if so, fetch it."""
    name = reference(root, experiment)
    if not git(root, "ls-remote", REMOTE, name):
        return False
    git(root, "fetch", "--quiet", "--no-tags", REMOTE, f"+{name}:{name}")
    return True


def fetch_data(root: Path) -> None:
    """Take the data of the committed `dvc.lock` from the DVC remote; jobs of one node one by one."""
    with awaited(root.parent / "cache.lock"):
        dvc(root, "fetch", *DATA_STAGES)


def push(root: Path, experiment: str) -> None:
    """Push the artifacts of an experiment, then the experiment.

    `dvc exp push` does it the other way round: were its node to die in between, the experiment would be
    there without its model.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    name = reference(root, experiment)
    commit = git(root, "rev-parse", name)
    try:
        with Repo(str(root)) as repo:
            repo.push(revs=[commit], workspace=False)
    except DvcException as error:
        raise InputError(f"dvc push of {experiment}: {error}") from None
    dvc(root, "exp", "push", "--no-cache", REMOTE, experiment)


def dvc(root: Path, *arguments: str) -> str:
    """Run dvc and return what it prints; its complaint becomes an `InputError`."""
    result = subprocess.run(
        ["dvc", *arguments],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        lines = [line for line in result.stdout.splitlines() if not NOISE.search(line)]
        raise InputError(f"dvc {' '.join(arguments)}: {' '.join(lines[-3:])}")
    return result.stdout


def show_running(progress: Progress) -> None:
    """Print a progress but for the last one, which waits for the push."""
    if progress.state == "running":
        show(progress)


def show(progress: Progress, **more: Any) -> None:
    """Print a progress as a line of JSON."""
    print(node.PROGRESS + json.dumps({**asdict(progress), **more}), flush=True)


if __name__ == "__main__":
    with one_line_errors():
        node_job(Job(sys.argv[1], sys.argv[2:]), Path.cwd())
