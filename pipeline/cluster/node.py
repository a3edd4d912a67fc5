"""What a node of a cluster is sent: make a clone of the Git remote at a commit, run a job in it.

A node has the Python environment, but nothing of this project until it has cloned it. So the functions
here travel by value, and need the standard library and Ray alone. The job itself is `cluster.job`, which
runs in the clone, as the code of the commit.

Folders on a node, below FILTERSCOPE_WORK or else `~/.cache/filterscope`:

    <repository>/0, 1, ...   clones, one for each job that runs at the same time, kept for the next ones
    <repository>/cache       DVC's cache, shared by them
"""

import fcntl
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a search is told of a job that failed: the worst there is.
FAILED_ACCURACY = 0.0
# A job that lost its node so often does not get another one: it may be what ends them.
MAX_STARTS = 4
PROGRESS = "progress "
OUTPUT_END_LINES = 15


@dataclass(frozen=True)
class Order:
    """What every job of a sweep has in common.

    Attributes:
        url: of the Git remote.
        commit: the swept one, in full.
        person: settings of Git (`user.name`, `user.email`) under which experiments are committed.
        known: validation accuracy by name of the experiments that the head has already.
    """

    url: str
    commit: str
    person: dict[str, str]
    known: dict[str, float]


class Board:
    """Where jobs write how far they are, and the head reads it; runs as a Ray actor beside the head."""

    def __init__(self) -> None:
        self.starts: dict[str, int] = {}
        self.reports: list[tuple[str, dict[str, Any]]] = []

    def start(self, experiment: str) -> int:
        """Count a start of a job; more than one means that it lost its node."""
        self.starts[experiment] = self.starts.get(experiment, 0) + 1
        return self.starts[experiment]

    def report(self, experiment: str, progress: dict[str, Any]) -> None:
        """Add the fields of a `Progress` and `overrides`; the last of a job has `final`, maybe `log`."""
        self.reports.append((experiment, progress))

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what was reported since the last call, in order."""
        taken, self.reports = self.reports, []
        return taken


def run(order: Order, experiment: str, overrides: list[str], board: Any) -> float:
    """Run a job, of this name and these overrides of Hydra, on this node; `board` is a `Board`'s handle.

    Returns:
        The validation accuracy; 0 for a failed job, which raises nothing: that would end the sweep.
    """

    def report(progress: dict[str, Any]) -> Any:
        return board.report.remote(experiment, {**progress, "overrides": overrides})

    last: dict[str, Any]
    try:
        if experiment in order.known:
            last = {"state": "skipped", "accuracy": order.known[experiment]}
        elif wait(board.start.remote(experiment)) > MAX_STARTS:
            last = {"state": "failed", "log_end": f"its node was lost {MAX_STARTS} times; not started again"}
        else:
            with slot(work_folder(order.url)) as (folder, lock):
                update_clone(folder, order)
                last = run_in_clone(folder, lock, experiment, overrides, report)
    except (OSError, RuntimeError) as error:
        last = {"state": "failed", "log_end": str(error)}
    wait(report({**last, "final": True}))
    return FAILED_ACCURACY if last["state"] == "failed" else float(last["accuracy"])


def wait(reference: Any) -> Any:
    """The value of a Ray call. `ray.get` would give the job's processors to another job meanwhile."""
    return reference.future().result()


def work_folder(url: str) -> Path:
    """The folder of a repository on this node."""
    base = os.environ.get("FILTERSCOPE_WORK") or Path.home() / ".cache" / "filterscope"
    name = url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
    return Path(base) / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"


@contextmanager
def slot(folder: Path) -> Iterator[tuple[Path, int]]:
    """Take the first clone of this node that no other job is in; give its path and its lock's file."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        with (folder / f"{number}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder / str(number), lock.fileno()
            return


def update_clone(folder: Path, order: Order) -> None:
    """Bring a clone to a commit, and remove what a job that was killed there has left."""
    if (folder / ".git").is_dir():
        git(folder, "fetch", "--quiet", "origin")
    else:
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        # The address, which git keeps, may hold a token: for this user alone.
        fresh.mkdir(mode=0o700)
        git(folder.parent, "clone", "--quiet", "--no-checkout", order.url, str(fresh))
        fresh.rename(folder)
    for reference in git(folder, "for-each-ref", "--format=%(refname)", "refs/exps").split():
        git(folder, "update-ref", "--no-deref", "-d", reference)
    for name, value in order.person.items():
        git(folder, "config", name, value)
    (folder / ".git" / "index.lock").unlink(missing_ok=True)
    git(folder, "checkout", "--quiet", "--force", "--detach", order.commit)
    # What Git ignores too: data, models, DVC's databases. DVC takes from its cache what this job needs.
    git(folder, "clean", "--quiet", "-dffx")
    cache = folder.parent / "cache"
    site = folder / ".site"
    site.mkdir(mode=0o700, exist_ok=True)
    site.chmod(0o700)
    settings = f"[cache]\n    dir = {cache}\n[core]\n    site_cache_dir = {site}\n"
    (folder / ".dvc" / "config.local").write_text(settings)


def git(folder: Path, *arguments: str) -> str:
    """Run Git; its complaint becomes a RuntimeError."""
    result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"git {arguments[0]} on {os.uname().nodename}: {result.stderr.strip()}")
    return result.stdout


def run_in_clone(
    folder: Path, lock: int, experiment: str, overrides: list[str], report: Callable[[dict[str, Any]], Any]
) -> dict[str, Any]:
    """Run `cluster.job` in a clone; pass on its reports but for the last, which is returned.

    Both end with this process, which ends with its node. The lock stays taken until the last is gone.
    """
    binaries = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    last: dict[str, Any] = {}
    other: list[str] = []
    command = [sys.executable, "-m", "pipeline.cluster.job", experiment, *overrides]
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", *command],
        cwd=folder,
        env={**os.environ, "PATH": binaries, "PYTHONPATH": "", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=(lock,),
    ) as process:
        for line in process.stdout or ():
            if line.startswith(PROGRESS):
                last = json.loads(line.removeprefix(PROGRESS))
                if last["state"] == "running":
                    report(last)
            else:
                other = [*other, line.rstrip()][-OUTPUT_END_LINES:]
    if process.returncode != 0:
        ended = f"the job ended with code {process.returncode}"
        return {**last, "state": "failed", "log_end": "\n".join([*other, ended])}
    return last
