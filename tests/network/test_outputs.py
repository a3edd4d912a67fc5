"""Feature maps and fire rates, against a convolution written in NumPy."""

import keras
import numpy as np
import pytest

from pipeline.analysis.attributions import logit_model
from pipeline.analysis.firing import describe_rates, fire_rates, firing_kind, firing_threshold
from pipeline.analysis.walk import Step, describe_step, walk
from pipeline.network.layers import build_model
from pipeline.network.outputs import feature_maps, logits_and_probabilities, probabilities, separated
from pipeline.network.start import configure_runtime


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
    configure_runtime(seed=3, threads=2, device="auto")
    model = compose("model.filters=[4,6]").model.model_copy(update=changes)
    return build_model(model, input_shape=(8, 8, 1), num_classes=3)


def test_feature_maps_are_those_of_a_convolution_in_numpy(compose, images):
    net = network(compose, pool="none")
    found = feature_maps(net, ["conv2d", "conv2d_1"], images[0])
    first = np.maximum(convolve(images[0] / 255, *(w.numpy() for w in net.layers[0].weights)), 0)
    second = np.maximum(convolve(first, *(w.numpy() for w in net.layers[1].weights)), 0)
    np.testing.assert_allclose(found["conv2d"], first, atol=1e-6)
    np.testing.assert_allclose(found["conv2d_1"], second, atol=1e-5)


def test_fire_rates_are_the_share_of_positive_outputs(compose, images):
    net = network(compose)
    found = fire_rates(net, ["conv2d"], images, len(images))["conv2d"]
    kernel, bias = (w.numpy() for w in net.layers[0].weights)
    outputs = np.stack([convolve(image / 255, kernel, bias) for image in images])
    np.testing.assert_allclose(found, (outputs > 1e-7).mean(axis=(0, 1, 2)), atol=1e-9)


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


def test_rates_have_words():
    rates = [0.0, 0.0009, 0.001, 0.5, 0.999, 0.9991, 1.0]
    words = ["dead", "rare", "normal", "normal", "normal", "always-on", "always-on"]
    assert [firing_kind(rate) for rate in rates] == words


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
    kernel, bias = (w.numpy() for w in net.layers[0].weights)
    inside = convolve(images[0] / 255, kernel, bias)[1:-1, 1:-1]
    np.testing.assert_allclose(first.before, inside, atol=1e-6)
    np.testing.assert_array_equal(first.output, np.maximum(first.before, 0))
    squares = np.pad(first.output**2, ((0, 0), (0, 0), (2, 2)))
    sums = sum(squares[..., shift : shift + 4] for shift in range(5))
    normalized = steps["local_response_normalization"].output
    np.testing.assert_allclose(normalized, first.output / (2 + 1e-4 * sums) ** 0.75, rtol=1e-5)
    pooled = normalized.reshape(3, 2, 3, 2, 4).max(axis=(1, 3))
    np.testing.assert_array_equal(steps["max_pooling2d"].output, pooled)
    assert second.output.shape == (1, 1, 6)
    logits = steps["dense_1"].before.astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(steps["dense_1"].output, expected, rtol=1e-5)


def test_the_halves_of_the_network_part_at_flatten(compose, images):
    halves = {step.name: step.half for step in walk(network(compose), images[0])}
    assert [name for name in halves if halves[name] == "classification"] == [
        "flatten",
        "dense",
        "dropout",
        "dense_1",
    ]


def test_a_step_is_described_by_its_shape_and_its_extremes():
    before = np.array([[[-2.0, 1.0]], [[0.5, 3.0]]])
    step = Step("conv2d", "Conv2D", "relu", before, np.maximum(before, 0), None)
    assert describe_step(step) == {
        "shape": [2, 1, 2],
        "min": 0.0,
        "max": 3.0,
        "before_activation": {"min": -2.0, "max": 3.0},
    }
