"""Pictures of the runs of a sweep: losses over the epochs, and the first convolution's kernels."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pipeline.analysis.configurations import ACCURACY
from pipeline.analysis.groups import Group, Run
from pipeline.analysis.weights import colour_limit
from pipeline.base.arrays import Array
from pipeline.pictures.drawing import (
    DOTS_PER_INCH,
    PITCH_X,
    PITCH_Y,
    SIGNED,
    colour_tiles,
    draw_tiles,
    new_figure,
    plain_ticks,
    shape_text,
)
from pipeline.pictures.kernels import colour_bar_label, mark_beyond
from pipeline.pictures.sweep import colours, shortened, swept_text

MAX_CURVES = 10
KERNEL_COLUMNS, KERNEL_LINES, KERNEL_RUNS = 32, 30, 40


def curves(found: Sequence[Group], name: str) -> Figure:
    """Training and validation loss over the epochs, one colour for each configuration.

    Faint lines are seeds, the strong one is their mean over the epochs that all of them reached; a
    dot marks the epoch whose weights a run kept. Of many configurations the best have colours.

    Args:
        found: configurations of the sweep.
        name: of the sweep.
    """
    ranked = sorted(found, key=lambda one: -one.estimate(ACCURACY).mean)[:MAX_CURVES]
    shown = [one for one in found if one in ranked]
    figure = new_figure(12.5, 5.4)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, column in zip(panels, ("loss", "val_loss"), strict=True):
        rest = [run for one in found if one not in ranked for run in one.runs]
        for row, run in enumerate(rest):
            label = f"{len(found) - len(shown)} other configurations" if row == 0 else None
            axes.plot(run.history["epoch"], run.history[column], color="0.82", lw=0.9, label=label, zorder=0)
        for one, colour in zip(shown, colours(len(shown)), strict=True):
            _draw_curve(axes, one, column, colour)
        axes.set(xlabel="epoch", title={"loss": "training", "val_loss": "validation"}[column])
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("loss (cross-entropy, nats)")
    losses = [v for one in found for run in one.runs for c in ("loss", "val_loss") for v in run.history[c]]
    if 0 < 10 * min(losses) < max(losses):
        panels[0].set_yscale("log")
        plain_ticks(panels[0].yaxis, losses, digits=3)
        panels[0].set_ylabel("loss (cross-entropy, nats, logarithmic)")
    part = "" if len(shown) == len(found) else f", the {len(shown)} most accurate in colour"
    several = any(len(one.runs) > 1 for one in found)
    seeds = "each seed a faint line, their mean a strong one" if several else "one seed each"
    count = f"{len(found)} configuration{'s' if len(found) > 1 else ''}"
    note = f"{seeds}; the dot is the epoch whose weights are kept"
    figure.suptitle(f"Sweep {name}: losses of {count}{part}\n{note}", fontsize=11)
    handles, texts = panels[1].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside right upper", fontsize=8.5, title=swept_text(found))
    return figure


def _draw_curve(axes: Axes, one: Group, column: str, colour: str) -> None:
    several = len(one.runs) > 1
    for run in one.runs:
        epochs, losses = run.history["epoch"], run.history[column]
        faint = {"lw": 0.8, "alpha": 0.35} if several else {"lw": 1.6, "label": shortened(one.label)}
        axes.plot(epochs, losses, color=colour, **faint)
        best = list(epochs).index(run.metrics["best_epoch"])
        axes.plot([epochs[best]], [losses[best]], marker="o", ms=4, color=colour, alpha=0.7)
    if several:
        length = min(len(run.history["epoch"]) for run in one.runs)
        mean = np.mean([run.history[column][:length] for run in one.runs], axis=0)
        axes.plot(one.runs[0].history["epoch"][:length], mean, color=colour, lw=2, label=shortened(one.label))


def kernels(found: Sequence[Group], name: str) -> Figure | None:
    """The first convolution's kernels of every run on one colour scale, a row for each run.

    The scale is the first run's `visualize.kernel_limit`; weights beyond it have a dot.

    Args:
        found: configurations of the sweep.
        name: of the sweep.

    Returns:
        None when no run has its kernels.
    """
    rows = [(one, run, run.kernel) for one in found for run in one.runs if run.kernel is not None]
    total, rows = len(rows), rows[:KERNEL_RUNS]
    if not rows:
        return None
    columns = min(KERNEL_COLUMNS, max(kernel.shape[-1] for *_, kernel in rows))
    room = columns * max(1, KERNEL_LINES // len(rows))
    limit = colour_limit(rows[0][1].params.get("visualize.kernel_limit"), *[kernel for *_, kernel in rows])
    part = "" if total == len(rows) else f", the first {len(rows)} of {total} runs"
    title = f"Sweep {name}: kernels of the first convolution{part}\ntile number = filter, one colour scale"
    if any(kernel.shape[2] == 3 for *_, kernel in rows):
        title += f"\nred, green and blue of a tile are weights: grey is 0, range ±{limit:.3g}"
    panels = _kernel_panels(title, columns, [-(-min(k.shape[-1], room) // columns) for *_, k in rows])
    beyond = 0
    for axes, (one, run, kernel) in zip(panels, rows, strict=True):
        beyond += _draw_run(axes, kernel[..., :room], columns, limit)
        axes.set_title(_row_text(one, run, kernel, room), fontsize=8.5, loc="left", pad=3)
    grey = [axes for axes, (*_, kernel) in zip(panels, rows, strict=True) if kernel.shape[2] == 1]
    if grey:
        _colour_bar(grey[0], limit, beyond)
    return cast("Figure", panels[0].figure)


def _kernel_panels(title: str, columns: int, lines: Sequence[int]) -> list[Axes]:
    """Axes below each other, in which all tiles have one size; placed by hand, as no layout does that.

    Args:
        title: of the figure.
        columns: tiles in a line.
        lines: of tiles in each of the axes.
    """
    tile = 0.6 if columns <= KERNEL_COLUMNS // 2 else 0.4
    # As `draw_tiles` sets the limits of its axes.
    inches = [tile * (count * PITCH_Y + 0.04) for count in lines]
    above, between, margin = 0.25 * (title.count("\n") + 1), 0.24, 0.15
    width = max(7.5, tile * columns * PITCH_X + 1.3)
    height = above + sum(inches) + between * len(lines) + margin
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    figure.text(0.5, 1 - 0.1 / height, title, ha="center", va="top", fontsize=11)
    panels, top = [], height - above
    for count in inches:
        top -= between + count
        box = (margin / width, top / height, tile * columns * PITCH_X / width, count / height)
        panels.append(figure.add_axes(box))
    return panels


def _draw_run(axes: Axes, kernel: Array, columns: int, limit: float) -> int:
    """Draw the kernels of one run; how many weights lie beyond the limit (not told of colours)."""
    grey = kernel.shape[2] == 1
    tiles = np.moveaxis(kernel[:, :, 0], -1, 0) if grey else colour_tiles(kernel, limit)
    labels = [str(number) for number in range(len(tiles))]
    corners = draw_tiles(axes, tiles, labels, columns, Normalize(-limit, limit), SIGNED)
    return mark_beyond(axes, tiles, corners, limit) if grey else 0


def _row_text(one: Group, run: Run, kernel: Array, room: int) -> str:
    filters = kernel.shape[-1]
    part = f", the first {room}" if filters > room else ""
    return f"{shortened(one.label)}, seed {run.seed}: {filters} of {shape_text(kernel.shape[:3])}{part}"


def _colour_bar(axes: Axes, limit: float, beyond: int) -> None:
    """One bar for all rows of tiles, right of the first ones; tiles in colour have none."""
    figure = cast("Figure", axes.figure)
    width, height = figure.get_size_inches()
    top = axes.get_position().y1
    long = min(2.2 / height, top - 0.1 / height)
    bar = figure.add_axes((1 - 0.95 / width, top - long, 0.15 / width, long))
    label, extend = colour_bar_label(limit, beyond), "both" if beyond else "neither"
    figure.colorbar(axes.images[0], cax=bar, label=label, extend=extend)
