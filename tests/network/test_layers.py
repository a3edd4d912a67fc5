"""The network's shapes and sizes, worked out by hand, and its outputs, worked out in NumPy."""

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.config.shapes import trace_shapes, window_output
from pipeline.network.checkpoint import load_model, save_network
from pipeline.network.layers import build_model
from pipeline.network.start import import_keras

FASHION = {"input_shape": (28, 28, 1), "num_classes": 10}


@pytest.fixture(scope="module")
def keras():
    return import_keras()


def test_the_default_network_is_the_textbooks(compose):
    network = build_model(compose().model, **FASHION)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds == [*["Conv2D", "MaxPooling2D"] * 2, "Flatten", "Dense", "Dropout", "Dense"]
    shapes = [layer.output.shape[1:] for layer in network.layers]
    assert shapes == [(28, 28, 32), (14, 14, 32), (14, 14, 64), (7, 7, 64), (3136,), (100,), (100,), (10,)]
    assert [layer.count_params() for layer in network.layers if layer.weights] == [320, 18496, 313700, 1010]
    assert network.layers[6].rate == 0.4
    assert [layer.activation.__name__ for layer in network.layers[::2][:2]] == ["relu", "relu"]
    assert network.layers[-1].activation.__name__ == "softmax"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        # 28 - 5 + 1 = 24; 24 / 2 = 12
        (["model.filters=[30]", "model.kernel_size=5", "model.padding=valid"], [(24, 24, 30), (12, 12, 30)]),
        # same, stride 2: ceil(28 / 2) = 14; no pooling
        (["model.filters=[8]", "model.strides=2", "model.pool=none"], [(14, 14, 8)]),
        # valid, stride 3: floor((28 - 3) / 3) + 1 = 9
        (["model.filters=[8]", "model.strides=3", "model.padding=valid", "model.pool=none"], [(9, 9, 8)]),
        # overlapping pooling, 3 wide every 2: floor((28 - 3) / 2) + 1 = 13
        (["model.filters=[4]", "model.pool_size=3", "model.pool=average"], [(28, 28, 4), (13, 13, 4)]),
        # lists: 28 -> pool 14 -> no pool 14 -> pool 7
        (
            ["model.filters=[4,6,8]", "model.pool=[max,none,max]"],
            [(28, 28, 4), (14, 14, 4), (14, 14, 6), (14, 14, 8), (7, 7, 8)],
        ),
    ],
)
def test_shapes_are_those_worked_out_by_hand(overrides, expected, compose):
    cfg = compose(*overrides).model
    traced = trace_shapes(cfg, (28, 28, 1))
    assert [shape for _, shape in traced] == expected
    network = build_model(cfg, **FASHION)
    built = [(layer.name, layer.output.shape[1:]) for layer in network.layers]
    assert built[: len(traced)] == traced


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("window", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [5, 6, 7])
def test_a_windows_output_is_the_number_of_its_places(size, window, stride, padding):
    # Counted: with `same` one place per started stride, with `valid` every start that still fits.
    starts = range(0, size, stride)
    fits = starts if padding == "same" else [s for s in starts if s + window <= size]
    assert window_output(size, window, stride, padding) == len(fits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel_size": 9, "pool_size": 4, "pool_strides": 4}, r"conv2d_1: .* 9x9 on .* 7x7"),
        ({"kernel_size": 29}, r"conv2d: received a window of 29x29 on an input of 28x28"),
        ({"filters": [1] * 6, "kernel_size": 1}, r"max_pooling2d_4: .* 2x2 on .* of 1x1"),
    ],
)
def test_a_window_that_does_not_fit_names_its_layer_and_both_sizes(changes, message, compose):
    model = compose().model.model_copy(update=changes)
    with pytest.raises(InputError, match=message):
        trace_shapes(model, (28, 28, 1))


def test_normal_initializers_draw_each_layer_anew_with_the_configured_spread(compose, keras):
    keras.utils.set_random_seed(0)
    options = ["model.filters=[64,64]", "model.initializer=random_normal", "model.initializer_stddev=0.05"]
    network = build_model(compose(*options).model, **FASHION)
    second, hidden = network.layers[2].kernel.numpy(), network.layers[5].kernel.numpy()
    assert second.std() == pytest.approx(0.05, rel=0.02)
    assert hidden.std() == pytest.approx(0.05, rel=0.02)
    assert second.ravel()[:9].tolist() != hidden.ravel()[:9].tolist()
    assert not network.layers[0].bias.numpy().any()


def test_no_dropout_and_no_hidden_layer_leave_the_layers_out(compose):
    network = build_model(compose("model.dense=[]").model, **FASHION)
    assert [type(layer).__name__ for layer in network.layers[-2:]] == ["Flatten", "Dense"]
    network = build_model(compose("model.dense=[7,5]", "model.dropout=0").model, **FASHION)
    assert [layer.name for layer in network.layers[-3:]] == ["dense", "dense_1", "dense_2"]


def test_loading_refuses_what_does_not_fit(tmp_path, compose):
    path = tmp_path / "network.keras"
    with pytest.raises(InputError, match=r"network\.keras is missing: run `dvc repro train`"):
        load_model(path, (28, 28, 1))
    path.write_text("no archive")
    with pytest.raises(InputError, match=r"network\.keras is not a Keras archive"):
        load_model(path, (28, 28, 1))
    save_network(build_model(compose("model.filters=[2]").model, **FASHION), path)
    with pytest.raises(InputError, match=r"takes images of shape \(28, 28, 1\), the data has \(8, 8, 1\)"):
        load_model(path, (8, 8, 1))


def test_a_network_with_normalization_survives_saving(tmp_path, compose):
    options = ["model.filters=[6]", "model.local_response_normalization=true"]
    network = build_model(compose(*options).model, **FASHION)
    save_network(network, tmp_path / "network.keras")
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    restored = load_model(tmp_path / "network.keras", (28, 28, 1))
    np.testing.assert_array_equal(restored(images), network(images))
