"""What all pictures share: scales of activations, images, tiles."""

import numpy as np
import pytest

from pipeline.pictures import drawing


def test_signed_activations_are_white_at_zero():
    norm, colours = drawing.activation_scale(np.array([-1.0, 3.0]))
    assert (norm.vmin, norm.vmax, colours) == (-3, 3, drawing.SIGNED)


@pytest.mark.parametrize(("values", "largest"), [([0.0, 2.5], 2.5), ([0.0, 0.0], 1.0)])
def test_activations_without_a_sign_begin_at_zero_also_when_all_are_zero(values, largest):
    norm, colours = drawing.activation_scale(np.array(values))
    assert (norm.vmin, norm.vmax, colours) == (0, largest, drawing.POSITIVE)


def test_grey_images_are_dark_where_there_is_ink_and_colours_stay():
    left, right = drawing.new_figure(4, 2).subplots(1, 2)
    drawing.draw_image(left, np.array([[[0], [255]]], np.uint8))
    drawing.draw_image(right, np.array([[[10, 20, 30]]], np.uint8))
    shown = left.images[0]
    blank, ink = shown.cmap(shown.norm(np.array([0, 255])))[:, :3]
    np.testing.assert_allclose([blank, ink], [[1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(right.images[0].get_array(), [[[10, 20, 30]]])


def test_tiles_stand_in_rows_from_the_left_with_their_labels_above():
    axes = drawing.new_figure(4, 4).subplots()
    tiles = np.arange(3 * 2 * 2).reshape(3, 2, 2)
    scale = drawing.activation_scale(tiles)
    corners = drawing.draw_tiles(axes, tiles, ["a", "b", "c"], 2, *scale)
    assert corners == [(0, 0), (drawing.PITCH_X, 0), (0, drawing.PITCH_Y)]
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert places == {name: (x + 0.5, y - 0.05) for name, (x, y) in zip("abc", corners, strict=True)}
