"""Pictures of a comparison: one scale, every run named, signs that tell which way."""

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from pipeline.pictures import comparison
from pipeline.pictures.drawing import write_figure

RNG = np.random.default_rng(0)


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def history(losses):
    epochs = list(range(1, len(losses) + 1))
    low = [loss - 0.1 for loss in losses]
    shares = [1 - loss for loss in losses]
    return {"epoch": epochs, "loss": low, "accuracy": shares, "val_loss": losses, "val_accuracy": shares}


def kernel(*shape):
    return RNG.uniform(-0.4, 0.4, shape)


def test_each_curve_is_the_history_and_its_star_the_lowest_validation_loss():
    figure = comparison.curves({"a": [history([0.5, 0.3, 0.4])], "b": [history([0.6, 0.5])]})
    drawn = [tuple(line.get_ydata()) for line in figure.axes[0].lines]
    # Training, validation and star of each run.
    expected = [(0.4, 0.2, 0.3), (0.5, 0.3, 0.4), (0.3,), (0.5, 0.4), (0.6, 0.5), (0.5,)]
    assert [pytest.approx(line) for line in expected] == drawn
    assert figure.axes[0].lines[2].get_xdata() == [2]


def test_seeds_share_the_colour_of_their_configuration():
    figure = comparison.curves({"a": [history([0.5, 0.3]), history([0.4, 0.2])], "b": [history([0.6])]})
    colours = [line.get_color() for line in figure.axes[0].lines]
    assert colours == [comparison.COLOURS[0]] * 6 + [comparison.COLOURS[1]] * 3


@pytest.mark.parametrize("count", [1, 2, 12, 30])
def test_every_run_has_a_line_of_its_own_in_the_legend(count):
    figure = comparison.curves({f"run-{n}": [history([0.5, 0.4])] for n in range(count)})
    lines = figure.legends[0].get_lines()[:count]
    assert {f"run-{n}" for n in range(count)} <= set(texts(figure))
    assert len({(line.get_color(), line.get_linestyle(), str(line._dash_pattern)) for line in lines}) == count
    frame = figure.legends[0].get_window_extent()
    assert frame.y0 >= 0
    assert frame.y1 <= min(axes.get_tightbbox().y0 for axes in figure.axes) + 1
    assert frame.x0 >= 0
    assert frame.x1 <= figure.bbox.x1


def test_colours_differ_in_lightness_or_hue_for_the_colour_blind_and_no_pair_is_red_and_green():
    rgb = np.array([matplotlib.colors.to_rgb(colour) for colour in comparison.COLOURS])
    # Deuteranopia after Viénot, Brettel and Mollon, 1999, on linear RGB.
    linear = rgb**2.2
    mixed = linear @ np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]).T
    seen = np.clip(mixed, 0, 1) ** (1 / 2.2)
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    assert distances[~np.eye(len(seen), dtype=bool)].min() > 0.2


def test_the_change_of_confusion_is_symmetric_around_zero_with_signed_numbers():
    difference = np.array([[3, -2], [0, -1.5]])
    figure = comparison.confusion_change(difference, ["cat", "dog"], "new", "old")
    image = figure.axes[0].images[0]
    assert image.get_clim() == (-3, 3)
    np.testing.assert_array_equal(image.get_array(), difference)
    words = texts(figure)
    assert {"+3", "−2", "0", "−1.5"} <= set(words)
    assert "framed diagonal: right predictions, +1.5 in all" in words
    assert any("new" in text and "old" in text for text in words)


def test_no_change_at_all_draws_without_warnings():
    comparison.confusion_change(np.zeros((2, 2)), ["a", "b"], "new", "old").draw_without_rendering()
    zero = {"precision": np.zeros(2)}
    comparison.class_changes(zero, ["a", "b"], "new", "old").draw_without_rendering()
    comparison.kernels({"a": np.zeros((3, 3, 1, 2))}, colours=False, max_rows=4).draw_without_rendering()


def test_class_changes_share_one_range_and_carry_their_numbers():
    changes = {"precision": np.array([0.1, -0.02]), "recall": np.array([0.0, 0.0004])}
    figure = comparison.class_changes(changes, ["cat", "dog"], "new", "old")
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert {"+0.100", "−0.020", "0.000", "cat", "dog", "change of recall"} <= set(texts(figure))
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == pytest.approx([0.1, -0.02])
    above, below = (bar.get_facecolor() for bar in figure.axes[0].patches)
    assert above != below


@pytest.mark.parametrize("channels", [1, 5])
def test_kernels_of_unlike_shapes_share_one_scale_up_to_the_largest_weight(channels):
    panels = {"a": kernel(3, 3, channels, 20), "b": kernel(5, 5, channels, 4)}
    panels["b"][0, 0, 0, 0] = -0.7
    figure = comparison.kernels(panels, colours=False, max_rows=16)
    assert {image.get_clim() for axes in figure.axes[:2] for image in axes.images} == {(-0.7, 0.7)}
    assert any("shapes differ" in text for text in texts(figure))


@pytest.mark.parametrize(("channels", "colours"), [(1, False), (3, True)])
def test_tiles_are_of_one_size_and_numbered_in_each_panel(channels, colours):
    panels = {"a": kernel(3, 3, channels, 20), "b": kernel(3, 3, channels, 4)}
    figure = comparison.kernels(panels, colours=colours, max_rows=16)
    words = texts(figure)
    assert all(words.count(str(number)) >= (2 if number < 4 else 1) for number in range(20))
    # A tile is one unit wide.
    first, second = (np.ptp(axes.transData.transform([(0, 0), (1, 0)])[:, 0]) for axes in figure.axes[:2])
    assert first == pytest.approx(second, rel=0.02)


def test_equal_shapes_are_not_said_to_differ():
    panels = {"a": kernel(3, 3, 1, 4), "b": kernel(3, 3, 1, 4)}
    figure = comparison.kernels(panels, colours=False, max_rows=16)
    assert not any("differ" in text for text in texts(figure))


def test_the_same_comparison_is_the_same_bytes(tmp_path):
    for name in "ab":
        write_figure(tmp_path / f"{name}.png", comparison.curves({"run": [history([0.5, 0.4])]}))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
