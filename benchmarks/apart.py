"""What the benchmarks of sweeps share: a clone with an empty cache, and a clock on every stage."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Stands in PATH for the `python` of the stages, and writes down: folder, seconds, module.
CLOCK = """#!/bin/sh
start=$(date +%s.%N)
{python} "$@"
code=$?
echo "$PWD $start $(date +%s.%N) $2" >> {times}
exit $code
"""


@dataclass(frozen=True)
class Sweep:
    """A sweep that was run: exit code, what it printed, seconds, and each job by the line of its end."""

    code: int
    output: str
    seconds: float
    jobs: list[dict]


@dataclass(frozen=True)
class Clone:
    """A clone of HEAD whose DVC cache is empty, so that nothing is found done."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """Run a command there and return what it prints on stdout."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def sweep(self, name: str, *overrides: str) -> Sweep:
        """Run a sweep there to its end."""
        started = time.monotonic()
        result = subprocess.run(
            [sys.executable, "-m", "pipeline.commands.sweep", f"hydra.job.name={name}", *overrides],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        seconds = time.monotonic() - started
        ended = re.findall(r"(?m)^(\S+) done: accuracy [\d.]+, (\d+) s", result.stdout)
        jobs = [{"experiment": name, "seconds": float(took)} for name, took in ended]
        return Sweep(result.returncode, result.stdout + result.stderr, seconds, jobs)

    def stage_seconds(self, experiment: str) -> float:
        """Seconds that the stages of one job took together."""
        return sum(seconds for folder, seconds, _ in self._clocked() if f"/{experiment}" in folder)

    def stages(self) -> dict[str, list[float]]:
        """Seconds of each run of each stage so far, wherever it was."""
        found: dict[str, list[float]] = {}
        for _, seconds, module in self._clocked():
            found.setdefault(module.removeprefix("pipeline.stages."), []).append(seconds)
        return found

    def _clocked(self) -> list[tuple[str, float, str]]:
        """Of each stage that ran: folder, seconds, module."""
        rows = [line.rsplit(" ", 3) for line in (self.folder / ".times").read_text().splitlines()]
        return [(folder, float(end) - float(start), module) for folder, start, end, module in rows]


@contextmanager
def clone() -> Iterator[Clone]:
    """Make a clone in a temporary folder, removed at the end."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, clock = Path(temporary) / "project", Path(temporary) / "bin" / "python"
        subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)], check=True)
        clock.parent.mkdir()
        python, times = shlex.quote(sys.executable), shlex.quote(str(folder / ".times"))
        clock.write_text(CLOCK.format(python=python, times=times))
        clock.chmod(0o755)
        path = os.pathsep.join([str(clock.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
        yield Clone(folder, {**os.environ, "PATH": path})
