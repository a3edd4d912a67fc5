"""What the benchmarks share: a process watched line by line, data, and the file of results."""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
COMPOSE = (
    "import sys; from pathlib import Path; from pipeline.config import composing;"
    "from pipeline.hydra_plugins import filterscope;"
    "Path('params.yaml').write_text(composing.compose(Path(sys.argv[1]), sys.argv[2:]))"
)
# What `train` and the plain scripts print after each epoch.
EPOCH = re.compile(r"epoch (\d+)/\d+, .*val_accuracy (\d\.\d+), ([\d.]+) s")


@dataclass(frozen=True)
class Watched:
    """A process that has ended well.

    Attributes:
        seconds: from its start to its end.
        peak_mb: its greatest resident memory, in 10^6 bytes.
        lines: each one that it printed, and the seconds from its start until then.
    """

    seconds: float
    peak_mb: float
    lines: list[tuple[float, str]]

    @property
    def epochs(self) -> list[tuple[float, float, float]]:
        """Of each epoch: seconds from the start to its end, validation accuracy, seconds it took."""
        found = [(at, EPOCH.search(line)) for at, line in self.lines]
        return [(at, float(match[2]), float(match[3])) for at, match in found if match]

    def seconds_until(self, accuracy: float) -> float | None:
        """Seconds from the start until an epoch ended with that validation accuracy; None if none did."""
        return next((round(at, 1) for at, reached, _ in self.epochs if reached >= accuracy), None)


def watch(folder: Path, *arguments: str, python: str = sys.executable) -> Watched:
    """Run Python with these arguments in a folder, and wait for its end; a failure ends the benchmark."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    started = time.monotonic()
    process = subprocess.Popen(
        [python, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [(time.monotonic() - started, line.rstrip()) for line in process.stdout]
    # The kernel's own account of this one process (in kB of 1024 bytes on Linux).
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"error: {' '.join(arguments)} failed with {process.returncode}")
    return Watched(time.monotonic() - started, usage.ru_maxrss * 1024 / 1e6, lines)


def compose(folder: Path, *overrides: str) -> None:
    """Write `params.yaml` into a folder, which is made, in a process of its own: this one stays small."""
    folder.mkdir(parents=True, exist_ok=True)
    watch(folder, "-c", COMPOSE, str(ROOT / "conf"), *overrides)


def prepared(folder: Path, *overrides: str) -> Path:
    """Run the stages `fetch` and `prepare` in a folder, and return what the second one wrote."""
    compose(folder, *overrides)
    watch(folder, "-m", "pipeline.stages.fetch", str(ROOT / "data/external"), "raw")
    watch(folder, "-m", "pipeline.stages.prepare", "raw", "prepared", "data.json")
    return folder / "prepared"


def train(folder: Path, data: Path, *overrides: str) -> Watched:
    """Run the stage `train` in a folder on what `prepared` returned."""
    compose(folder, *overrides)
    return watch(folder, "-m", "pipeline.stages.train", str(data), "models", "reports", "scratch")


def processor() -> dict[str, Any]:
    """Name of the processor, its cores, and the versions of what computes."""
    from importlib.metadata import version

    text = Path("/proc/cpuinfo").read_text()
    flags = set(re.search(r"^flags\s*: (.*)$", text, re.MULTILINE)[1].split())  # type: ignore[index]
    return {
        "processor": re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)[1],  # type: ignore[index]
        "instructions": sorted(flags & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras")},
    }


def write(name: str, claim: str, found: dict[str, Any]) -> None:
    """Write `results/<name>.json`: claim, processor, and what was found."""
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / f"{name}.json", {"claim": claim.splitlines()[0], **processor(), **found})


def write_json(path: Path, content: Any) -> None:
    """Write a file that a person can read."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def mean(values: Sequence[float], digits: int = 4) -> dict[str, float]:
    """Mean and standard deviation (of a sample) of some values."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": round(statistics.mean(values), digits), "std": round(spread, digits)}
