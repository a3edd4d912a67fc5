"""Training epoch by epoch, until the loss on the validation images falls no more.

An epoch is one call of `fit`; between epochs everything that the next one depends on is a value of
`TrainingState`, so that a run continued from its file gives the same bytes as an unbroken one.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError

if TYPE_CHECKING:
    import keras
from pipeline.training.state import TrainingState


def permutation(seed: int, epoch: int, count: int) -> Array:
    """Order of the training images in one epoch: int64 (count,), a pure function of its arguments.

    Keras' own shuffling of arrays, once seeded, repeats one order in every epoch.
    """
    return np.random.default_rng([seed, epoch]).permutation(count)


def fit(
    network: "keras.Sequential",
    run_epoch: Callable[[int], dict[str, float]],
    state: TrainingState,
    *,
    epochs: int,
    patience: int,
    after_epoch: Callable[[TrainingState], None],
) -> TrainingState:
    """Train epoch by epoch until `epochs`, or until `patience` epochs brought no lower loss.

    Args:
        network: whose weights the epochs change.
        run_epoch: trains the epoch of that number (from 0), returns loss, accuracy, val_loss and
            val_accuracy.
        state: an empty one, or one restored.
        epochs: how many at most, those of `state` included.
        patience: as Keras' `EarlyStopping`: stop after that many epochs without improvement, at
            least one.
        after_epoch: called with the new state, e.g. to save it.

    Raises:
        InputError: a loss is not finite.
    """
    while len(state.history) < epochs and not is_finished(state, patience):
        epoch = len(state.history)
        state = advance(state, run_epoch(epoch), network.get_weights)
        after_epoch(state)
    return state


def is_finished(state: TrainingState, patience: int) -> bool:
    """Whether the last epochs brought no lower validation loss for as long as `patience` allows."""
    return state.wait >= max(patience, 1)


def advance(
    state: TrainingState, logs: dict[str, float], weights: Callable[[], list[Array]]
) -> TrainingState:
    """The state after one more epoch.

    Raises:
        InputError: a loss is not finite.
    """
    epoch = len(state.history) + 1
    if not all(map(math.isfinite, logs.values())):
        values = ", ".join(f"{name} {value}" for name, value in logs.items())
        raise InputError(f"epoch {epoch}: {values}, expected finite numbers; lower train.learning_rate")
    history = [*state.history, {"epoch": epoch, **logs}]
    if not state.history or logs["val_loss"] < state.best["val_loss"]:
        return TrainingState(history, epoch, 0, weights())
    return replace(state, history=history, wait=state.wait + 1)
