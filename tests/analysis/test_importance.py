"""Ablation: against a network whose next layer ignores the filter."""

import numpy as np
import pytest

from pipeline.analysis import importance, patches
from pipeline.analysis.receptive_fields import receptive_fields
from pipeline.network import batches
from pipeline.network.checkpoint import layers_of

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 12, 12, 1), np.uint8)


def test_a_filter_that_never_fires_has_no_patches_and_costs_nothing(small_network):
    net = small_network()
    kernel, bias = net.layers[0].get_weights()
    net.layers[0].set_weights([kernel, np.array([-100, *bias[1:]], np.float32)])
    labels = RNG.integers(0, 3, 30).astype(np.uint8)
    strongest = patches.strongest_patches(net, ["conv2d"], IMAGES)["conv2d"]
    crops = patches.crops(strongest, receptive_fields(layers_of(net))["conv2d"], IMAGES, 0.0)
    assert [len(each) for each in crops] == [0, 9, 9]
    assert importance.ablation(net, "conv2d", IMAGES, labels)[1][0] == 0


@pytest.mark.parametrize("name", ["conv2d", "conv2d_1"])
def test_ablation_is_that_of_a_network_whose_next_layer_ignores_the_filter(small_network, monkeypatch, name):
    monkeypatch.setattr(batches, "MOST_IMAGES", 7)
    # After max pooling a zeroed channel is a channel that the next kernel multiplies by zero.
    net = small_network()
    scaled = (IMAGES / 255).astype(np.float32)
    labels = np.asarray(net(scaled)).argmax(axis=1).astype(np.uint8)
    labels[:10] = (labels[:10] + 1) % 3
    accuracy, lost = importance.ablation(net, name, IMAGES, labels)
    assert accuracy == pytest.approx(20 / 30)
    following = net.get_layer("conv2d_1" if name == "conv2d" else "dense")
    kernel, bias = following.get_weights()
    for number in range(len(lost)):
        deaf = kernel.copy()
        if name == "conv2d":
            deaf[:, :, number, :] = 0
        else:
            deaf[number :: len(lost)] = 0
        following.set_weights([deaf, bias])
        expected = (np.asarray(net(scaled)).argmax(axis=1) == labels).mean()
        following.set_weights([kernel, bias])
        assert lost[number] == pytest.approx(accuracy - expected)
