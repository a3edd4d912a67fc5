"""Feature maps and fire rates, against a convolution written in NumPy."""

import dataclasses

import numpy as np
import pytest

from pipeline import features, models, training


def convolve(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Convolution with `same` padding of (H, W, C) by (3, 3, C, F), straight from the definition."""
    height, width, _ = image.shape
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    output = np.empty((height, width, kernel.shape[-1]))
    for y in range(height):
        for x in range(width):
            output[y, x] = np.einsum("ijc,ijcf->f", padded[y : y + 3, x : x + 3], kernel) + bias
    return output


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), np.uint8)


def network(compose, **changes):
    training.configure_runtime(seed=3, threads=2, device="auto")
    model = dataclasses.replace(compose("model.filters=[4,6]").model, **changes)
    return models.build_model(model, input_shape=(8, 8, 1), num_classes=3)


def test_feature_maps_are_those_of_a_convolution_in_numpy(compose, images):
    net = network(compose, pool="none")
    found = features.feature_maps(net, ["conv2d", "conv2d_1"], images[0])
    first = np.maximum(convolve(images[0] / 255, *(w.numpy() for w in net.layers[0].weights)), 0)
    second = np.maximum(convolve(first, *(w.numpy() for w in net.layers[1].weights)), 0)
    np.testing.assert_allclose(found["conv2d"], first, atol=1e-6)
    np.testing.assert_allclose(found["conv2d_1"], second, atol=1e-5)


def test_fire_rates_are_the_share_of_positive_outputs(compose, images):
    net = network(compose)
    found = features.fire_rates(net, ["conv2d"], images)["conv2d"]
    kernel, bias = (w.numpy() for w in net.layers[0].weights)
    outputs = np.stack([convolve(image / 255, kernel, bias) for image in images])
    np.testing.assert_allclose(found, (outputs > 1e-7).mean(axis=(0, 1, 2)), atol=1e-9)


@pytest.mark.parametrize(("activation", "threshold"), [("relu", 0.0), ("sigmoid", 0.5), ("tanh", 0.0)])
def test_dead_and_always_on_filters_are_found_whatever_the_activation(compose, images, activation, threshold):
    net = network(compose, activation=activation)
    bias = np.array([-100, 100, 0, 0], np.float32)
    net.layers[0].set_weights([net.layers[0].kernel.numpy(), bias])
    about = features.describe_rates(features.fire_rates(net, ["conv2d"], images)["conv2d"])
    assert features.firing_threshold(net, "conv2d") == threshold
    assert about["dead"] == [0]
    assert about["always_on"] == [1]
    assert about["rare"] == []


def test_rates_have_words():
    rates = [0.0, 0.0009, 0.001, 0.5, 0.999, 0.9991, 1.0]
    words = ["dead", "rare", "normal", "normal", "normal", "always-on", "always-on"]
    assert [features.firing_kind(rate) for rate in rates] == words


def test_probabilities_are_the_networks_own_in_order(compose, images):
    net = network(compose)
    expected = np.asarray(net((images / 255).astype(np.float32)))
    np.testing.assert_allclose(features.probabilities(net, images), expected, atol=1e-6)
