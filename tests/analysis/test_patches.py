"""Receptive fields, and the patches that excite a filter: against closed forms and the network itself."""

import dataclasses

import numpy as np
import pytest

from pipeline.analysis import patches
from pipeline.analysis.patches import Patches
from pipeline.analysis.receptive_fields import ReceptiveField, receptive_fields, widened
from pipeline.config.shapes import window_output
from pipeline.network import batches
from pipeline.network.checkpoint import layers_of
from pipeline.network.outputs import convolution_names, extractor

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 12, 12, 1), np.uint8)


def test_receptive_field_of_valid_windows_has_the_closed_form():
    windows = [(5, 1), (2, 2), (3, 1), (2, 2), (3, 3)]
    field, size = ReceptiveField(), 200
    for window, stride in windows:
        field = widened(field, size, window, stride, "valid")
        size = window_output(size, window, stride, "valid")
    jumps = np.cumprod([1] + [stride for _, stride in windows])
    # Araujo et al. 2019, eq. 2: 1 + the sum of (window - 1) * product of the strides before it.
    assert field.size == 1 + sum((w - 1) * j for (w, _), j in zip(windows, jumps[:-1], strict=True))
    assert (field.jump, field.start) == (jumps[-1], 0)


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("model.strides=2", "model.pool=none"),
        ("model.padding=valid", "model.pool=average", "model.kernel_size=[2,4]"),
        ("model.kernel_size=[4,3]", "model.strides=[1,2]", "model.pool=[average,none]"),
    ],
)
def test_gradients_reach_just_the_pixels_of_the_receptive_field(small_network, overrides):
    import tensorflow as tf

    # Without an activation and with positive weights nothing cancels; average pooling keeps all paths.
    average = () if any("pool=" in o for o in overrides) else ("model.pool=average",)
    net = small_network("model.activation=linear", *overrides, *average)
    for layer in net.layers:
        layer.set_weights([np.ones_like(weights) for weights in layer.get_weights()])
    fields = receptive_fields(layers_of(net))
    name = convolution_names(net)[-1]
    model = extractor(net, [name])
    height, width = net.get_layer(name).output.shape[1:3]
    for row, column in [(0, 0), (height - 1, width // 2), (height // 2, width - 1)]:
        image = tf.ones((1, 12, 12, 1))
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = model([image])[name][0, row, column, 0]
        seen = tape.gradient(value, image).numpy()[0, ..., 0] > 0
        expected = np.zeros((12, 12), bool)
        (top, bottom), (left, right) = fields[name][0].extent(row), fields[name][1].extent(column)
        expected[max(0, top) : bottom, max(0, left) : right] = True
        np.testing.assert_array_equal(seen, expected)


def test_a_crop_beyond_the_image_is_blank_there():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    part = patches.crop(image, (-1, 2), (2, 5))[..., 0] * 255
    nan = np.nan
    np.testing.assert_allclose(part, [[nan, nan, nan], [2, 3, nan], [6, 7, nan]])


def test_the_strongest_patches_are_those_of_all_outputs_sorted(small_network, monkeypatch):
    monkeypatch.setattr(batches, "MOST_IMAGES", 7)
    net = small_network()
    found = patches.strongest_patches(net, ["conv2d", "conv2d_1"], IMAGES)
    for name, strongest in found.items():
        outputs = np.asarray(extractor(net, [name])([(IMAGES / 255).astype(np.float32)])[name])
        peaks = outputs.max(axis=(1, 2))
        np.testing.assert_allclose(strongest.activations, -np.sort(-peaks, axis=0)[:9].T, rtol=1e-5)
        for number in range(outputs.shape[-1]):
            units = strongest.images[number], strongest.rows[number], strongest.columns[number], number
            np.testing.assert_allclose(outputs[units], strongest.activations[number], rtol=1e-5)
            assert len(set(strongest.images[number].tolist())) == 9


def test_equally_strong_patches_keep_the_order_of_the_images():
    zeros = np.zeros((1, 3), int)
    first = Patches(np.array([[2.0, 1.0, 2.0]]), np.array([[0, 1, 2]]), zeros, zeros)
    later = Patches(np.array([[2.0, 3.0, 0.0]]), np.array([[3, 4, 5]]), zeros, zeros)
    assert first.joined(later).best(3).images.tolist() == [[4, 0, 2]]


@pytest.mark.parametrize(
    ("overrides", "channels"),
    [
        ((), 1),
        (("model.strides=[1,2]", "model.pool=[max,none]", "model.kernel_size=[5,2]"), 1),
        (("model.padding=valid", "model.pool=average", "model.activation=sigmoid"), 3),
        (("model.local_response_normalization=true",), 1),
    ],
)
def test_a_patch_alone_gives_the_activation_that_it_was_chosen_for(small_network, overrides, channels):
    net = small_network(*overrides, channels=channels)
    images = RNG.integers(0, 256, (20, 12, 12, channels), np.uint8)
    fields = receptive_fields(layers_of(net))
    for name, strongest in patches.strongest_patches(net, ["conv2d", "conv2d_1"], images).items():
        again = patches.recomputed(net, name, strongest, fields[name], images)
        np.testing.assert_allclose(again, strongest.activations, rtol=1e-5, atol=1e-6)


def test_a_receptive_field_that_is_too_small_is_found_out(small_network):
    net = small_network("model.activation=linear")
    strongest = patches.strongest_patches(net, ["conv2d_1"], IMAGES)["conv2d_1"]
    fields = receptive_fields(layers_of(net))["conv2d_1"]
    small = tuple(dataclasses.replace(field, size=field.size - 3) for field in fields)
    again = patches.recomputed(net, "conv2d_1", strongest, small, IMAGES)
    assert np.abs(again - strongest.activations).max() > 0.01
