"""Processes that end with the one that started them, whatever ends that: Ctrl-C, a fault or `kill -9`."""

import contextlib
import functools
import os
import signal
import sys
import threading
import time

import psutil

WATCH_SECONDS = 0.5


def running_dvc() -> psutil.Process | None:
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


def end_with(process: psutil.Process, message: str) -> None:
    """End this process, with `message` as its error, soon after another one is gone, whatever it is at.

    That may be in the middle of writing: files are replaced whole or not.
    """

    def watch() -> None:
        while runs(process):
            time.sleep(WATCH_SECONDS)
        with contextlib.suppress(OSError):
            print(f"error: {message}", file=sys.stderr, flush=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def runs(process: psutil.Process) -> bool:
    """Whether a process is at work: there, and not waiting for its parent to take note of its end."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@functools.cache
def end_with_parent() -> None:
    """End this process, also while it has nothing to do, soon after the one that started it is gone."""
    # Ctrl-C reaches that one as well.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := psutil.Process().parent()) is not None:
        end_with(parent, "the process that started this one is gone")
