"""What the log of an experiment says."""

import re
from pathlib import Path

from pipeline.sweeps.job import Progress

LOG_END_LINES = 15
EPOCH = re.compile(r"^Epoch (\d+)/(\d+)", re.MULTILINE)
ACCURACY = re.compile(r"val_accuracy: ([\d.]+(?:e[+-]\d+)?)")
# What dvc says while it waits, and around an error, that tells nothing about it.
NOISE = re.compile(r"^\s*$|^Having any troubles|^\s*https?://|^\d{4}-\d\d-\d\d .*cuda|^[WIE]0000 ")


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
