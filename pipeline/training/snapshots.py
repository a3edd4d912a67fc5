"""Kernels and biases of the convolutions as they change from epoch to epoch: `models/epochs.npz`."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.base.arrays import Array
from pipeline.base.files import replaced

if TYPE_CHECKING:
    import keras


def snapshot(network: "keras.Sequential") -> dict[str, Array]:
    """The convolutions' weights by `<layer>/kernel` (1, h, w, C, F) and `<layer>/bias` (1, F), float16.

    Half precision keeps three digits of a weight, more than any picture shows, in half the space.
    """
    found = {}
    for layer in network.layers:
        if layer.name.startswith("conv2d"):
            found[f"{layer.name}/kernel"] = _half(layer.kernel)
            found[f"{layer.name}/bias"] = _half(layer.bias)
    return found


def _half(variable: "keras.Variable") -> Array:
    # What is larger becomes infinite, in silence.
    with np.errstate(over="ignore"):
        return np.asarray(variable)[np.newaxis].astype(np.float16)


def joined(before: dict[str, Array], after: dict[str, Array]) -> dict[str, Array]:
    """Snapshots of the same network one after another: (E, ...) and (1, ...) make (E + 1, ...)."""
    return {name: np.concatenate([before[name], after[name]]) for name in before}


def write_snapshots(path: Path, snapshots: dict[str, Array]) -> None:
    """Write them with `epochs`: int64 (E + 1,), from 0, the untrained network. Equal arrays, equal bytes."""
    count = len(next(iter(snapshots.values())))
    with replaced(path) as temporary:
        np.savez(temporary, epochs=np.arange(count), **snapshots)  # type: ignore[arg-type]
