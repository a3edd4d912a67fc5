"""Curves over the epochs: the numbers of the history, the epoch whose weights are kept, names of all runs."""

import matplotlib.colors
import numpy as np
import pytest
from drawn import texts

from pipeline.pictures.curves import COLOURS, learning_curves
from pipeline.pictures.drawing import write_figure


def history(losses, kept=None):
    epochs = list(range(1, len(losses) + 1))
    low = [loss - 0.1 for loss in losses]
    shares = [1 - loss for loss in losses]
    columns = {"epoch": epochs, "loss": low, "accuracy": shares, "val_loss": losses, "val_accuracy": shares}
    return {**columns, "kept": [1 + losses.index(min(losses)) if kept is None else kept]}


def test_each_curve_is_the_history_and_its_star_the_epoch_that_was_kept():
    figure = learning_curves({"a": [history([0.5, 0.3, 0.4])], "b": [history([0.6, 0.5])]})
    drawn = [tuple(line.get_ydata()) for line in figure.axes[0].lines]
    # Training, validation and star of each run.
    expected = [(0.4, 0.2, 0.3), (0.5, 0.3, 0.4), (0.3,), (0.5, 0.4), (0.6, 0.5), (0.5,)]
    assert [pytest.approx(line) for line in expected] == drawn
    assert figure.axes[0].lines[2].get_xdata() == [2]


@pytest.mark.parametrize(("kept", "stars"), [(3, [[3]]), (9, [])])
def test_the_star_is_never_guessed_from_the_losses(kept, stars):
    figure = learning_curves({"a": [history([0.5, 0.3, 0.4], kept)]})
    found = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    assert [list(line.get_xdata()) for line in found] == stars


def test_seeds_share_the_colour_of_their_configuration():
    figure = learning_curves({"a": [history([0.5, 0.3]), history([0.4, 0.2])], "b": [history([0.6])]})
    colours = [line.get_color() for line in figure.axes[0].lines]
    assert colours == [COLOURS[0]] * 7 + [COLOURS[1]] * 3


@pytest.mark.parametrize("count", [1, 2, 12, 30])
def test_every_run_has_a_line_of_its_own_in_the_legend(count):
    figure = learning_curves({f"run-{n}": [history([0.5, 0.4])] for n in range(count)})
    lines = figure.legends[0].get_lines()[:count]
    assert {f"run-{n}" for n in range(count)} <= set(texts(figure).split(" | "))
    assert len({(line.get_color(), line.get_linestyle(), str(line._dash_pattern)) for line in lines}) == count
    frame = figure.legends[0].get_window_extent()
    assert frame.y0 >= 0
    assert frame.y1 <= min(axes.get_tightbbox().y0 for axes in figure.axes) + 1
    assert frame.x0 >= 0
    assert frame.x1 <= figure.bbox.x1


def test_colours_differ_in_lightness_or_hue_for_the_colour_blind_and_no_pair_is_red_and_green():
    rgb = np.array([matplotlib.colors.to_rgb(colour) for colour in COLOURS])
    # Deuteranopia after Viénot, Brettel and Mollon, 1999, on linear RGB.
    linear = rgb**2.2
    mixed = linear @ np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]).T
    seen = np.clip(mixed, 0, 1) ** (1 / 2.2)
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    assert distances[~np.eye(len(seen), dtype=bool)].min() > 0.2


def test_the_only_run_has_training_beside_validation_and_the_value_at_the_kept_epoch():
    figure = learning_curves({"validation": [history([0.5, 0.3125, 0.4])]})
    words = texts(figure)
    assert "| 0.3125 |" in words
    assert "| 0.6875 |" in words
    assert "| training |" in words


def test_the_mean_curve_ends_where_the_shortest_run_does():
    runs = [history([0.5, 0.3]), history([0.4, 0.2, 0.3])]
    mean = learning_curves({"a": runs}).axes[0].lines[-1]
    np.testing.assert_allclose(mean.get_ydata(), [0.45, 0.25])


def test_losses_that_differ_tenfold_are_on_a_logarithmic_axis_with_plain_numbers():
    steep = history([1.0, 0.3]) | {"loss": [2.0, 0.1]}
    axes = learning_curves({"a": [steep]}, ("loss", "val_loss")).axes[0]
    assert axes.get_yscale() == "log"
    assert "logarithmic" in axes.get_ylabel()
    axes.figure.draw_without_rendering()
    low, high = axes.get_ylim()
    shown = {tick.get_loc(): tick.label1.get_text() for tick in axes.yaxis.get_major_ticks()}
    labels = [text for place, text in shown.items() if low <= place <= high]
    assert labels == ["0.1", "0.2", "0.5", "1", "2"]


def test_losses_that_explode_have_numbers_beside_them():
    axes = learning_curves({"a": [history([0.5, 1e12])]}, ("loss", "val_loss")).axes[0]
    axes.figure.draw_without_rendering()
    low, high = axes.get_ylim()
    assert sum(low <= tick.get_loc() <= high for tick in axes.yaxis.get_major_ticks()) >= 4


def test_the_same_curves_are_the_same_bytes(tmp_path):
    for name in "ab":
        write_figure(tmp_path / f"{name}.png", learning_curves({"run": [history([0.5, 0.4])]}))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
