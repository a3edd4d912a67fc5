"""The state of a training between two epochs, which survives an interruption."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.base.arrays import Array
from pipeline.base.files import replaced

if TYPE_CHECKING:
    import tensorflow as tf


def write_state(path: Path, arrays: dict[str, Array]) -> None:
    """Write an `.npz`, whole and on disk before this returns."""
    with replaced(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


@dataclass(frozen=True)
class TrainingState:
    """Everything between two epochs.

    Attributes:
        history: one dict per finished epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy.
        kept_epoch: the one whose weights are kept so far, 0 before the first.
        wait: epochs since then.
        kept_weights: the network's weights after that epoch.
        snapshots: weights of the convolutions by name, untrained and after each epoch.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    kept_epoch: int = 0
    wait: int = 0
    kept_weights: list[Array] = field(default_factory=list)
    snapshots: dict[str, Array] = field(default_factory=dict)

    @property
    def kept(self) -> dict[str, float]:
        """The history's entry of the kept epoch."""
        return self.history[self.kept_epoch - 1]


def pack(state: TrainingState, variables: "Sequence[tf.Variable]", digest: str) -> dict[str, Array]:
    """All that the next epoch depends on, as arrays.

    Args:
        state: between two epochs.
        variables: of the network (weights, dropout seeds), its optimizer and its average.
        digest: of all that a resumed run must share with this one.
    """
    about = {"history": state.history, "kept_epoch": state.kept_epoch, "wait": state.wait, "digest": digest}
    groups = {"variable": [variable.numpy() for variable in variables], "kept": state.kept_weights}
    return {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        **{f"{name}_{i}": array for name, group in groups.items() for i, array in enumerate(group)},
        **{f"snapshot_{name}": array for name, array in state.snapshots.items()},
    }


def unpack(arrays: dict[str, Array], variables: "Sequence[tf.Variable]", digest: str) -> TrainingState | None:
    """Put a packed state back into equal variables; None when it belongs to another run."""
    about = json.loads(arrays["about"].tobytes())
    if about.pop("digest") != digest:
        return None
    for i, variable in enumerate(variables):
        variable.assign(arrays[f"variable_{i}"])
    kept = [arrays[f"kept_{i}"] for i in range(sum(name.startswith("kept_") for name in arrays))]
    snapshots = {
        name.removeprefix("snapshot_"): array
        for name, array in arrays.items()
        if name.startswith("snapshot_")
    }
    return TrainingState(**about, kept_weights=kept, snapshots=snapshots)
