"""Processes that end with the one that started them, whatever ends that: Ctrl-C, a fault or `kill -9`.

What is started directly dies by the kernel's hand (`DIES_WITH_PARENT`). Where others stand between, as dvc
and a shell between a sweep and a stage, the process watches the one that it is to end with.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from pipeline.base.errors import one_line_errors
from pipeline.base.locks import claimed

DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
WATCH_SECONDS = 0.5


@contextmanager
def stage() -> Iterator[None]:
    """What a stage of `dvc.yaml` runs in: errors of one line, an end soon after that of its dvc, and alone.

    A second process with the same last argument, which names what it writes, is refused.
    """
    dvc = _dvc()
    if dvc is not None:
        end_with(dvc, "the dvc that started this stage is gone; `dvc repro` continues it")
    path = lock(Path(sys.argv[-1]))
    with one_line_errors(), claimed(path, _refusal):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def lock(output: Path) -> Path:
    """The file that is locked while a stage writes `output`: beside it, since that may be replaced."""
    return output.with_name(f".{output.name.removeprefix('.')}.lock")


def _refusal(process: str) -> str:
    return (
        f"this stage is at work in this folder already, as process {process}; wait for it or end it with"
        f" `kill {process}`"
    )


def _dvc() -> psutil.Process | None:
    """The dvc that runs this stage, if any: the nearest ancestor without the variable dvc sets for it.

    Not just the parent: some shells stay between the two.
    """
    if "DVC_STAGE" not in os.environ:
        return None
    return next((process for process in psutil.Process().parents() if not _in_a_stage(process)), None)


def _in_a_stage(process: psutil.Process) -> bool:
    try:
        return "DVC_STAGE" in process.environ()
    except psutil.Error:
        return False


def end_with(process: psutil.Process, words: str) -> None:
    """End this process, with `words` as its error, soon after another one is gone, whatever it is at.

    That may be in the middle of writing: files are replaced whole or not.
    """

    def watch() -> None:
        while runs(process):
            time.sleep(WATCH_SECONDS)
        with contextlib.suppress(OSError):
            print(f"error: {words}", file=sys.stderr, flush=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def runs(process: psutil.Process) -> bool:
    """Whether a process is at work: there, and not waiting for its parent to take note of its end."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of dvc: each line of a stage reaches the log at once; no trace of an outer dvc."""
    inherited = {name: value for name, value in given.items() if not name.startswith("DVC_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def end(process: "subprocess.Popen[Any]") -> None:
    """Kill a process that leads a group, and the group, and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
