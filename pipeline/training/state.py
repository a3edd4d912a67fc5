"""The state of a training between two epochs, which survives an interruption."""

import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError
from pipeline.base.files import replaced

if TYPE_CHECKING:
    import keras


def write_state(path: Path, arrays: dict[str, Array]) -> None:
    """Write an `.npz`, whole and on disk before this returns."""
    with replaced(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def read_state(path: Path) -> dict[str, Array]:
    """Read what `write_state` wrote; a damaged file raises `InputError`."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is damaged: {error}") from None


@dataclass(frozen=True)
class TrainingState:
    """Everything between two epochs.

    Attributes:
        history: one dict per finished epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy.
        best_epoch: the epoch of the lowest validation loss so far, 0 before the first.
        wait: epochs since then.
        best_weights: the network's weights after that epoch.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    wait: int = 0
    best_weights: list[Array] = field(default_factory=list)

    @property
    def best(self) -> dict[str, float]:
        """The history's entry of the best epoch."""
        return self.history[self.best_epoch - 1]


def pack(state: TrainingState, network: "keras.Sequential", digest: str) -> dict[str, Array]:
    """All that the next epoch depends on, as arrays: weights, dropout seeds, optimizer, history."""
    about = {k: v for k, v in asdict(state).items() if k != "best_weights"} | {"digest": digest}
    groups = {
        "model": [v.numpy() for v in network.variables],
        "optimizer": [v.numpy() for v in network.optimizer.variables],
        "best": state.best_weights,
    }
    arrays = {f"{name}_{i}": a for name, group in groups.items() for i, a in enumerate(group)}
    return {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays}


def unpack(arrays: dict[str, Array], network: "keras.Sequential", digest: str) -> TrainingState | None:
    """Put a packed state back into a compiled network; None when it belongs to another run."""
    about = json.loads(arrays["about"].tobytes())
    if about.pop("digest") != digest:
        return None

    def group(name: str) -> list[Array]:
        count = sum(key.startswith(f"{name}_") for key in arrays)
        return [arrays[f"{name}_{i}"] for i in range(count)]

    pairs = [(network.variables, "model"), (network.optimizer.variables, "optimizer")]
    for variables, name in pairs:
        for variable, value in zip(variables, group(name), strict=True):
            variable.assign(value)
    return TrainingState(**about, best_weights=group("best"))
