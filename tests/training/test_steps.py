"""The graph of training against `keras.Model.fit`, and of scoring against `evaluate`."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils.class_weight import compute_class_weight

from pipeline.base.arrays import RowFile
from pipeline.network.layers import build_model
from pipeline.network.start import configure_runtime, import_keras
from pipeline.training import sources, steps
from pipeline.training.averaging import Average
from pipeline.training.optimizers import Optimizer
from pipeline.training.plan import plan

COUNT, BATCH = 210, 32
STEPS = 7
PLAIN = steps.Augmentation(flip=False, shift=0)


@pytest.fixture(scope="module")
def digits():
    """210 of scikit-learn's digits: images (N, 8, 8, 1) uint8 and labels (N,) uint8."""
    found = load_digits()
    images = (found.images[:COUNT, ..., np.newaxis] * 15).astype(np.uint8)
    return images, found.target[:COUNT].astype(np.uint8)


def build(compose, *overrides, dtype="float32"):
    configure_runtime(seed=5, threads=2, device="cpu")
    cfg = compose("model.filters=[3,4]", "model.dense=[8]", *overrides).model
    return build_model(cfg, input_shape=(8, 8, 1), num_classes=10, dtype=dtype)


def epoch(
    network,
    source,
    *,
    muon=None,
    average=0.0,
    augment=PLAIN,
    smoothing=0.0,
    weights=None,
    number=0,
    told=lambda n: None,
):
    """Train one epoch; return loss, accuracy and the averaged weights."""
    optimizer = Optimizer(network, learning_rate=0.01, muon_learning_rate=muon)
    mean = Average(network, average)
    how = {"augment": augment, "label_smoothing": smoothing, "class_weights": weights}
    run = steps.make_steps(network, optimizer, mean, source, **how)
    drawn = plan(5, number, count=COUNT, steps=STEPS, flip=augment.flip, shift=augment.shift)
    factors = np.ones(STEPS, np.float32)
    return (*steps.run_epoch(run, source, drawn, factors, number, told), [w.numpy() for w in mean.weights])


@pytest.mark.parametrize(("smoothing", "weighted"), [(0.0, False), (0.1, False), (0.0, True)])
def test_an_epoch_is_that_of_keras_fit(compose, digits, smoothing, weighted):
    keras = import_keras()
    images, labels = digits
    class_weights = np.linspace(0.2, 2, 10, dtype=np.float32) if weighted else None
    loss, accuracy, weights = epoch(
        build(compose),
        sources.InMemory(images, labels, BATCH),
        smoothing=smoothing,
        weights=class_weights,
    )
    theirs, order = build(compose), plan(5, 0, count=COUNT, steps=STEPS, flip=False, shift=0).order
    theirs.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.CategoricalCrossentropy(label_smoothing=smoothing),
        metrics=["accuracy"],
    )
    history = theirs.fit(
        images[order] / 255,
        np.eye(10)[labels[order]],
        batch_size=BATCH,
        shuffle=False,
        verbose=0,
        class_weight=dict(enumerate(class_weights.tolist())) if weighted else None,
    ).history
    assert accuracy == pytest.approx(history["accuracy"][0], abs=1e-6)
    # Theirs is the loss that they lower.
    if not smoothing and not weighted:
        assert loss == pytest.approx(history["loss"][0], rel=1e-5)
    for ours, expected in zip(weights, theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, expected, atol=2e-4)


def test_balanced_weights_are_scikit_learns():
    labels = np.repeat([0, 1, 2], [50, 30, 10])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(steps.balanced_weights(labels, 3), expected, rtol=1e-6)


def test_scores_are_those_of_keras_evaluate(compose, digits):
    images, labels = digits
    network = build(compose)
    network.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    expected = network.evaluate(images / 255, labels, verbose=0)
    found = steps.make_scorer(network, sources.InMemory(images, labels, 64))()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_images_on_disk_give_the_bytes_of_images_in_memory(compose, digits, tmp_path):
    images, labels = digits
    np.save(tmp_path / "images.npy", images)
    streamed = sources.Streamed(RowFile(tmp_path / "images.npy"), labels, BATCH)
    augment = steps.Augmentation(flip=True, shift=1)
    runs = [
        epoch(build(compose), source, augment=augment)
        for source in (sources.InMemory(images, labels, BATCH), streamed)
    ]
    assert runs[0][:2] == runs[1][:2]
    for one, other in zip(runs[0][2], runs[1][2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_where_python_comes_between_steps_changes_nothing(compose, digits, monkeypatch):
    source = sources.InMemory(*digits, BATCH)
    told = []
    settings = {"muon": 0.05, "average": 0.9, "augment": steps.Augmentation(flip=True, shift=1)}
    whole = epoch(build(compose), source, told=told.append, **settings)
    monkeypatch.setattr(steps, "CHUNK", 2)
    parts = epoch(build(compose), source, told=told.append, **settings)
    assert told == [7, 2, 4, 6, 7]
    assert whole[1] == parts[1]
    for one, other in zip(whole[2], parts[2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_mirroring_and_moving_show_what_numpy_shows(compose, digits):
    """Images that were changed beforehand, shown without augmentation, give the same weights."""
    images, labels = digits
    augment = steps.Augmentation(flip=True, shift=1)
    found = epoch(build(compose), sources.InMemory(images, labels, BATCH), augment=augment, number=1)
    drawn = plan(5, 1, count=COUNT, steps=STEPS, flip=True, shift=1)
    changed = images.copy()
    for place, row in enumerate(drawn.order):
        image = images[row][:, ::-1] if drawn.mirrored[place] else images[row]
        down, right = drawn.shifts[place // BATCH]
        around = np.pad(image, ((1, 1), (1, 1), (0, 0)))
        changed[row] = around[1 - down : 9 - down, 1 - right : 9 - right]
    expected = epoch(build(compose), sources.InMemory(changed, labels, BATCH), number=1)
    assert found[:2] == expected[:2]
    for one, other in zip(found[2], expected[2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_ends_with_the_chunk_whose_loss_is_not_finite(compose, digits, monkeypatch):
    network = build(compose)
    network.layers[-1].bias.assign(np.full(10, np.nan))
    monkeypatch.setattr(steps, "CHUNK", 2)
    told = []
    loss, *_ = epoch(network, sources.InMemory(*digits, BATCH), told=told.append)
    assert np.isnan(loss)
    assert told == [2]


def test_steps_in_bfloat16_change_float32_weights_much_like_steps_in_float32(compose, digits):
    source = sources.InMemory(*digits, BATCH)
    half, whole = (epoch(build(compose, dtype=d), source, muon=0.02) for d in ("mixed_bfloat16", "float32"))
    assert all(weights.dtype == np.float32 for weights in half[2])
    assert half[0] == pytest.approx(whole[0], rel=0.02)
    assert half[0] != whole[0]
