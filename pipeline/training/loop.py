"""Training epoch by epoch, until the loss on the validation images falls no more.

Between epochs everything that the next one depends on is a value of `TrainingState` or a variable that
is packed with it, so that a run continued from its file gives the same bytes as an unbroken one.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError
from pipeline.training.snapshots import joined
from pipeline.training.state import TrainingState


class Epoch(NamedTuple):
    """What an epoch ends with.

    Attributes:
        scores: loss, accuracy, val_loss and val_accuracy.
        weights: those that were scored on the validation images.
        snapshot: the convolutions' weights among them.
    """

    scores: dict[str, float]
    weights: list[Array]
    snapshot: dict[str, Array]


def fit(
    run_epoch: Callable[[int], Epoch],
    state: TrainingState,
    *,
    epochs: int,
    patience: int | None,
    after_epoch: Callable[[TrainingState], None],
) -> TrainingState:
    """Train epoch by epoch until `epochs`, or until `patience` epochs brought no lower validation loss.

    Args:
        run_epoch: trains the epoch of that number, from 0.
        state: an empty one, or one restored.
        epochs: how many at most, those of `state` included.
        patience: as Keras' `EarlyStopping`: stop after that many epochs without improvement, at
            least one, and keep the weights of the lowest loss. None: never, and keep those of the last
            epoch, as is usual where the learning rate ends at 0.
        after_epoch: called with the new state, e.g. to save it.

    Raises:
        InputError: a loss or a weight is not finite.
    """
    while len(state.history) < epochs and (patience is None or state.wait < max(patience, 1)):
        state = advance(state, run_epoch(len(state.history)), keep=patience is None)
        after_epoch(state)
    return state


def advance(state: TrainingState, epoch: Epoch, *, keep: bool = False) -> TrainingState:
    """The state after one more epoch, whose weights are kept if its loss is the lowest, or in any case.

    Raises:
        InputError: a loss or a weight is not finite; ReLU may hide the latter from the former.
    """
    number = len(state.history) + 1
    _refuse_infinite(number, epoch)
    history = [*state.history, {"epoch": number, **epoch.scores}]
    state = replace(
        state, history=history, wait=state.wait + 1, snapshots=joined(state.snapshots, epoch.snapshot)
    )
    if keep or number == 1 or epoch.scores["val_loss"] < state.kept["val_loss"]:
        return replace(state, kept_epoch=number, wait=0, kept_weights=epoch.weights)
    return state


def _refuse_infinite(number: int, epoch: Epoch) -> None:
    wrong = sum(int(np.count_nonzero(~np.isfinite(values))) for values in epoch.weights)
    if wrong or not all(map(math.isfinite, epoch.scores.values())):
        values = ", ".join(f"{name} {value:.4g}" for name, value in epoch.scores.items())
        raise InputError(
            f"epoch {number}: {values}, {wrong} weights not finite, expected finite numbers;"
            " lower train.learning_rate"
        )
