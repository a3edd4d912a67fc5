"""The benchmark of data larger than memory, on little data."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"


def test_data_may_be_larger_than_memory():
    command = [sys.executable, str(BENCHMARKS / "larger_than_memory.py"), "40"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    peaks = {
        line[:20].strip(): float(line[20:].split()[0].replace(",", "")) for line in output.splitlines()[2:]
    }
    assert list(peaks) == ["import TensorFlow", "fetch", "prepare", "train", "evaluate"]
    # Neither of the first two needs TensorFlow.
    assert max(peaks["fetch"], peaks["prepare"]) < peaks["import TensorFlow"] < peaks["train"]
