"""A recipe put together: what it trains, and that its state comes back from a file byte by byte."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pipeline.network.layers import build_model
from pipeline.network.start import configure_runtime
from pipeline.training.sources import InMemory
from pipeline.training.state import TrainingState, pack, unpack
from pipeline.training.trainer import Trainer

RECIPES = {
    "adam": [],
    "muon": ["train.muon_learning_rate=0.05", "train.learning_rate_schedule=triangle", "train.warmup=0.2"],
    "average": ["train.average_decay=0.9"],
    "augmentation": ["train.flip=true", "train.shift=1", "train.label_smoothing=0.1"],
    "all": [
        "train.muon_learning_rate=0.05",
        "train.average_decay=0.9",
        "train.flip=true",
        "train.shift=1",
        "train.learning_rate_schedule=cosine",
    ],
}

PARTS = slice(64), slice(64, None)


@pytest.fixture(scope="module")
def digits():
    """300 of scikit-learn's digits: images (N, 8, 8, 1) uint8 and labels (N,) uint8."""
    found = load_digits()
    return (found.images[:300, ..., np.newaxis] * 15).astype(np.uint8), found.target[:300].astype(np.uint8)


def trainer(compose, digits, overrides, seed=1, dtype="float32"):
    images, labels = digits
    cfg = compose("train=smoke", "train.epochs=4", "model.filters=[3,4]", "model.dense=[8]", *overrides)
    configure_runtime(seed=seed, threads=2, device="cpu")
    networks = [
        build_model(cfg.model, input_shape=(8, 8, 1), num_classes=10, dtype=policy)
        for policy in (dtype, "float32")
    ]
    sources = (
        InMemory(images[:200], labels[:200], cfg.train.batch_size),
        InMemory(images[200:], labels[200:], 64),
    )
    return Trainer(networks, cfg.train, sources, seed=seed)


def run(built, epoch):
    return built.run_epoch(epoch, lambda step: None)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_packed_state_comes_back_into_another_trainer(compose, digits, recipe, dtype):
    first = trainer(compose, digits, RECIPES[recipe], dtype=dtype)
    weights = run(first, 0).weights
    row = {"epoch": 1, "loss": 0.5, "accuracy": 1.0, "val_loss": 0.5, "val_accuracy": 1.0}
    state = TrainingState([row], 1, 0, weights, {"conv2d/bias": np.ones((2, 3), np.float16)})
    packed = pack(state, first.variables, "digest")
    second = trainer(compose, digits, RECIPES[recipe], dtype=dtype)
    assert unpack(packed, second.variables, "another digest") is None
    restored = unpack(packed, second.variables, "digest")
    assert restored.history == state.history
    assert (restored.kept_epoch, restored.wait) == (1, 0)
    np.testing.assert_array_equal(restored.snapshots["conv2d/bias"], state.snapshots["conv2d/bias"])
    for ours, theirs in zip(restored.kept_weights, weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    unbroken, continued = run(first, 1), run(second, 1)
    assert unbroken.scores == continued.scores
    for ours, theirs in zip(unbroken.weights, continued.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("recipe", ["adam", "all"])
def test_what_is_scored_is_what_is_kept_in_float32(compose, digits, recipe):
    built = trainer(compose, digits, RECIPES[recipe], dtype="mixed_bfloat16")
    epoch = run(built, 0)
    assert {layer.compute_dtype for layer in built.kept.layers} == {"float32"}
    for ours, theirs in zip(epoch.weights, built.kept.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    images, labels = digits
    built.kept.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    scores = built.kept.evaluate(images[200:] / 255, labels[200:], verbose=0)
    np.testing.assert_allclose([epoch.scores["val_loss"], epoch.scores["val_accuracy"]], scores, rtol=1e-5)
    kernel = epoch.snapshot["conv2d/kernel"]
    assert (kernel.dtype, kernel.shape) == (np.float16, (1, 3, 3, 1, 3))
    np.testing.assert_array_equal(kernel[0], built.kept.layers[0].kernel.numpy().astype(np.float16))


def test_the_average_is_scored_in_the_place_of_the_weights(compose, digits):
    plain = run(trainer(compose, digits, RECIPES["adam"]), 0)
    averaged = run(trainer(compose, digits, RECIPES["average"]), 0)
    assert plain.scores["loss"] == averaged.scores["loss"]
    assert plain.scores["val_loss"] != averaged.scores["val_loss"]


def test_rates_fall_to_almost_nothing_by_the_last_epoch(compose, digits):
    """With a falling rate the last epoch changes the weights far less than the first."""
    built = trainer(compose, digits, RECIPES["muon"])
    weights = [built.kept.get_weights(), *(run(built, epoch).weights for epoch in range(4))]
    moved = [
        np.linalg.norm(np.concatenate([(b - a).ravel() for a, b in zip(before, after, strict=True)]))
        for before, after in pairwise(weights)
    ]
    assert moved[3] < 0.4 * moved[0]


@pytest.mark.parametrize("recipe", ["fast", "tuned"])
@pytest.mark.parametrize("model", ["cnn", "simple_convnet", "lenet", "alexnet"])
def test_every_network_learns_by_the_recipes_made_for_one(compose, model, recipe):
    """Also where a network chooses a recipe of its own, one that is named is the one that is taken."""
    cfg = compose(f"model={model}", f"train={recipe}")
    own = compose(f"train={recipe}")
    assert (cfg.train, cfg.model.dropout) == (own.train, own.model.dropout)
    configure_runtime(seed=1, threads=2, device="cpu")
    networks = [
        build_model(cfg.model, input_shape=(28, 28, 1), num_classes=10, dtype=policy)
        for policy in ("mixed_bfloat16", "float32")
    ]
    images = np.random.default_rng(1).integers(0, 256, (96, 28, 28, 1), np.uint8)
    sources = [
        InMemory(images[part], np.arange(len(images[part]), dtype=np.uint8) % 10, 64) for part in PARTS
    ]
    built = Trainer(networks, cfg.train, sources, seed=1)
    before = built.kept.get_weights()
    epoch = run(built, 0)
    assert np.isfinite(list(epoch.scores.values())).all()
    assert all((ours != theirs).any() for ours, theirs in zip(epoch.weights, before, strict=True))


def textbook(compose):
    """The textbook's network on as many images as it is taught with, and its trainer by the fast recipe."""
    digits = load_digits()
    images = np.kron(np.rint(digits.images * 255 / 16), np.ones((3, 3))).astype(np.uint8)
    images = np.pad(images, [(0, 0), (2, 2), (2, 2)])[..., np.newaxis]
    rows = np.arange(48000) % len(images)
    cfg = compose("train=fast")
    configure_runtime(seed=1, threads=2, device="cpu")
    networks = [build_model(cfg.model, input_shape=(28, 28, 1), num_classes=10) for _ in range(2)]
    sources = [
        InMemory(images[part], digits.target[part].astype(np.uint8), 128) for part in (rows, rows[:10])
    ]
    sources[0].count, sources[0].steps = 12 * 128, 12
    return Trainer(networks, cfg.train, sources, seed=1)


def test_muon_gives_the_same_bytes_in_each_run_on_two_threads(compose):
    """Operations of other shapes, or of less work beside them, gave no other bytes when these did."""
    built = textbook(compose)
    start = [variable.numpy() for variable in built.variables]
    found = set()
    for _ in range(6):
        for variable, value in zip(built.variables, start, strict=True):
            variable.assign(value)
        found.add(b"".join(weights.tobytes() for weights in run(built, 0).weights))
    assert len(found) == 1
