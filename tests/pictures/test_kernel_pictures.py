"""Pictures of kernels say what they show: one scale, numbered tiles, marked cells, stable bytes."""

import numpy as np
import pytest
from drawn import limits, texts
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipeline.network.checkpoint import Layer
from pipeline.pictures import drawing, kernels, weights


def convolution(kernel: np.ndarray) -> Layer:
    return Layer("Conv2D", "conv2d", {}, (), (), [kernel, np.zeros(kernel.shape[-1])])


RNG = np.random.default_rng(0)
GREY = RNG.uniform(-0.4, 0.4, (3, 3, 1, 32))
DEEP = RNG.uniform(-0.4, 0.4, (3, 3, 5, 20))


def corner(index: int, columns: int) -> np.ndarray:
    """Left and top edge of a tile, in the axes' units."""
    return np.array([index % columns * drawing.PITCH_X, index // columns * drawing.PITCH_Y])


def drawn_cells(figure: Figure, axes: Axes, index: int, columns: int, size: tuple[int, int]) -> np.ndarray:
    """Colours (h, w, 3) in 0..1 found in the picture in the middle of each cell of a tile."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[::-1]
    rows, columns_ = np.indices(size)
    places = corner(index, columns) + np.stack([(columns_ + 0.5) / size[1], (rows + 0.5) / size[0]], -1)
    x, y = axes.transData.transform(places.reshape(-1, 2)).astype(int).T
    return pixels[y, x, :3].reshape(*size, 3) / 255


def test_grey_kernels_are_numbered_tiles_in_rows_of_16_on_one_scale():
    figure = kernels.kernels({"conv2d": GREY}, limit=0.5, max_rows=16)
    axes = figure.axes[0]
    assert limits(figure) == {(-0.5, 0.5)}
    for number, text in enumerate(axes.texts):
        assert text.get_text() == str(number)
        assert text.get_position() == pytest.approx(np.add(corner(number, 16), (0.5, -0.05)))
    assert len(axes.texts) == 32


def test_each_tile_shows_its_own_kernel():
    figure = kernels.kernels({"conv2d": GREY}, limit=0.5, max_rows=16)
    colours = colormaps["RdBu_r"]
    for index in range(32):
        expected = colours(GREY[:, :, 0, index] + 0.5)[..., :3]
        drawn = drawn_cells(figure, figure.axes[0], index, 16, (3, 3))
        np.testing.assert_allclose(drawn, expected, atol=1 / 255)


def test_cells_beyond_the_colour_range_are_marked_where_they_are_and_counted():
    kernel = GREY.copy()
    kernel[2, 0, 0, 17] = 0.9
    figure = kernels.kernels({"conv2d": kernel}, limit=0.5, max_rows=16)
    assert "beyond ±0.5: 1" in texts(figure)
    x, y = figure.axes[0].lines[0].get_data()
    assert (x[0], y[0]) == pytest.approx(np.add(corner(17, 16), (1 / 6, 5 / 6)))


def test_deep_kernels_are_a_matrix_that_says_which_rows_it_shows():
    figure = kernels.kernels({"conv2d": DEEP}, limit=0.4, max_rows=16)
    assert "filters 0 to 15 of 20" in texts(figure)
    picture = figure.axes[0].images[0].get_array()
    # filter 2 (row), input channel 3 (column): tiles of 3 with one pixel between
    np.testing.assert_array_equal(picture[9:12, 13:16], DEEP[:, :, 3, 2])


def test_kernels_on_colours_are_tiles_in_colour_on_one_scale_that_the_title_tells():
    kernel = RNG.uniform(-0.3, 0.3, (5, 5, 3, 20))
    figure = kernels.kernels(
        {"conv2d, trained": kernel, "conv2d, untrained": kernel / 3}, limit=0.3, max_rows=16, in_colour=True
    )
    words = texts(figure)
    assert "grey is 0, range ±0.3" in words
    assert "conv2d, untrained: 20 kernels of 5×5×3" in words
    assert all(f"| {number} |" in words for number in range(20))
    for axes, divisor in zip(figure.axes, (1, 3), strict=True):
        for index in range(20):
            expected = 0.5 + kernel[..., index] / divisor / 0.6
            drawn = drawn_cells(figure, axes, index, 16, (5, 5))
            np.testing.assert_allclose(drawn, expected, atol=1 / 255)


def test_a_weight_of_zero_is_grey_and_the_limits_are_none_and_all_of_a_colour():
    kernel = np.zeros((1, 2, 3, 2))
    kernel[0, 0, :, 1] = [-0.4, 0.2, 0.4]
    kernel[0, 1, 2, 1] = 9
    figure = kernels.kernels({"conv2d": kernel}, limit=0.4, max_rows=2, in_colour=True)
    # Two tiles of 1×2 beside each other, a cell between.
    drawn = figure.axes[0].images[0].get_array()[:1, :, :3]
    np.testing.assert_array_equal(drawn[:, :2], np.full((1, 2, 3), 0.5))
    np.testing.assert_allclose(drawn[:, 3:5], [[[0, 0.75, 1], [0.5, 0.5, 1]]])


def test_grey_kernels_are_as_dark_as_their_weight_is_large():
    figure = kernels.kernels({"conv2d": GREY}, limit=0.4, max_rows=16, colours="grey")
    drawn = drawn_cells(figure, figure.axes[0], 5, 16, (3, 3))
    expected = 0.5 - GREY[:, :, 0, 5] / 0.8
    np.testing.assert_allclose(drawn, np.stack([expected] * 3, axis=-1), atol=2 / 255)


def test_the_architecture_names_layers_and_their_classes():
    layers = [Layer("Conv2D", "conv2d", {}, (5, 5, 1), (5, 5, 2), [np.zeros((3, 3, 1, 2)), np.zeros(2)])]
    words = texts(weights.architecture(layers))
    assert "| conv2d (Conv2D) |" in words
    assert "| conv2d: 5×5×1 → 5×5×2,  20 parameters |" in words


def test_compared_histograms_share_bins_and_show_the_initializers_limits():
    figure = weights.compare_histograms(
        convolution(GREY * 3), convolution(GREY), bins=20, limit=("limit", 0.4)
    )
    assert "initializer's limit: ±0.4000" in texts(figure)
    bars = [patch for patch in figure.axes[0].patches if hasattr(patch, "get_height")]
    assert len({round(bar.get_width(), 9) for bar in bars}) == 1
    assert sum(bar.get_height() for bar in bars) == 2 * GREY.size


def weights_of(size, channels, filters):
    return RNG.uniform(-0.4, 0.4, (size, size, channels, filters))


@pytest.mark.parametrize("channels", [1, 5])
def test_kernels_of_unlike_shapes_share_one_scale(channels):
    panels = {"a": weights_of(3, channels, 20), "b": weights_of(5, channels, 4)}
    figure = kernels.kernels(panels, limit=0.7, max_rows=16)
    assert {image.get_clim() for axes in figure.axes[:2] for image in axes.images} == {(-0.7, 0.7)}


@pytest.mark.parametrize(("channels", "colours"), [(1, False), (3, True)])
def test_tiles_are_of_one_size_and_numbered_in_each_panel(channels, colours):
    panels = {"a": weights_of(3, channels, 20), "b": weights_of(3, channels, 4)}
    figure = kernels.kernels(panels, limit=0.7, max_rows=16, in_colour=colours)
    words = texts(figure)[2:-2].split(" | ")
    assert all(words.count(str(number)) >= (2 if number < 4 else 1) for number in range(20))
    # A tile is one unit wide.
    first, second = (np.ptp(axes.transData.transform([(0, 0), (1, 0)])[:, 0]) for axes in figure.axes[:2])
    assert first == pytest.approx(second, rel=0.02)


def test_kernels_of_zeros_are_drawn_without_warnings():
    kernels.kernels({"a": np.zeros((3, 3, 1, 2))}, limit=1.0, max_rows=4).draw_without_rendering()
