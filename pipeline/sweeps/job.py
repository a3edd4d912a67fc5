"""A job of a sweep: what it is to run, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

OVER = ("done", "failed", "skipped")


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
        epoch: the last that ended, from 1; 0 before the first did.
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


def progress_of(values: Mapping[str, Any]) -> Progress:
    """The progress among other values by name."""
    names = {field.name for field in fields(Progress)}
    return Progress(**{name: value for name, value in values.items() if name in names})
