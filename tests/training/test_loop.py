"""Epochs and the state between them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.network.start import import_keras
from pipeline.training.loop import Epoch, advance, fit
from pipeline.training.state import TrainingState


def ended(losses=(1.0, 0.5), weights=(0.0,)):
    """An epoch with those losses on training and validation images, and those weights."""
    scores = {"loss": losses[0], "accuracy": 0.5, "val_loss": losses[1], "val_accuracy": 0.5}
    return Epoch(scores, [np.array(weights)], {"conv2d/bias": np.array([weights])})


def run(losses, patience, epochs=100):
    """Train on given validation losses; return the state and the losses used."""
    used: list[float] = []

    def run_epoch(epoch):
        used.append(losses[epoch])
        return ended((1.0, losses[epoch]), (float(len(used)),))

    fresh = TrainingState(snapshots={"conv2d/bias": np.array([[0.0]])})
    state = fit(run_epoch, fresh, epochs=epochs, patience=patience, after_epoch=lambda s: None)
    return state, used


@given(
    # Eighths, since Keras compares in float32.
    losses=st.lists(st.integers(0, 20).map(lambda n: n / 8), min_size=1, max_size=12),
    patience=st.integers(0, 4),
)
def test_stopping_agrees_with_keras_early_stopping(losses, patience):
    keras = import_keras()

    class Network:
        stop_training = False
        weights_now = None

        def get_weights(self):
            return self.weights_now

        def set_weights(self, weights):
            self.final = weights

    theirs = keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="min", patience=patience, restore_best_weights=True
    )
    network = Network()
    theirs.set_model(network)
    theirs.on_train_begin()
    for epoch, loss in enumerate(losses):
        network.weights_now = epoch + 1
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        if network.stop_training:
            break
    theirs.on_train_end()
    state, used = run(losses, patience, epochs=len(losses))
    assert len(used) == epoch + 1
    assert state.kept_epoch == theirs.best_epoch + 1
    assert state.kept_weights[0].tolist() == [network.final]


def test_the_weights_of_every_epoch_are_kept_after_the_untrained_ones():
    state, used = run([0.5, 0.25, 0.75, 0.75], patience=2)
    assert used == [0.5, 0.25, 0.75, 0.75]
    assert state.kept_epoch == 2
    assert state.snapshots["conv2d/bias"].tolist() == [[0], [1], [2], [3], [4]]


def test_without_patience_every_epoch_runs_and_the_last_is_kept():
    state, used = run([0.5, 0.25, 0.75, 0.75], patience=None, epochs=4)
    assert len(used) == 4
    assert state.kept_epoch == 4
    assert state.kept_weights[0].tolist() == [4]


@pytest.mark.parametrize(
    ("epoch", "words"),
    [
        (ended((math.nan, 1.0)), "loss nan, "),
        (ended((1.0, math.inf)), "val_loss inf, "),
        (ended(weights=(1.0, math.nan, -math.inf)), "2 weights not finite, "),
    ],
)
def test_a_loss_or_a_weight_that_is_not_finite_stops_training(epoch, words):
    with pytest.raises(InputError, match=rf"epoch 1: .*{words}.*lower train\.learning_rate"):
        advance(TrainingState(), epoch)
