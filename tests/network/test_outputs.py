"""Fire rates, probabilities and the walk, each from the outputs that they follow from."""

import keras
import numpy as np
import pytest

from pipeline.analysis.attributions import logit_model
from pipeline.analysis.firing import describe_rates, fire_rates, firing_threshold
from pipeline.analysis.walk import walk
from pipeline.network.layers import build_model
from pipeline.network.outputs import feature_maps, logits_and_probabilities, probabilities, separated
from pipeline.network.start import configure_runtime


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), np.uint8)


def network(compose, **changes):
    configure_runtime(seed=3, threads=2, device="auto")
    model = compose("model.filters=[4,6]").model.model_copy(update=changes)
    return build_model(model, input_shape=(8, 8, 1), num_classes=3)


def test_fire_rates_are_the_share_of_positive_outputs(compose, images):
    net = network(compose)
    found = fire_rates(net, ["conv2d"], images, len(images))["conv2d"]
    outputs = np.stack([feature_maps(net, ["conv2d"], image)["conv2d"] for image in images])
    np.testing.assert_allclose(found, (outputs > 0).mean(axis=(0, 1, 2)))


@pytest.mark.parametrize(("activation", "threshold"), [("relu", 0.0), ("sigmoid", 0.5), ("tanh", 0.0)])
def test_dead_and_always_on_filters_are_found_whatever_the_activation(compose, images, activation, threshold):
    net = network(compose, activation=activation)
    bias = np.array([-100, 100, 0, 0], np.float32)
    net.layers[0].set_weights([net.layers[0].kernel.numpy(), bias])
    about = describe_rates(fire_rates(net, ["conv2d"], images, len(images))["conv2d"])
    assert firing_threshold(net, "conv2d") == threshold
    assert about["dead"] == [0]
    assert about["always_on"] == [1]
    assert about["rare"] == []


def test_probabilities_are_the_networks_own_in_order(compose, images):
    net = network(compose)
    expected = np.asarray(net((images / 255).astype(np.float32)))
    np.testing.assert_allclose(probabilities(net, images), expected, atol=1e-6)


def test_without_a_softmax_the_outputs_are_the_logits(compose, images):
    net = network(compose)
    logits, shares = logits_and_probabilities(net, images)
    net.layers[-1].activation = keras.activations.linear
    outputs = np.asarray(net((images / 255).astype(np.float32)))
    np.testing.assert_allclose(logits, outputs, atol=1e-6)
    without = logits_and_probabilities(net, images)
    np.testing.assert_allclose(without[0], outputs, atol=1e-6)
    np.testing.assert_allclose(without[1], shares, atol=1e-6)
    np.testing.assert_allclose(
        logit_model(separated(net))([(images / 255).astype(np.float32)]), outputs, atol=1e-6
    )


@pytest.mark.parametrize("overrides", [{}, {"activation": "sigmoid", "pool": "average"}])
def test_a_network_with_separated_activations_predicts_the_same(compose, images, overrides):
    net = network(compose, **overrides)
    scaled = (images / 255).astype(np.float32)
    apart = separated(net)
    np.testing.assert_array_equal(np.asarray(apart(scaled)), np.asarray(net(scaled)))
    activation = net.layers[0].activation.__name__
    assert [layer.name for layer in apart.layers[:2]] == ["conv2d", f"conv2d_{activation}"]


def test_each_step_of_the_walk_follows_from_the_one_before(compose, images):
    net = network(compose, local_response_normalization=[True, False], padding="valid", pool=["max", "none"])
    steps = {step.name: step for step in walk(net, images[0])}
    first, second = steps["conv2d"], steps["conv2d_1"]
    assert first.before.min() < 0
    np.testing.assert_array_equal(first.output, np.maximum(first.before, 0))
    pooled = steps["local_response_normalization"].output.reshape(3, 2, 3, 2, 4).max(axis=(1, 3))
    np.testing.assert_array_equal(steps["max_pooling2d"].output, pooled)
    assert second.output.shape == (1, 1, 6)
    logits = steps["dense_1"].before.astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(steps["dense_1"].output, expected, rtol=1e-5)
