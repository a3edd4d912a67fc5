"""Processes that end with the one that started them, whatever ends that."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

# Stands between this process and dvc, in a process group with all that dvc starts. The kernel sends it
# TERM when this process is gone, and it ends the group; should it be killed itself, dvc goes with it.
GUARD = """
trap 'kill -KILL 0' TERM INT HUP
setpriv --pdeathsig KILL -- "$@" &
wait $!
"""


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of dvc: each line of a stage reaches the log at once; no trace of an outer dvc."""
    inherited = {name: value for name, value in given.items() if not name.startswith("DVC_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def end(process: "subprocess.Popen[Any]") -> None:
    """Kill a process that leads a group, and the group, and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
