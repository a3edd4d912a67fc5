"""One DVC experiment, run by `dvc exp run --temp` in a process of its own.

Nothing trains in this process. The experiment and all that it starts end with this process, whatever
ends it: Ctrl-C, an exception or `kill -9`.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from pipeline.config import InputError

POLL_SECONDS = 0.25
LOG_END_LINES = 15
LOCK_SECONDS = 120.0
# Stands between this process and dvc, in a process group with all that dvc starts. The kernel sends it
# TERM when this process is gone, and it ends the group; should it be killed itself, dvc goes with it.
GUARD = """
trap 'kill -KILL 0' TERM INT HUP
setpriv --pdeathsig KILL -- "$@" &
wait $!
"""
# What the answer of a sweep is made of. Of an experiment that is applied, `dvc repro` draws the rest.
STAGES = ("compose", "fetch", "prepare", "train", "evaluate", "visualize_weights")
LOCK_ERROR = "Unable to acquire lock"
EPOCH = re.compile(r"^Epoch (\d+)/(\d+)", re.MULTILINE)
ACCURACY = re.compile(r"val_accuracy: ([\d.]+(?:e[+-]\d+)?)")
# What dvc says while it waits, and around an error, that tells nothing about it.
NOISE = re.compile(r"^\s*$|^Having any troubles|^\s*https?://|^\d{4}-\d\d-\d\d .*cuda|^[WIE]0000 ")


@dataclass(frozen=True)
class Job:
    """One experiment to run.

    Attributes:
        experiment: name of the DVC experiment.
        overrides: of Hydra, e.g. `model.filters=[8,16]`.
    """

    experiment: str
    overrides: list[str]


@dataclass(frozen=True)
class Progress:
    """How far an experiment is.

    Attributes:
        state: waiting, running, done, failed, or skipped (it was there already).
        epoch: the one at work, from 1; 0 before the first.
        epochs: at most so many; 0 while unknown.
        accuracy: validation accuracy: of the last epoch so far; once done, of the saved network.
        seconds: since the start.
        log_end: the last lines of the log of a failed experiment.
    """

    state: str
    epoch: int = 0
    epochs: int = 0
    accuracy: float | None = None
    seconds: float = 0.0
    log_end: str = ""


def git(root: Path, *arguments: str) -> str:
    """Run Git in a folder and return what it prints; its complaint becomes an `InputError`."""
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=120
        )
    except FileNotFoundError:
        raise InputError("git: not found; expected Git to be installed") from None
    except subprocess.CalledProcessError as error:
        raise InputError(f"git {arguments[0]} in {root}: {error.stderr.strip()}") from None
    return result.stdout.strip()


def reference(root: Path, experiment: str, commit: str = "HEAD") -> str:
    """The Git reference that DVC gives an experiment that starts from a commit."""
    head = git(root, "rev-parse", commit)
    return f"refs/exps/{head[:2]}/{head[2:]}/{experiment}"


def accuracy(root: Path, experiment: str, commit: str = "HEAD") -> float | None:
    """Validation accuracy of an experiment that starts from a commit; None when there is no such one."""
    try:
        text = git(root, "show", f"{reference(root, experiment, commit)}:reports/metrics.json")
        return float(json.loads(text)["validation"]["accuracy"])
    except (InputError, ValueError, KeyError):
        return None


def run(job: Job, root: Path, log: Path, report: Callable[[Progress], None]) -> Progress:
    """Run an experiment, unless there is one of its name that starts from HEAD.

    Args:
        job: what to run.
        root: of a clone that nothing else writes to, since `dvc exp run` changes it for a moment.
        log: file to write everything to that dvc and the stages print.
        report: called with each change, and once a second for the clock.

    Returns:
        The last progress: done, failed or skipped. A failing experiment raises nothing.
    """
    started = time.monotonic()
    known = accuracy(root, job.experiment)
    if known is not None:
        return _reported(Progress("skipped", accuracy=known), report)
    log.parent.mkdir(parents=True, exist_ok=True)
    _reported(Progress("running"), report)
    code = _attempts(job, root, log, report)
    last = replace(progress(log), seconds=time.monotonic() - started)
    final = accuracy(root, job.experiment)
    if code == 0 and final is not None:
        return _reported(replace(last, state="done", accuracy=final), report)
    return _reported(replace(last, state="failed", log_end=log_end(log, code)), report)


def _reported(progress: Progress, report: Callable[[Progress], None]) -> Progress:
    report(progress)
    return progress


def _attempts(job: Job, root: Path, log: Path, report: Callable[[Progress], None]) -> int:
    """Run dvc; again when all that was wrong was another dvc at work in the folder."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        code = _once(job, root, log, report)
        locked = code != 0 and LOCK_ERROR in log.read_text(errors="replace")
        if not locked or time.monotonic() > deadline:
            return code
        time.sleep(1)


def _once(job: Job, root: Path, log: Path, report: Callable[[Progress], None]) -> int:
    command = ["dvc", "exp", "run", "--temp", "--name", job.experiment]
    for override in job.overrides:
        command += ["--set-param", override]
    command += chosen_stages(root)
    started = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", "sh", "-c", GUARD, "sh", *command],
            cwd=root,
            env=environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        shown = (0, 0.0)
        while process.poll() is None:
            seconds = time.monotonic() - started
            if shown != (size := log.stat().st_size, seconds // 1):
                report(replace(progress(log), seconds=seconds))
                shown = (size, seconds // 1)
            time.sleep(POLL_SECONDS)
    except BaseException:
        end(process)
        raise
    return process.returncode


def chosen_stages(root: Path) -> list[str]:
    """Names of the stages to run; what the others wrote is deleted, since it shows another network."""
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    for name in stages.keys() - set(STAGES):
        for out in stages[name].get("outs", []) + stages[name].get("metrics", []):
            path = root / (out if isinstance(out, str) else next(iter(out)))
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return [name for name in stages if name in STAGES]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of dvc: each line of a stage reaches the log at once; no trace of an outer dvc."""
    inherited = {name: value for name, value in given.items() if not name.startswith("DVC_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def end(process: "subprocess.Popen[Any]") -> None:
    """Kill a process that leads a group, and the group, and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def progress(log: Path) -> Progress:
    """What the log says so far: Keras' lines of each epoch."""
    text = log.read_text(errors="replace") if log.exists() else ""
    epochs, accuracies = EPOCH.findall(text), ACCURACY.findall(text)
    # Keras announces no epoch when there is one in all.
    epoch, total = map(int, epochs[-1]) if epochs else (len(accuracies), len(accuracies))
    return Progress("running", epoch, total, float(accuracies[-1]) if accuracies else None)


def log_end(log: Path, code: int) -> str:
    """The last lines of a log that say something, and how dvc ended when it was killed."""
    text = log.read_text(errors="replace").replace("\r", "\n")
    lines = [line.rstrip() for line in text.splitlines() if not NOISE.search(line)]
    if code < 0 or not lines:
        lines.append(f"dvc ended with code {code}")
    return "\n".join(lines[-LOG_END_LINES:])


def run_apart(
    job: Job, root: Path, scratch: Path, report: Callable[[Progress], None], commit: str
) -> Progress:
    """`run` in a clone of its own below `scratch`, then take the experiment over into `root`.

    Args:
        job: what to run.
        root: of the project, whose files are neither read nor written: the commit alone counts.
        scratch: folder for the log, `<experiment>.log`, and for the clone while the job runs.
        report: as for `run`.
        commit: to start from.
    """
    known = accuracy(root, job.experiment, commit)
    if known is not None:
        return _reported(Progress("skipped", accuracy=known), report)
    folder = scratch / job.experiment
    last = Progress("running")
    try:
        clone(root, folder, commit)
        last = run(job, folder, scratch / f"{job.experiment}.log", report)
        if last.state == "done":
            collect(root, folder, job.experiment)
        return last
    except (InputError, OSError) as error:
        return _reported(replace(last, state="failed", log_end=str(error)), report)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clone(root: Path, folder: Path, commit: str) -> None:
    """Make a clone of a commit that shares objects and DVC's cache with `root`; takes about 0.2 s.

    `dvc exp run` detaches HEAD and resets the files of its folder while it starts, also with `--temp`.
    In a clone that happens to nobody's files, jobs start side by side, and one that was killed leaves
    nothing but a folder to delete.
    """
    from dvc.repo import Repo

    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Who commits may stand in the settings of this one repository alone.
    person = [
        f"--config=user.{part}={git(root, 'config', '--default', '', f'user.{part}')}"
        for part in ("name", "email")
    ]
    person = [setting for setting in person if not setting.endswith("=")]
    options = ["--quiet", "--shared", "--no-tags", "--no-checkout", *person]
    git(root, "clone", *options, str(root.resolve()), str(folder.resolve()))
    git(folder, "checkout", "--quiet", "--detach", git(root, "rev-parse", commit))
    with Repo(str(root)) as outer:
        write_local_config(folder, outer.config.read("local"), Path(outer.cache.local_cache_dir))


def write_local_config(folder: Path, local: Any, cache: Path) -> None:
    """Give a clone the local settings of DVC of its origin, and its cache."""
    from configobj import ConfigObj

    merged = ConfigObj(local)
    merged.merge({"cache": {"dir": str(cache)}})
    with (folder / ".dvc" / "config.local").open("wb") as stream:
        merged.write(stream)


def collect(root: Path, folder: Path, experiment: str) -> None:
    """Take an experiment over from a clone; raises `InputError` when that lacks it."""
    name = reference(folder, experiment)
    git(
        root,
        "fetch",
        "--quiet",
        "--no-write-fetch-head",
        "--no-tags",
        str(folder.resolve()),
        f"{name}:{name}",
    )
