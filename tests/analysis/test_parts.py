"""Padding, stride and pooling of one image, against windows cut by NumPy and against the network itself."""

import numpy as np
import pytest
from drawn import texts
from numpy.lib.stride_tricks import sliding_window_view

from pipeline.analysis.parts import parts
from pipeline.network.outputs import feature_maps
from pipeline.pictures import features

IMAGE = np.random.default_rng(0).integers(0, 256, (12, 12, 1), np.uint8)


def test_the_configured_outputs_are_those_of_the_networks_own_layers(small_network):
    network = small_network(
        "model.padding=[valid,same]", "model.strides=[2,1]", "model.kernel_size=[3,2]", "model.pool=average"
    )
    shown = parts(network, IMAGE)
    conv, pool = (layer.name for layer in network.layers[:2])
    expected = feature_maps(network, [conv, pool], IMAGE)
    own = [part for part in shown.outputs if part.configured]
    assert [part.name for part in own] == ["convolution and relu", "average pooling"]
    for part, name in zip(own, (conv, pool), strict=True):
        np.testing.assert_allclose(part.output, expected[name][..., shown.filter], atol=1e-6)


def test_each_setting_changes_what_it_says(small_network):
    network = small_network()
    shown = parts(network, IMAGE)
    kernel, bias = (values.numpy()[..., shown.filter] for values in network.layers[0].weights)
    padded = np.pad(IMAGE[..., 0] / 255, 1)

    def convolved(pixels, stride):
        windows = sliding_window_view(pixels, (3, 3))[::stride, ::stride]
        return np.maximum((windows * kernel[..., 0]).sum(axis=(2, 3)) + bias, 0)

    same = convolved(padded, 1)
    blocks = same.reshape(6, 2, 6, 2)
    # At stride 2, `same` needs one row of zeros for 12 pixels, which TensorFlow puts below.
    halved = convolved(np.pad(IMAGE[..., 0] / 255, ((0, 1), (0, 1))), 2)
    expected = [
        same,
        convolved(padded[1:-1, 1:-1], 1),
        halved,
        blocks.max(axis=(1, 3)),
        blocks.mean(axis=(1, 3)),
    ]
    assert [part.words for part in shown.outputs][:3] == [
        "padding same, stride 1",
        "padding valid, stride 1",
        "padding same, stride 2",
    ]
    for part, values in zip(shown.outputs, expected, strict=True):
        np.testing.assert_allclose(part.output, values, atol=1e-6)
    np.testing.assert_allclose(shown.padded[..., 0], padded, atol=1e-7)


def test_a_pooling_that_the_network_has_not_is_shown_and_not_called_its_own(small_network):
    shown = parts(small_network("model.pool=[none,max]"), IMAGE)
    assert [part.name for part in shown.outputs][-2:] == ["max pooling", "average pooling"]
    assert [part.name for part in shown.outputs if part.configured] == ["convolution and relu"]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_marks_what_is_the_networks_own(small_network, channels):
    image = np.repeat(IMAGE, channels, axis=-1)
    shown = parts(small_network(channels=channels), image)
    words = texts(features.parts(shown, "an image", stride=1, layer="conv2d"))
    assert words.count("(this network)") == 2
    assert f"| kernel 3×3×{channels}" in words
    assert "convolution and relu → 10×10" in words
