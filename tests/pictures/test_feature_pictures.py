"""Pictures of feature maps number every filter and name the unusual ones."""

import numpy as np
import pytest
from drawn import limits, texts

from pipeline.pictures import features
from pipeline.pictures.drawing import activation_scale

RNG = np.random.default_rng(0)


def test_feature_maps_are_numbered_and_unusual_filters_named():
    maps = np.abs(RNG.normal(size=(6, 6, 10)))
    rates = np.array([0, 0.0005, 1.0, *[0.5] * 7])
    scale = activation_scale(maps)
    figure = features.feature_maps("conv2d", maps, rates, scale=scale, images=100, threshold=0.0)
    words = texts(figure)
    assert all(part in words for part in ("0: dead", "1: rare", "2: always-on", "3: 50%"))
    assert "1 dead, 1 rare, 1 always-on" in words
    assert limits(figure) == {(0, maps.max())}


@pytest.mark.parametrize("maps", [np.zeros((4, 4, 3)), np.full((4, 4, 3), 2.0), -np.ones((4, 4, 3))])
def test_constant_maps_draw_without_warnings(maps):
    scale, rates = activation_scale(maps), np.zeros(3)
    figure = features.feature_maps("conv2d", maps, rates, scale=scale, images=1, threshold=0.0)
    figure.draw_without_rendering()
