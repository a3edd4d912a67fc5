"""Statistics of kernels, against sums done by hand, closed forms and Keras."""

import json

import numpy as np
import pytest

from pipeline.analysis import weights
from pipeline.base.errors import InputError
from pipeline.network import checkpoint
from pipeline.network.checkpoint import Layer, convolutions, read_layers, save_network, sees_colours
from pipeline.network.layers import build_model
from pipeline.network.start import import_keras
from pipeline.pictures import drawing


def test_tile_fills_rows_first_and_leaves_the_rest_blank():
    tiles = np.arange(3 * 2 * 1, dtype=float).reshape(3, 2, 1)
    n = np.nan
    expected = [
        [n, n, n, n, n],
        [n, 0, n, 2, n],
        [n, 1, n, 3, n],
        [n, n, n, n, n],
        [n, 4, n, n, n],
        [n, 5, n, n, n],
        [n, n, n, n, n],
    ]
    np.testing.assert_array_equal(drawing.mosaic(tiles, 2), expected)


def test_statistics_are_those_summed_by_hand():
    kernel = np.array([3.0, 0.0, 4.0, 1.0], np.float32).reshape(2, 1, 1, 2)
    found = weights.statistics(kernel, np.zeros(2, np.float32))
    assert found["kernel_shape"] == [2, 1, 1, 2]
    assert (found["mean"], found["min"], found["max"]) == (2.0, 0.0, 4.0)
    # deviations 1, -2, 2, -1: variance 10 / 4
    assert found["std"] == pytest.approx(2.5**0.5)
    # filter 0 holds 3 and 4, filter 1 holds 0 and 1
    assert found["filter_norms"] == [5.0, 1.0]


def test_moving_all_weights_by_d_is_a_wasserstein_distance_of_d():
    before = np.random.default_rng(0).normal(size=(3, 3, 2, 4))
    found = weights.compare(before + 0.25, before)
    assert found["wasserstein"] == pytest.approx(0.25)
    norm = np.sqrt((before**2).sum())
    assert found["relative_travel"] == pytest.approx(np.sqrt(before.size * 0.25**2) / norm)


def test_kolmogorov_smirnov_is_one_for_separate_and_zero_for_equal_weights():
    before = np.random.default_rng(0).uniform(0.1, 1, size=(3, 3, 1, 4))
    assert weights.compare(before + 5, before)["kolmogorov_smirnov"] == 1
    assert weights.compare(before, before)["kolmogorov_smirnov"] == 0


def test_from_weights_that_are_all_zero_a_relative_travel_is_unknown():
    after, before = np.ones((3, 3, 1, 2)), np.zeros((3, 3, 1, 2))
    found = weights.compare(after, before)
    assert found["relative_travel"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_cosine_knows_same_opposite_right_angled_and_empty_filters():
    before = np.array([[1, 1, 1, 1], [0, 0, 0, 0]], float).reshape(2, 1, 1, 4)
    after = np.array([[2, -3, 0, 0], [0, 0, 5, 0]], float).reshape(2, 1, 1, 4)
    assert weights.cosines(after, before).tolist() == [1, -1, 0, 0]


@pytest.mark.parametrize("name", ["glorot_uniform", "he_uniform", "glorot_normal", "he_normal"])
def test_the_initializers_limit_is_where_keras_draws_end(name, compose, tmp_path):
    keras = import_keras()
    keras.utils.set_random_seed(0)
    options = ["model.filters=[64]", "model.kernel_size=9", f"model.initializer={name}"]
    network = build_model(compose(*options).model, input_shape=(28, 28, 1), num_classes=10)
    save_network(network, tmp_path / "network.keras")
    layer = convolutions(read_layers(tmp_path / "network.keras"))[0]
    _, limit = weights.initializer_limit(layer)
    largest = np.abs(layer.kernel).max()
    assert 0.97 * limit < largest <= limit * 1.000001


def test_a_checkpoint_read_without_tensorflow_says_what_keras_says(compose, tmp_path):
    options = [
        "model.filters=[4,6,8]",
        "model.strides=[1,2,1]",
        "model.padding=[valid,same,same]",
        "model.pool=[average,none,max]",
        "model.local_response_normalization=[true,false,false]",
        "model.dense=[7,5]",
    ]
    network = build_model(compose(*options).model, input_shape=(28, 28, 1), num_classes=10)
    save_network(network, tmp_path / "network.keras")
    image, *layers = read_layers(tmp_path / "network.keras")
    assert image.output_shape == (28, 28, 1)
    assert [layer.name for layer in layers] == [layer.name for layer in network.layers]
    assert [layer.output_shape for layer in layers] == [layer.output.shape[1:] for layer in network.layers]
    assert sum(layer.parameters for layer in layers) == network.count_params()
    for ours, theirs in zip(layers, network.layers, strict=True):
        for array, variable in zip(ours.variables, theirs.weights, strict=True):
            np.testing.assert_array_equal(array, variable.numpy())


def test_an_unknown_layer_is_refused():
    configs = [
        {"class_name": "InputLayer", "config": {"name": "a", "batch_shape": [None, 4, 4, 1]}},
        {"class_name": "GRU", "config": {"name": "b"}},
    ]
    with pytest.raises(InputError, match="layer b: received a GRU, expected a layer that `train` builds"):
        checkpoint.layers(configs, {})


def test_one_colour_limit_serves_all_kernels_that_are_compared():
    small, large = np.full((3, 3, 2, 1), 0.1), np.full((3, 3, 2, 1), -2.0)
    assert weights.colour_limit(0.5, small, large) == 2.0
    assert weights.colour_limit(0.5, small[:, :, :1], large[:, :, :1]) == 0.5
    assert weights.colour_limit(None, small[:, :, :1], large[:, :, :1]) == 2.0
    assert weights.colour_limit(None, np.zeros((3, 3, 1, 1))) == 1.0


def test_only_the_first_convolution_on_three_channels_sees_colours():
    def network(*channels: int) -> list[Layer]:
        kernels = [[np.zeros((3, 3, number, 3)), np.zeros(3)] for number in channels]
        return [Layer("Conv2D", "conv2d", {}, (), (), kernel) for kernel in kernels]

    for channels, expected in (((3, 3), [True, False]), ((1, 3), [False, False])):
        layers = network(*channels)
        assert [sees_colours(layers, layer) for layer in layers] == expected
