"""Balanced class weights on two overlapping classes of which one is rare."""

import numpy as np
import pytest

from pipeline.network.layers import build_model
from pipeline.network.outputs import probabilities
from pipeline.network.start import configure_runtime
from pipeline.training.sources import InMemory
from pipeline.training.steps import balanced_weights
from pipeline.training.trainer import Trainer

EPOCHS = 6
OVERRIDES = ("train=smoke", f"train.epochs={EPOCHS}", "model.filters=[3,4]", "model.dense=[8]")


def made(seed, common, rare):
    """Noise (N, 8, 8, 1) uint8, the rare class a little brighter in the middle, and labels (N,) uint8."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([0, 1], [common, rare])).astype(np.uint8)
    images = rng.normal(100, 40, (common + rare, 8, 8, 1))
    images[labels == 1, 2:6, 2:6] += 20
    return np.clip(images, 0, 255).astype(np.uint8), labels


TRAINING, VALIDATION = made(1, 950, 50), made(2, 190, 10)


@pytest.fixture(scope="module")
def fitted():
    """Train with class weights, or None; return the kept network's probabilities, weights, last scores."""

    def fit(compose, weights, dtype="float32"):
        cfg = compose(*OVERRIDES)
        configure_runtime(seed=1, threads=2, device="cpu")
        networks = [
            build_model(cfg.model, input_shape=(8, 8, 1), num_classes=2, dtype=policy)
            for policy in (dtype, "float32")
        ]
        sources = InMemory(*TRAINING, cfg.train.batch_size), InMemory(*VALIDATION, 64)
        trainer = Trainer(networks, cfg.train, sources, seed=1, class_weights=weights)
        for epoch in range(EPOCHS):
            scores = trainer.run_epoch(epoch, lambda step: None).scores
        return probabilities(trainer.kept, VALIDATION[0]), trainer.kept.get_weights(), scores

    return fit


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_balanced_training_predicts_the_rare_class_more_often(compose, fitted, dtype):
    rare = VALIDATION[1] == 1
    plain, balanced = (
        fitted(compose, weights, dtype)[0].argmax(axis=1)
        for weights in (None, balanced_weights(TRAINING[1], 2))
    )
    assert balanced[rare].mean() > plain[rare].mean() + 0.2
    assert 0 < balanced.mean() < 1


def test_the_validation_loss_stays_unweighted(compose, fitted):
    found, _, scores = fitted(compose, balanced_weights(TRAINING[1], 2))
    truth = found[np.arange(len(found)), VALIDATION[1]]
    assert scores["val_loss"] == pytest.approx(-np.log(truth).mean(), rel=1e-4)


def test_weights_of_equal_classes_are_1_and_change_nothing(compose, fitted):
    equal = balanced_weights(np.repeat([0, 1], 30), 2)
    np.testing.assert_array_equal(equal, [1, 1])
    for with_ones, without in zip(fitted(compose, equal)[1], fitted(compose, None)[1], strict=True):
        np.testing.assert_array_equal(with_ones, without)
