"""Integrated gradients: exact where that is known, complete elsewhere."""

import numpy as np
import pytest

from pipeline.analysis import attributions
from pipeline.network import outputs

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 12, 12, 1), np.uint8)


def attribution(net, image, number):
    logits = attributions.logit_model(outputs.separated(net))
    return attributions.attribute(logits, attributions.gradient_function(logits), image, number)


def test_attribution_in_a_linear_network_is_the_weight_times_the_pixel(small_network):
    net = small_network("model.activation=linear", "model.pool=none")
    scaled = IMAGES[0].astype(np.float32) / 255
    logits = attributions.logit_model(outputs.separated(net))
    basis = np.eye(144, dtype=np.float32).reshape(144, 12, 12, 1)
    black = np.asarray(logits([np.zeros((1, 12, 12, 1), np.float32)]))[0, 2]
    weights = (np.asarray(logits([basis]))[:, 2] - black).reshape(12, 12, 1)
    found = attribution(net, IMAGES[0], 2)
    np.testing.assert_allclose(found.values, weights * scaled, atol=1e-4)
    assert found.steps == attributions.FIRST_STEPS


@pytest.mark.parametrize("overrides", [(), ("model.activation=sigmoid", "model.pool=average")])
def test_attribution_adds_up_to_the_difference_of_the_logits(small_network, overrides):
    net = small_network(*overrides)
    found = attribution(net, IMAGES[1], 0)
    probabilities = np.asarray(net(np.stack([IMAGES[1], IMAGES[1] * 0]).astype(np.float32) / 255))
    # A difference of logits is the logarithm of a ratio of probabilities, but for a constant.
    other = attribution(net, IMAGES[1], 1)
    ratio = np.log(probabilities[:, 0] / probabilities[:, 1])
    assert found.completeness_error <= 0.01
    assert found.values.sum() == pytest.approx(found.logit - found.baseline_logit, rel=0.01)
    assert found.logit - other.logit == pytest.approx(ratio[0], abs=1e-4)
    assert found.baseline_logit - other.baseline_logit == pytest.approx(ratio[1], abs=1e-4)


def test_black_pixels_have_no_attribution(small_network):
    image = IMAGES[2].copy()
    image[:, :5] = 0
    assert not attribution(small_network(), image, 0).values[:, :5].any()
