"""The jobs of a sweep while it runs: each one's state in a file.

A job may run in another process than the screen does; they meet in `.sweeps/<sweep>/<experiment>.json`.
"""

import functools
import math
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil

from pipeline.base import files
from pipeline.base.errors import InputError
from pipeline.base.locks import awaited, claimed, holder
from pipeline.base.processes import end_with
from pipeline.config.fields import is_int, is_number
from pipeline.sweeps import clone
from pipeline.sweeps.job import Job, Progress, progress_of

# What a search is told of a job that failed: the worst there is. Optuna ends at nan.
FAILED_ACCURACY = 0.0
REFRESH_SECONDS = 0.5
KNOWN_SECONDS = "seconds_by_start"
# What holds for each value of a state's file.
STORED: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("sweep", "epoch", "epochs"), is_int),
    **dict.fromkeys(("start", "experiment", "state", "log_end"), lambda v: isinstance(v, str)),
    "overrides": lambda v: isinstance(v, list) and all(isinstance(one, str) for one in v),
    "accuracy": lambda v: v is None or type(v) in (int, float),
    "seconds": is_number,
    KNOWN_SECONDS: lambda v: isinstance(v, dict),
}


@contextmanager
def only_one(folder: Path, commit: str) -> Iterator[None]:
    """Claim a sweep's folder for this process, and clear what a killed sweep left in it.

    Args:
        folder: of the sweep.
        commit: from which every job starts, also one that starts after another commit was made.

    Raises:
        InputError: a sweep of the same name is at work.
    """

    def refusal(process: str) -> str:
        return (
            f"a sweep {folder.name}, process {process}, is at work; wait for it, end it,"
            " or name this one with hydra.job.name=NAME"
        )

    with claimed(folder / "owner", refusal, commit):
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
        yield


def owner(folder: Path) -> int:
    """Process id of the sweep that claimed a folder."""
    return int(holder(folder / "owner")[0])


def start(folder: Path) -> str:
    """Commit from which the jobs of the sweep that claimed a folder start."""
    return holder(folder / "owner")[1]


def run(root: Path, folder: Path, job: Job) -> float:
    """Run one job of a sweep and keep its state in the folder; called in whichever process Hydra chose.

    Returns:
        Its validation accuracy, for a search; that of a failed job is 0. Nothing is raised for it.
    """
    sweep = owner(folder)
    if os.getppid() == sweep:
        _end_with_parent(sweep)

    def report(progress: Progress) -> None:
        keep(folder, sweep, job, progress)

    # A search may draw the same values twice at once: the second finds the first's result.
    with awaited(folder / f"{job.experiment}.lock"):
        last = clone.run_apart(job, root, folder, report, start(folder))
    found = last.accuracy if last.state != "failed" else None
    return FAILED_ACCURACY if found is None or math.isnan(found) else found


@functools.cache
def _end_with_parent(parent: int) -> None:
    """Make this worker of joblib end with the sweep, also while it has no job; loky does not see to it."""
    # Ctrl-C reaches the sweep as well, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(psutil.Process(parent), "the sweep that started this job is gone")


def keep(folder: Path, sweep: int, job: Job, progress: Progress) -> None:
    """Keep a job's progress; of one that is skipped, also how long it took when it was run.

    Kept with it: the process id of the sweep, the commit from which it started, and the seconds that the
    experiment of this name took from each commit from which it ever ran.
    """
    path, commit = folder / f"{job.experiment}.json", start(folder)
    stored = _stored(path) or {KNOWN_SECONDS: {}}
    known = {begin: seconds for begin, seconds in stored[KNOWN_SECONDS].items() if is_number(seconds)}
    if progress.state == "skipped":
        progress = replace(progress, seconds=known.get(commit, 0.0))
    # Without seconds it was found on a cluster's Git remote.
    if progress.state == "done" and progress.seconds:
        known = {**known, commit: progress.seconds}
    value = {"sweep": sweep, "start": commit, **asdict(job), **asdict(progress), KNOWN_SECONDS: known}
    files.write_json(path, value)


def read_states(folder: Path, planned: Sequence[Job]) -> list[tuple[Job, Progress]]:
    """Each job of the sweep that claimed a folder, and how far it is: those planned, then others as found."""
    # The commit too: a process id comes again, in a container even at each start.
    found, claim = {}, (owner(folder), start(folder))
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
        stored = _stored(path)
        if stored is not None and (stored["sweep"], stored["start"]) == claim:
            job = Job(stored["experiment"], stored["overrides"])
            found[job.experiment] = job, progress_of(stored)
    waiting = {job.experiment: (job, Progress("waiting")) for job in planned}
    return list({**waiting, **found}.values())


def _stored(path: Path) -> dict[str, Any] | None:
    """What `keep` wrote; None when the file is damaged or another's, which ends no sweep."""
    try:
        stored = files.read_json(path)
    except InputError:
        return None
    right = isinstance(stored, dict) and all(k in stored and holds(stored[k]) for k, holds in STORED.items())
    return stored if right else None
