"""What the log of an experiment says."""

import re
from pathlib import Path

from pipeline.sweeps.job import Progress

LOG_END_LINES = 15
# A line of stage `train`.
EPOCH = re.compile(r"^train: epoch (\d+)/(\d+), .* val_accuracy ([\d.]+), ", re.MULTILINE)
# What dvc says while it waits, and around an error, that tells nothing about it.
NOISE = re.compile(r"^\s*$|^Having any troubles|^\s*https?://|^\d{4}-\d\d-\d\d .*cuda|^[WIE]0000 ")


def progress(log: Path) -> Progress:
    """What the log says so far: the last line of an epoch that ended."""
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
