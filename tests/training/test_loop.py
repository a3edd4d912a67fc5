"""Batches, epochs and the state between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.network.batches import batches
from pipeline.network.layers import build_model
from pipeline.network.start import configure_runtime, import_keras
from pipeline.training.loop import advance, fit, permutation
from pipeline.training.recipe import compile_model, steps_per_execution
from pipeline.training.state import TrainingState, pack, unpack


@given(seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 1000), count=st.integers(1, 200))
def test_an_epoch_shows_each_image_once_in_an_order_of_its_own(seed, epoch, count):
    order = permutation(seed, epoch, count)
    assert sorted(order) == list(range(count))
    np.testing.assert_array_equal(order, permutation(seed, epoch, count))


def test_epochs_and_seeds_have_different_orders():
    orders = {tuple(permutation(seed, epoch, 50)) for seed in (1, 2) for epoch in (0, 1)}
    assert len(orders) == 4


def test_batches_are_scaled_ordered_and_complete():
    images = np.arange(7 * 2 * 2, dtype=np.uint8).reshape(7, 2, 2, 1) * 9
    labels = np.arange(7, dtype=np.uint8)
    order = np.array([6, 0, 5, 1, 4, 2, 3])
    found = [(x.numpy(), y.numpy()) for x, y in batches(images, 3, labels, order)]
    assert [len(x) for x, _ in found] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([y for _, y in found]), order)
    pixels = np.concatenate([x for x, _ in found])
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, images[order].astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(("steps", "expected"), [(1500, 50), (1, 1), (45, 45), (97, 1), (98, 49)])
def test_steps_of_one_execution_divide_the_epoch(steps, expected):
    assert steps_per_execution(steps) == expected


def run(losses, patience, epochs=100):
    """Train on given validation losses; return the state and the losses used."""

    class Network:
        def get_weights(self):
            return [np.array(len(used))]

    used: list[float] = []

    def run_epoch(epoch):
        used.append(losses[epoch])
        return {"loss": 1.0, "accuracy": 0.5, "val_loss": losses[epoch], "val_accuracy": 0.5}

    state = fit(
        Network(), run_epoch, TrainingState(), epochs=epochs, patience=patience, after_epoch=lambda s: None
    )
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
    assert state.best_epoch == theirs.best_epoch + 1
    assert state.best_weights[0] == network.final


@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_is_not_finite_stops_training(name):
    logs = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, name: float("nan")}
    with pytest.raises(InputError, match=rf"epoch 1: .*{name} nan.*lower train\.learning_rate"):
        advance(TrainingState(), logs, lambda: [])


def test_a_packed_state_comes_back_into_an_equal_network(compose):
    cfg = compose("model.filters=[2]", "model.dense=[3]").model

    def network(seed):
        configure_runtime(seed=seed, threads=2, device="auto")
        built = build_model(cfg, input_shape=(8, 8, 1), num_classes=2)
        compile_model(built, learning_rate=0.1, schedule="cosine", epochs=3, steps=1)
        return built

    rng = np.random.default_rng(0)
    images, labels = rng.random((8, 8, 8, 1), np.float32), rng.integers(0, 2, 8)
    first = network(1)
    first.fit(images, labels, verbose=0)
    row = {"epoch": 1, "loss": 0.5, "accuracy": 1.0, "val_loss": 0.5, "val_accuracy": 1.0}
    state = TrainingState([row], 1, 0, first.get_weights())
    packed = pack(state, first, "digest")
    second = network(2)
    assert unpack(packed, second, "another digest") is None
    restored = unpack(packed, second, "digest")
    assert restored.history == state.history
    assert (restored.best_epoch, restored.wait) == (1, 0)
    for model in (first, second):
        model.fit(images, labels, verbose=0)
    for ours, theirs in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("schedule", "rates"), [("constant", [0.1, 0.1, 0.1]), ("cosine", [0.1, 0.05, 0])])
def test_the_learning_rate_falls_to_zero_with_the_last_epoch_or_stays(compose, schedule, rates):
    cfg = compose("model.filters=[2]", "model.dense=[3]").model
    network = build_model(cfg, input_shape=(8, 8, 1), num_classes=2)
    compile_model(network, learning_rate=0.1, schedule=schedule, epochs=2, steps=4)
    for steps, rate in zip((0, 4, 8), rates, strict=True):
        network.optimizer.iterations.assign(steps)
        assert float(network.optimizer.learning_rate) == pytest.approx(rate, abs=1e-7)


def test_a_gpu_that_is_not_there_is_refused():
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        configure_runtime(seed=1, threads=2, device="gpu")
    else:
        with pytest.raises(InputError, match=r"runtime\.device: received gpu, but TensorFlow sees none"):
            configure_runtime(seed=1, threads=2, device="gpu")
