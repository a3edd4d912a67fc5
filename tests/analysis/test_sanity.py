"""The sanity test: the cascade, rank correlations against SciPy, who passes."""

import json

import numpy as np
import pytest
from scipy.stats import rankdata

from pipeline.analysis import attributions, sanity
from pipeline.network import outputs

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 12, 12, 1), np.uint8)


def test_the_cascade_makes_the_layers_random_from_the_top_and_leaves_the_network_as_it_was(small_network):
    net = small_network()
    before = net.get_weights()
    steps = sanity.cascade(net, IMAGES[:3], 1)
    assert list(steps) == ["none", "dense_1", "dense", "conv2d_1", "conv2d"]
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    logits = attributions.logit_model(outputs.separated(net))
    gradients = attributions.gradient_function(logits)
    number = int(np.asarray(net(IMAGES[:1].astype(np.float32) / 255)).argmax())
    expected = attributions.integrated_gradients(gradients, IMAGES[0], number, attributions.FIRST_STEPS, 7)
    np.testing.assert_allclose(steps["none"][0], expected[..., 0], atol=1e-6)
    again = sanity.cascade(net, IMAGES[:3], 1)
    np.testing.assert_array_equal(again["conv2d"], steps["conv2d"])
    assert len({maps.tobytes() for maps in steps.values()}) == len(steps)


def test_rank_correlation_is_pearsons_of_the_ranks_where_the_mask_holds():
    first, second = RNG.normal(size=(2, 6, 6))
    where = RNG.random((6, 6)) > 0.3
    expected = np.corrcoef(rankdata(first[where]), rankdata(second[where]))[0, 1]
    assert sanity.rank_correlation(first, second, where) == pytest.approx(expected)
    assert sanity.rank_correlation(first, np.exp(first), where) == pytest.approx(1)
    assert sanity.rank_correlation(first, np.zeros((6, 6)), where) is None
    assert sanity.rank_correlation(first, second, np.zeros((6, 6), bool)) is None


def test_a_map_that_follows_the_network_passes_and_an_edge_detector_fails():
    maps = RNG.normal(size=(3, 2, 12, 12))
    about = sanity.describe(dict(zip(["none", "a", "b"], maps, strict=True)), IMAGES[:2])
    assert about["random_down_to"] == ["none", "a", "b"]
    assert about["integrated_gradients"][0] == pytest.approx(1)
    assert about["edge_detector"] == pytest.approx([1, 1, 1])
    assert (about["passed"], about["edge_detector_passed"]) == (True, False)


@pytest.mark.parametrize("constant", ["the trained network's", "the random network's", "black images"])
def test_of_constant_maps_nothing_is_said(constant):
    maps = RNG.normal(size=(2, 3, 12, 12))
    images = IMAGES[:3] * (constant != "black images")
    if constant != "black images":
        maps[0 if "trained" in constant else 1] = 0
    about = sanity.describe({"none": maps[0], "a": maps[1]}, images)
    assert about["integrated_gradients"] == [1, None]
    assert about["passed"] is None
    assert "constant" in about["reason"]
    json.dumps(about, allow_nan=False)


def test_of_images_without_an_edge_nothing_is_said_though_the_maps_vary():
    flat = np.broadcast_to(np.uint8([40, 90, 200])[:, None, None, None], (3, 12, 12, 1))
    maps = RNG.normal(size=(2, 3, 12, 12))
    about = sanity.describe({"none": maps[0], "a": maps[1]}, flat)
    assert about["edge_detector"] == [1, None]
    assert about["integrated_gradients"][1] is not None
    assert (about["passed"], about["edge_detector_passed"]) == (None, None)
    assert "constant" in about["reason"]


def test_an_image_with_a_constant_map_does_not_count():
    maps = RNG.normal(size=(2, 2, 12, 12))
    expected = sanity.describe({"none": maps[0, :1], "a": maps[1, :1]}, IMAGES[:1])["integrated_gradients"]
    maps[1, 1] = 7
    about = sanity.describe({"none": maps[0], "a": maps[1]}, IMAGES[:2])
    assert about["integrated_gradients"] == expected


def test_edges_are_strongest_beside_a_step():
    image = np.zeros((5, 6, 1), np.uint8)
    image[:, 3:] = 255
    # Sobel's kernel weighs a vertical step by 1 + 2 + 1 on both sides of it.
    np.testing.assert_allclose(sanity.edges(image), [[0, 0, 4, 4, 0, 0]] * 5)
