"""Pictures of a sweep: the numbers drawn are those of the runs, and nothing covers anything else."""

import dataclasses

import numpy as np
import pytest
from drawn import texts
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from sweeps_by_hand import GRID, SWEEPS, grid, run

from pipeline.analysis.configurations import configurations
from pipeline.pictures import sweep


def bars(axes) -> list[tuple[list[float], list[float], list[float]]]:
    """x, y and half length of the error bars of each series."""
    found = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, (segments,) = container.lines
        halves = [(high[1] - low[1]) / 2 for low, high in segments.get_segments()]
        found.append((list(line.get_xdata()), list(line.get_ydata()), halves))
    return found


def test_points_are_means_at_the_parameters_with_deviations_as_bars_in_order_of_the_front():
    found = configurations(grid())
    axes = sweep.accuracy_parameters(found, "s").axes[0]
    ((x, y, halves),) = bars(axes)
    assert x == [24000, 48000, 96000, 192000]
    # seeds add 0.004, 0.008 and 0.012: mean 0.008, standard deviation 0.004
    np.testing.assert_allclose(y, [0.908, 0.918, 0.928, 0.938])
    np.testing.assert_allclose(halves, 0.004)


@pytest.mark.parametrize(
    ("sizes", "labels"),
    [
        ((150_000,), ["8-16", "16-32", "32-64", "100-200", "64-128"]),
        # Two of one size, whose numbers might cover each other: those on the front alone.
        ((150_000, 150_000), ["8-16", "16-32", "32-64", "64-128"]),
    ],
)
def test_the_front_is_drawn_apart_and_points_are_labelled_where_they_lie_apart(sizes, labels):
    worse = [
        run(filters=(100, 200 + i), seed=s, accuracy=0.9, parameters=size)
        for i, size in enumerate(sizes)
        for s in (1, 2, 3)
    ]
    found = configurations([*grid(), *worse])
    axes = sweep.accuracy_parameters(found, "s").axes[0]
    (others, _, _), (front, _, _) = bars(axes)
    assert tuple(others) == sizes
    assert front == [24000, 48000, 96000, 192000]
    places = {text.get_text(): text.xy[0] for text in axes.texts if isinstance(text, Annotation)}
    known = {one.label: one.parameters for one in found}
    assert places == {str(number): known[label] for number, label in enumerate(labels, start=1)}
    words = texts(axes.figure)
    assert all(f"| {number}:  {label} |" in words for number, label in enumerate(labels, start=1))


def test_the_line_of_one_standard_error_and_the_ring_are_where_they_belong():
    axes = sweep.accuracy_parameters(configurations(grid()), "s").axes[0]
    lines = {line.get_label().split(":")[0]: line for line in axes.lines}
    assert lines["best − one standard error"].get_ydata()[0] == pytest.approx(0.938 - 0.004 / 3**0.5)
    assert list(lines["cheapest above that line"].get_xdata()) == [192000]


def test_filters_are_categories_in_order_of_their_number_with_test_beside_validation():
    figure = sweep.accuracy_factor(configurations(grid()), "model.filters", "s")
    validation, test = figure.axes
    words = [text.get_text() for text in validation.get_xticklabels()]
    assert words == ["8-16", "16-32", "32-64", "64-128"]
    np.testing.assert_allclose(bars(validation)[0][1], [0.908, 0.918, 0.928, 0.938])
    np.testing.assert_allclose(bars(test)[0][1], [0.898, 0.908, 0.918, 0.928])
    assert validation.get_ylim() == test.get_ylim()


def test_two_swept_values_are_an_axis_and_a_line_each():
    figure = sweep.accuracy_factor(GRID, "train.learning_rate", "s")
    series = bars(figure.axes[0])
    assert [x for x, *_ in series] == [[0.001, 0.01]] * 2
    np.testing.assert_allclose([y for _, y, _ in series], [[0.913, 0.903], [0.933, 0.923]])
    assert figure.axes[0].get_xscale() == "log"
    assert "| filters |" in texts(figure)


def test_a_search_is_a_point_for_each_trial_and_a_line_through_the_best():
    found = SWEEPS["search"]
    figure = sweep.accuracy_factor(found, "model.filters", "s")
    points, best = figure.axes[0].lines
    assert len(points.get_xdata()) == 30
    expected = [
        max(one.runs[0].metrics["validation.accuracy"] for one in found if one.filters == n) for n in (24, 48)
    ]
    np.testing.assert_allclose(best.get_ydata(), expected)


def test_words_have_no_line_between_them():
    axes = sweep.accuracy_factor(SWEEPS["words"], "model.initializer", "s").axes[0]
    assert axes.containers[0].lines[0].get_linestyle() == "None"


def test_of_many_configurations_the_most_accurate_have_colours_and_the_rest_are_counted():
    words = texts(sweep.curves(SWEEPS["search"], "s"))
    assert "losses of 30 configurations, the 10 most accurate in colour" in words
    assert "| 20 other runs |" in words


@pytest.mark.parametrize("name", SWEEPS)
def test_the_legend_of_the_curves_covers_no_curve(name):
    figure = sweep.curves(SWEEPS[name], "s")
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert not any(axes.get_tightbbox().overlaps(legend) for axes in figure.axes)
    assert legend.y0 >= 0


def test_each_run_has_a_row_of_numbered_kernels_on_one_scale():
    found = configurations(grid(seeds=(1, 2)))
    figure = sweep.kernels(found, "s")
    rows = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert rows[0].get_title(loc="left") == "8-16, seed 1: 8 kernels of 3×3×1, tile number = filter"
    assert [len(axes.texts) for axes in rows] == [8, 8, 16, 16, 32, 32, 64, 64]
    runs = [member for one in found for member in one.runs]
    for axes, member in zip(rows, runs, strict=True):
        drawn = axes.images[0].get_array()
        for index in range(member.kernel.shape[-1]):
            # At most 32 tiles of 3×3 in a row, a cell between.
            top, left = index // 32 * 4, index % 32 * 4
            np.testing.assert_allclose(drawn[top : top + 3, left : left + 3], member.kernel[:, :, 0, index])
    largest = max(np.abs(member.kernel).max() for member in runs)
    assert {image.get_clim() for axes in rows for image in axes.images} == {(-largest, largest)}
    assert "| weight |" in texts(figure)
    assert {text.get_text() for text in rows[2].texts} == {str(n) for n in range(16)}


def test_the_scale_of_kernels_is_the_configured_one_and_weights_beyond_have_a_dot():
    found = configurations(grid(seeds=(1,), visualize__kernel_limit=0.3))
    figure = sweep.kernels(found, "s")
    rows = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert {image.get_clim() for axes in rows for image in axes.images} == {(-0.3, 0.3)}
    kernels = [one.runs[0].kernel for one in found]
    beyond = [int((np.abs(kernel) > 0.3).sum()) for kernel in kernels]
    assert [len(axes.lines[0].get_xdata()) for axes in rows] == beyond
    assert f"weight  (• beyond ±0.3: {sum(beyond)})" in texts(figure)


def test_all_tiles_have_one_size():
    figure = sweep.kernels(configurations(grid(seeds=(1,))), "s")
    figure.draw_without_rendering()
    # A tile is one unit wide and high.
    corners = [axes.transData.transform([(0, 0), (1, 1)]) for axes in figure.axes[:4]]
    assert len({tuple(np.round(np.ptp(corner, axis=0), 3)) for corner in corners}) == 1


def test_rows_and_kernels_beyond_the_room_are_counted(monkeypatch):
    for name, value in (("KERNEL_RUNS", 2), ("KERNEL_COLUMNS", 4), ("KERNEL_LINES", 3)):
        monkeypatch.setattr(sweep, name, value)
    words = texts(sweep.kernels(configurations([run(seed=seed) for seed in range(5)]), "s"))
    assert "the first 2 of 5 runs" in words
    assert "seed 0, the first 4 of 8: 4 kernels of 3×3×1" in words


def test_colour_kernels_are_tiles_in_colour_and_have_no_bar():
    figure = sweep.kernels(SWEEPS["colour"], "s")
    words = texts(figure)
    assert "grey is 0, range ±" in words
    assert "| weight |" not in words
    # The last is transparency: tiles in colour, and nothing between them.
    assert figure.axes[0].images[0].get_array().shape[-1] == 4


def test_runs_without_models_have_no_picture_of_kernels():
    runs = [dataclasses.replace(one, kernel=None) for one in grid()]
    assert sweep.kernels(configurations(runs), "s") is None


def is_whole(figure: Figure) -> bool:
    """Whether nothing reaches beyond the edges of the picture."""
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return min(box.x0, box.y0) >= -0.02 and box.x1 <= width + 0.02 and box.y1 <= height + 0.02


@pytest.mark.parametrize("name", SWEEPS)
def test_nothing_is_cut_off_in_the_pictures_of_any_sweep(name):
    found = SWEEPS[name]
    assert is_whole(sweep.accuracy_parameters(found, name))
    assert is_whole(sweep.curves(found, name))
    for factor in found[0].values:
        assert is_whole(sweep.accuracy_factor(found, factor, name))


@pytest.mark.parametrize("name", ["one job", "two values", "words"])
def test_no_kernel_is_cut_off(name):
    assert is_whole(sweep.kernels(SWEEPS[name], name))
