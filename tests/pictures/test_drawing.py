"""What all pictures share: scales of activations, images, tiles."""

from io import BytesIO

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


@pytest.mark.parametrize("smallest", [0.0, -4.0])
def test_weak_activations_are_seen_beside_strong_ones_and_the_bar_tells_their_values(smallest):
    tiles = np.full((2, 2, 2), 4.0)
    tiles[0] = 0.25
    tiles[1, 0, 0] = smallest
    scale = drawing.activation_scale(tiles)
    share = [float(scale[0](value)) for value in (0, 0.25, 4)]
    # On a linear scale a sixteenth of the way.
    assert share[1] - share[0] > 2.5 * (share[2] - share[0]) / 16
    axes = drawing.new_figure(4, 4).subplots()
    drawing.draw_tiles(axes, tiles, ["a", "b"], 2, scale)
    drawing.activation_bar(axes, 1.0)
    axes.figure.draw_without_rendering()
    bar = axes.figure.axes[1]
    shown = {tick.get_loc(): tick.label1.get_text() for tick in bar.yaxis.get_major_ticks()}
    assert len(shown) >= 3
    assert all(float(text) == pytest.approx(place) for place, text in shown.items())


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
    corners = drawing.draw_tiles(axes, tiles, ["a", "b", "c"], 2, scale)
    assert corners == [(0, 0), (drawing.PITCH_X, 0), (0, drawing.PITCH_Y)]
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert places == {name: (x + 0.5, y - 0.05) for name, (x, y) in zip("abc", corners, strict=True)}


def drawn(text: str, **style: str) -> bytes:
    figure, stored = drawing.new_figure(2, 1), BytesIO()
    figure.text(0.1, 0.4, text, **style)
    figure.savefig(stored)
    return stored.getvalue()


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("letters", ["가나", "漢字", "汉鞋", "あア", "жй", "éü"])
def test_letters_of_many_scripts_are_drawn_and_none_as_the_box_of_a_missing_one(letters, weight, caplog):
    first, second = (drawn(letter, weight=weight) for letter in letters)
    assert first != second
    assert "font" not in caplog.text


def test_dollar_signs_are_drawn_and_not_taken_for_mathematics():
    figure = drawing.new_figure(4, 1)
    widths = [figure.text(0, 0, text).get_window_extent().width for text in ("$x$", "x", r"$\frac{")]
    assert widths[0] > 2 * widths[1]
    assert widths[2] > widths[0]


@pytest.mark.parametrize(("largest", "fewest"), [(2, 3), (50, 4), (3e4, 4), (1e30, 4)])
def test_a_logarithmic_axis_has_some_plain_numbers_whatever_it_spans(largest, fewest):
    axes = drawing.new_figure(4, 4).subplots()
    axes.set_yscale("log")
    axes.set_ylim(1, largest)
    drawing.plain_ticks(axes.yaxis, [1, largest], digits=3)
    axes.figure.draw_without_rendering()
    labels = [
        label.get_text()
        for label, place in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
        if 1 <= place <= largest
    ]
    assert fewest <= len(labels) <= 10
    assert [float(label) for label in labels] == sorted({float(label) for label in labels})


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("IMG_0001.jpg", 12, "IMG_0001.jpg"),
        ("IMG_20240101_0001.jpg", 12, "IMG_20…1.jpg"),
        ("가나다라마바사", 14, "가나다라마바사"),
        ("가나다라마바사", 9, "가나…바사"),
    ],
)
def test_what_is_too_wide_loses_its_middle(text, width, expected):
    assert drawing.shortened(text, width) == expected
