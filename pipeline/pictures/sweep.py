"""Pictures of a sweep: accuracy against size and against what was swept, losses, first kernels.

A configuration is drawn as its mean over seeds with the standard deviation as error bar; each seed
is a faint point or line. Every picture is given the configurations `found` and the sweep's `name`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from pipeline.analysis.configurations import (
    ACCURACY,
    best_of,
    front_of,
    kind_of,
    levels_of,
    smallest_as_good,
    words,
)
from pipeline.analysis.groups import Group
from pipeline.analysis.weights import colour_limit
from pipeline.pictures import kernels as kernel_pictures
from pipeline.pictures.curves import learning_curves
from pipeline.pictures.drawing import ACCENT, SOFT, STRONG, new_figure, plain_ticks, shortened

MARKERS = "osD^vPX*"
MAX_SERIES, MAX_CURVES = 6, 10
# Of labels along an axis: more are slanted. Closer than this share of the axis one is left out.
MAX_LETTERS, LABEL_SHARE = 24, 0.05
KERNEL_COLUMNS, KERNEL_LINES, KERNEL_RUNS, TILE_INCHES = 32, 30, 40, 0.4


def colours(count: int) -> list[str]:
    """Colours from dark to light that tell order, also without seeing red or green."""
    return [to_hex(colour) for colour in colormaps["viridis"](np.linspace(0, 0.87, count))]


def seeds_text(found: Sequence[Group]) -> str:
    """How many seeds, or means of splits, stand behind each mean."""
    counts = sorted({one.estimate(ACCURACY).count for one in found})
    if counts == [1]:
        return "one seed each (n = 1), so no spread is known"
    over = "seeds" if _unit(found) == "seed" else "splits"
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"mean ± standard deviation over n = {number} {over}, each {_unit(found)} a faint point"


def _unit(found: Sequence[Group]) -> str:
    """What a faint point or line is: of several splits each run, whatever its seed."""
    return "seed" if all(len(one.splits) == 1 for one in found) else "run"


def swept_text(found: Sequence[Group]) -> str:
    """What the labels name, e.g. "filters, learning_rate"."""
    return ", ".join(short(name) for name in found[0].values)


def short(name: str) -> str:
    """The last part of a dotted name."""
    return name.rsplit(".", 1)[-1]


def accuracy_parameters(found: Sequence[Group], name: str) -> Figure:
    """Validation accuracy against the number of parameters, with the Pareto front."""
    figure = new_figure(12, 5.4)
    axes = figure.subplots()
    front = front_of(found)
    _draw_seeds(axes, found)
    others = [one for one in found if one not in front]
    _draw_means(axes, others, color=STRONG, marker="o", label="configuration")
    on_front = "on the Pareto front: none is both smaller and better"
    _draw_means(axes, front, color=ACCENT, marker="D", label=on_front)
    axes.step(*_places(front), color=ACCENT, lw=1.2, where="post", zorder=1)
    _draw_enough(axes, found, {one.label: one.parameters for one in found})
    axes.set(xlabel="parameters (weights and biases, logarithmic)")
    axes.set_ylabel("validation accuracy (share of images)")
    axes.set_title(f"Sweep {name}: accuracy against size\n{seeds_text(found)}", fontsize=11)
    _logarithmic(axes, [one.parameters for one in found])
    axes.grid(alpha=0.25)
    axes.margins(y=0.1)
    named = _named(found, front)
    # Numbers, as labels of points that lie close together would cover each other.
    for number, place in enumerate(zip(*_places(named), strict=True), start=1):
        axes.annotate(str(number), place, (-9, 5), textcoords="offset points", ha="right", weight="bold")
        axes.plot([], [], ls="none", label=f"{number}:  {shortened(named[number - 1].label)}")
    title = f"labels: {swept_text(found)}"
    figure.legend(loc="outside right upper", fontsize=8.5, title=title, title_fontsize=8.5)
    return figure


def _places(found: Sequence[Group]) -> tuple[list[int], list[float]]:
    return [one.parameters for one in found], [one.estimate(ACCURACY).mean for one in found]


def _named(found: Sequence[Group], front: Sequence[Group]) -> Sequence[Group]:
    """Which get a number, smallest first: all where they are few and no two as large, else the front."""
    sizes = {one.parameters for one in found}
    apart = len(sizes) == len(found) <= MAX_CURVES
    return sorted(found, key=lambda one: one.parameters) if apart else front


def _draw_seeds(axes: Axes, found: Sequence[Group]) -> None:
    several = [one for one in found if len(one.runs) > 1]
    points = [(one.parameters, run.metrics[ACCURACY]) for one in several for run in one.runs]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, "o", ms=4, color=SOFT, mec=STRONG, mew=0.5, label=f"one {_unit(found)}", zorder=4)


def _draw_means(axes: Axes, found: Sequence[Group], **look: Any) -> None:
    if found:
        places = [one.parameters for one in found]
        _draw_estimates(axes, places, found, ACCURACY, ls="none", elinewidth=1.2, zorder=3, **look)


def _draw_estimates(axes: Axes, x: Sequence[float], found: Sequence[Group], metric: str, **look: Any) -> None:
    estimates = [one.estimate(metric) for one in found]
    deviations = [one.deviation or 0 for one in estimates]
    axes.errorbar(x, [one.mean for one in estimates], deviations, ms=6, capsize=3, **look)


def _draw_enough(axes: Axes, found: Sequence[Group], places: Mapping[str, float]) -> None:
    """The line of one standard error below the best, and a ring around the cheapest above it.

    `places` are the configurations' x by their labels.
    """
    chosen = smallest_as_good(found)
    top = best_of(found).estimate(ACCURACY)
    if top.standard_error is None or chosen is None:
        return
    line = top.mean - top.standard_error
    axes.axhline(line, color="0.45", ls="--", lw=1, label=f"best − one standard error: {line:.4f}")
    x, y = places[chosen.label], chosen.estimate(ACCURACY).mean
    text = f"cheapest above that line: {shortened(chosen.label)}"
    axes.plot([x], [y], "o", ms=16, mfc="none", mec="black", mew=1.3, label=text, zorder=4)


def _logarithmic(axes: Axes, values: Sequence[float]) -> None:
    axes.set_xscale("log")
    plain_ticks(axes.xaxis, values)
    if min(values) == max(values):
        axes.set_xlim(min(values) / 2, max(values) * 2)
        axes.set_xticks([min(values)])


def accuracy_factor(found: Sequence[Group], factor: str, name: str) -> Figure:
    """Validation and test accuracy against one of the swept values, side by side on one scale.

    A line for each combination of the other swept values where they are few; else a point for each
    configuration and a line through the best ones. `factor` is e.g. "model.filters".
    """
    levels = levels_of(found, factor)
    kind = kind_of(levels)
    figure = new_figure(10 if kind == "number" else min(16, max(10, 0.8 * len(levels) + 5)), 5.2)
    panels = figure.subplots(1, 2, sharey=True)
    ticks = {str(level): level if kind == "number" else row for row, level in enumerate(levels)}
    places = {one.label: ticks[str(one.values[factor])] for one in found}
    series = _series(found, factor)
    for axes, metric in zip(panels, (ACCURACY, "test.accuracy"), strict=True):
        if len(series) <= MAX_SERIES:
            _draw_series(axes, series, places, kind, metric)
        else:
            _draw_scatter(axes, found, places, metric)
        _swept_axis(axes, factor, list(ticks.values()), [shortened(words(level)) for level in levels], kind)
        axes.grid(alpha=0.25)
    if len(series) == 1:
        _draw_enough(panels[0], found, places)
    panels[0].set(ylabel="accuracy (share of images)", title="validation")
    panels[1].set(title="test (not for choosing)")
    figure.suptitle(f"Sweep {name}: accuracy against {short(factor)}\n{seeds_text(found)}", fontsize=11)
    handles, texts = panels[0].get_legend_handles_labels()
    if texts:
        legend = figure.legend(handles, texts, loc="outside lower center", ncols=min(4, len(texts)))
        if 1 < len(series) <= MAX_SERIES:
            legend.set_title(", ".join(short(one) for one in found[0].values if one != factor))
    return figure


def _series(found: Sequence[Group], factor: str) -> dict[str, list[Group]]:
    """Configurations by their other swept values, in words."""
    series: dict[str, list[Group]] = {}
    for one in found:
        others = ", ".join(words(value) for name, value in one.values.items() if name != factor)
        series.setdefault(others, []).append(one)
    return series


def _draw_series(
    axes: Axes, series: Mapping[str, list[Group]], places: Mapping[str, float], kind: str, metric: str
) -> None:
    """A line for each series, without the line where the values are words, which have no order.

    Where the values are not numbers the series stand beside each other.
    """
    step = 0.0 if kind == "number" else min(0.12, 0.5 / len(series))
    line = "none" if kind == "word" else "-"
    looks = zip(series.items(), colours(len(series)) if len(series) > 1 else [STRONG], MARKERS, strict=False)
    for number, ((label, members), colour, marker) in enumerate(looks):
        shift = step * (number - (len(series) - 1) / 2)
        members = sorted(members, key=lambda one: places[one.label])
        x = [places[one.label] + shift for one in members]
        look = {"color": colour, "marker": marker, "ls": line, "lw": 1.1, "label": shortened(label)}
        _draw_estimates(axes, x, members, metric, **look)
        for at, one in zip(x, members, strict=True):
            if len(one.runs) > 1:
                points = [run.metrics[metric] for run in one.runs]
                axes.plot([at] * len(points), points, "o", ms=4, color=colour, alpha=0.3)


def _draw_scatter(axes: Axes, found: Sequence[Group], places: Mapping[str, float], metric: str) -> None:
    """Each configuration a point; a line through the best (by validation) at each place."""
    x = [places[one.label] for one in found]
    means = [one.estimate(metric).mean for one in found]
    axes.plot(x, means, "o", ms=6, color=STRONG, alpha=0.6, label="one configuration")
    groups = {at: [one for one in found if places[one.label] == at] for at in sorted(set(x))}
    if len(groups) < len(found):
        best = [best_of(members).estimate(metric).mean for members in groups.values()]
        label = "best on validation at this value"
        axes.plot(list(groups), best, color=ACCENT, marker="D", ms=5, label=label, zorder=1)


def _swept_axis(axes: Axes, factor: str, places: Sequence[float], texts: Sequence[str], kind: str) -> None:
    axes.set_xlabel(factor)
    if kind != "number":
        axes.set_xlim(-0.6, len(places) - 0.4)
    elif min(places) > 0 and max(places) / min(places) >= 8:
        axes.set_xscale("log")
        axes.set_xlabel(f"{factor} (logarithmic)")
        axes.xaxis.set_minor_locator(NullLocator())
    shown = _apart(np.log(places).tolist() if axes.get_xscale() == "log" else places)
    axes.set_xticks([places[n] for n in shown], [texts[n] for n in shown])
    if sum(len(texts[n]) for n in shown) > MAX_LETTERS:
        axes.tick_params(axis="x", rotation=35)
        for text in axes.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")


def _apart(places: Sequence[float]) -> list[int]:
    """Numbers of those places, in rising order, whose labels do not cover those before them."""
    shown: list[int] = []
    for number, place in enumerate(places):
        if not shown or place - places[shown[-1]] >= LABEL_SHARE * (places[-1] - places[0]):
            shown.append(number)
    return shown


def curves(found: Sequence[Group], name: str) -> Figure:
    """Training and validation loss over the epochs; of many configurations the best have colours."""
    ranked = sorted(found, key=lambda one: -one.estimate(ACCURACY).mean)[:MAX_CURVES]
    shown = {one.label: [run.history for run in one.runs] for one in found if one in ranked}
    rest = [run.history for one in found if one not in ranked for run in one.runs]
    part = f", the {len(shown)} most accurate in colour" if rest else ""
    several = any(len(one.runs) > 1 for one in found)
    seeds = f"each {_unit(found)} a faint line, their mean a strong one" if several else "one seed each"
    count = f"{len(found)} configuration{'s' if len(found) > 1 else ''}"
    title = f"Sweep {name}: losses of {count}{part}\nlabels: {swept_text(found)}; {seeds}"
    return learning_curves(shown, ("loss", "val_loss"), title=title, others=rest)


def kernels(found: Sequence[Group], name: str) -> Figure | None:
    """The first convolution's kernels of every run on one colour scale, a row for each run.

    The scale is the first run's `visualize.kernel_limit`; weights beyond it have a dot. None when no run
    has its kernels.
    """
    rows = [
        (f"{shortened(one.label)}, seed {one.draw(run)}", run, run.kernel)
        for one in found
        for run in one.runs
        if run.kernel is not None
    ]
    total, rows = len(rows), rows[:KERNEL_RUNS]
    if not rows:
        return None
    columns = min(KERNEL_COLUMNS, max(kernel.shape[-1] for *_, kernel in rows))
    room = columns * max(1, KERNEL_LINES // len(rows))
    panels = {}
    for label, _, kernel in rows:
        filters = kernel.shape[-1]
        panels[label + (f", the first {room} of {filters}" if filters > room else "")] = kernel[..., :room]
    part = "" if total == len(rows) else f", the first {len(rows)} of {total} runs"
    return kernel_pictures.kernels(
        panels,
        limit=colour_limit(rows[0][1].params.get("visualize.kernel_limit"), *[k for *_, k in rows]),
        max_rows=room,
        in_colour=all(kernel.shape[2] == 3 for *_, kernel in rows),
        title=f"Sweep {name}: kernels of the first convolution{part}",
        columns=columns,
        tile=TILE_INCHES,
    )
