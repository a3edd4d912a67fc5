"""One DVC experiment, run by `dvc exp run` in a process of its own and in a clone of its own.

Nothing trains in this process. The experiment and all that it starts end with this process, whatever
ends it: Ctrl-C, an exception or `kill -9`.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import yaml

from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.base.processes import DIES_WITH_PARENT, end, environment
from pipeline.sweeps.job import Job, Progress

POLL_SECONDS = 0.25
# What the answer of a sweep is made of. Of an experiment that is applied, `dvc repro` draws the rest.
STAGES = ("compose", "fetch", "prepare", "train", "evaluate")
LOG_END_LINES = 15
# A line of stage `train`.
EPOCH = re.compile(r"^train: epoch (\d+)/(\d+), .* val_accuracy ([\d.]+), ", re.MULTILINE)
# What dvc says while it waits, and around an error, that tells nothing about it.
NOISE = re.compile(r"^\s*$|^Having any troubles|^\s*https?://|^\d{4}-\d\d-\d\d .*cuda|^[WIE]0000 ")


def reference(root: Path, experiment: str, commit: str = "HEAD") -> str:
    """The Git reference that DVC gives an experiment that starts from a commit."""
    head = git(root, "rev-parse", commit)
    return f"refs/exps/{head[:2]}/{head[2:]}/{experiment}"


def accuracy(root: Path, experiment: str, commit: str = "HEAD") -> float | None:
    """Validation accuracy of an experiment that starts from a commit; None when there is no such one."""
    try:
        text = git(root, "show", f"{reference(root, experiment, commit)}:reports/metrics.json")
        return float(json.loads(text)["validation"]["accuracy"])
    except (InputError, ValueError, KeyError, TypeError, RecursionError):
        return None


def run(job: Job, root: Path, log: Path, report: Callable[[Progress], None]) -> Progress:
    """Run an experiment.

    Args:
        job: what to run.
        root: of a clone that nothing else writes to, whose files become the experiment's; it has none of that
            name yet.
        log: file to write everything to that dvc and the stages print.
        report: called with each change, and once a second for the clock.

    Returns:
        The last progress: done or failed. A failing experiment raises nothing.
    """
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    reported(Progress("running"), report)
    code = _dvc(job, root, log, report)
    last = replace(progress(log), seconds=time.monotonic() - started)
    final = accuracy(root, job.experiment)
    if code == 0 and final is not None:
        return reported(replace(last, state="done", accuracy=final), report)
    return reported(replace(last, state="failed", log_end=log_end(log, code)), report)


def reported(progress: Progress, report: Callable[[Progress], None]) -> Progress:
    report(progress)
    return progress


def _dvc(job: Job, root: Path, log: Path, report: Callable[[Progress], None]) -> int:
    command = ["dvc", "exp", "run", "--name", job.experiment]
    for override in job.overrides:
        command += ["--set-param", override]
    command += chosen_stages(root)
    started = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*DIES_WITH_PARENT, *command],
            cwd=root,
            env=environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        shown = (0, 0.0)
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(POLL_SECONDS)
            seconds = time.monotonic() - started
            if shown != (size := log.stat().st_size, seconds // 1):
                report(replace(progress(log), seconds=seconds))
                shown = (size, seconds // 1)
    except BaseException:
        end(process)
        raise


def progress(log: Path) -> Progress:
    """What the log of an experiment says so far: the last line of an epoch that ended."""
    text = log.read_text(errors="replace") if log.exists() else ""
    ended = EPOCH.findall(text)
    if not ended:
        return Progress("running")
    epoch, epochs, accuracy = ended[-1]
    return Progress("running", int(epoch), int(epochs), float(accuracy))


def log_end(log: Path, code: int) -> str:
    """The last lines of a log that say something, and how dvc ended when it was killed."""
    text = log.read_text(errors="replace").replace("\r", "\n")
    lines = [line.rstrip() for line in text.splitlines() if not NOISE.search(line)]
    if code < 0 or not lines:
        lines.append(f"dvc ended with code {code}")
    return "\n".join(lines[-LOG_END_LINES:])


def chosen_stages(root: Path) -> list[str]:
    """Names of the stages to run; what the others wrote is deleted, since it shows another network.

    So are their entries in `dvc.lock`: DVC parses and writes the whole file with every stage, in pure Python.
    """
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    others = stages.keys() - set(STAGES)
    for name in others:
        for out in stages[name].get("outs", []) + stages[name].get("metrics", []):
            path = root / (out if isinstance(out, str) else next(iter(out)))
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    _forget(root / "dvc.lock", others)
    return [name for name in stages if name in STAGES]


def _forget(lock: Path, names: Collection[str]) -> None:
    if lock.exists():
        content = yaml.safe_load(lock.read_text())
        stages = {name: entry for name, entry in content["stages"].items() if name not in names}
        lock.write_text(yaml.safe_dump({**content, "stages": stages}, sort_keys=False))
