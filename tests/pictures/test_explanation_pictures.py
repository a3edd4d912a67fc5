"""Pictures of the deeper looks show what they are given, on honest scales."""

import numpy as np
import pytest
from drawn import texts
from matplotlib.colors import to_rgb

from pipeline.pictures import explanations
from pipeline.pictures.drawing import SOFT

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3])
def test_patches_are_drawn_in_rows_of_three_with_what_lies_beyond_the_image_in_blue(channels):
    crops = RNG.random((9, 24, 30, channels))
    crops[4, :10] = np.nan
    figure = explanations.patches("conv2d", [list(crops), []], (24, 30), 500)
    words = texts(figure)
    assert "| 0 |" in words
    assert "| 1: dead |" in words
    assert "patches of 24×30 pixels" in words
    assert ("grey reversed" in words) == (channels == 1)
    block = figure.axes[0].images[0].get_array()[..., :3]  # without transparency
    middle = block[26:50, 32:62]
    np.testing.assert_allclose(middle[:10], np.broadcast_to(to_rgb(SOFT), (10, 30, 3)))
    expected = np.repeat(1 - crops[4], 3, axis=-1) if channels == 1 else crops[4]
    np.testing.assert_allclose(middle[10:], expected[10:])


@pytest.mark.parametrize("filters", [1, 12, 64])
def test_importance_has_one_bar_per_filter_in_percentage_points(filters):
    lost = RNG.normal(0, 0.01, filters)
    figure = explanations.importance("conv2d", lost, 0.9, 200)
    np.testing.assert_allclose([bar.get_height() for bar in figure.axes[0].patches], 100 * lost)


@pytest.mark.parametrize("channels", [1, 3])
def test_attribution_maps_share_one_scale_that_is_white_at_zero(channels):
    image = RNG.integers(0, 256, (8, 8, channels), np.uint8)
    maps = {"for cat": RNG.normal(size=(8, 8)), "for dog": np.full((8, 8), -5.0)}
    figure = explanations.attribution(image, "image 0", maps)
    assert {axes.images[0].get_clim() for axes in figure.axes[1:3]} == {(-5, 5)}
    assert "for cat" in texts(figure)


def test_an_attribution_of_zeros_draws_without_warnings():
    image = np.zeros((8, 8, 1), np.uint8)
    explanations.attribution(image, "image 0", {"for cat": np.zeros((8, 8))}).canvas.draw()


def test_the_sanity_picture_has_a_map_per_step_and_a_curve_per_method():
    image = RNG.integers(0, 256, (8, 8, 1), np.uint8)
    maps = {name: RNG.normal(size=(8, 8)) for name in ("none", "dense", "conv2d")}
    curves = {"a": [1, 0.2, 0.1], "b": [1, 0.5, 0.4], "c": [1, 1, 1]}
    figure = explanations.sanity(image, maps, RNG.random((8, 8)), curves, "Sanity")
    words = texts(figure)
    assert all(part in words for part in ("| trained |", "random: dense |", "random: conv2d and above"))
    drawn = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[-1].lines[:3]}
    assert drawn == curves
