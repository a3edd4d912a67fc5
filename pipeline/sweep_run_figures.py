"""Pictures of the runs of a sweep: losses over the epochs, and the first convolution's kernels."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pipeline.figures import PITCH_X, PITCH_Y, SIGNED, draw_tiles, new_figure, shape_text
from pipeline.files import Array
from pipeline.sweep_figures import colours, shortened, swept_text
from pipeline.sweep_runs import ACCURACY, Configuration, Run
from pipeline.weights import colour_limit, colour_tiles

MAX_CURVES = 12
KERNEL_INCHES, KERNEL_COLUMNS, KERNEL_LINES, KERNEL_RUNS = 0.4, 32, 30, 40

# Losses


def curves(found: Sequence[Configuration], name: str) -> Figure:
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
        panels[0].set_ylabel("loss (cross-entropy, nats, logarithmic)")
    part = "" if len(shown) == len(found) else f", the {len(shown)} most accurate in colour"
    seeds = (
        "each seed a faint line, their mean a strong one"
        if any(len(c.runs) > 1 for c in found)
        else "one seed each"
    )
    note = f"{seeds}; the dot is the epoch whose weights are kept"
    figure.suptitle(f"Sweep {name}: losses of {len(found)} configurations{part}\n{note}", fontsize=11)
    handles, texts = panels[1].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside right upper", fontsize=8.5, title=swept_text(found))
    return figure


def _draw_curve(axes: Axes, one: Configuration, column: str, colour: str) -> None:
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


# Kernels


def kernels(found: Sequence[Configuration], name: str) -> Figure | None:
    """The first convolution's kernels of every run on one colour scale, a row for each run.

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
    limit = colour_limit(None, *[kernel for *_, kernel in rows])
    lines = [-(-min(kernel.shape[-1], room) // columns) for *_, kernel in rows]
    heights = [KERNEL_INCHES * PITCH_Y * count + 0.24 for count in lines]
    figure = new_figure(max(7.5, columns * KERNEL_INCHES * PITCH_X + 1.4), sum(heights) + 0.9)
    panels = figure.subplots(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (one, run, kernel) in zip(panels, rows, strict=True):
        _draw_run(axes, one, run, kernel[..., :room], (columns, limit))
        axes.set_title(_row_text(one, run, kernel, room), fontsize=8.5, loc="left")
    part = "" if total == len(rows) else f", the first {len(rows)} of {total} runs"
    title = f"Sweep {name}: kernels of the first convolution{part}\ntile number = filter, one colour scale"
    if any(kernel.shape[2] == 3 for *_, kernel in rows):
        title += f"\nred, green and blue of a tile are weights: grey is 0, range ±{limit:.3g}"
    figure.suptitle(title, fontsize=11)
    _one_colour_bar(
        figure, [a for a, (*_, k) in zip(panels, rows, strict=True) if k.shape[2] == 1], sum(heights)
    )
    return figure


def _draw_run(axes: Axes, one: Configuration, run: Run, kernel: Array, scale: tuple[int, float]) -> None:
    columns, limit = scale
    grey = kernel.shape[2] == 1
    tiles = np.moveaxis(kernel[:, :, 0], -1, 0) if grey else colour_tiles(kernel, limit)
    labels = [str(number) for number in range(len(tiles))]
    draw_tiles(axes, tiles, labels, columns, Normalize(-limit, limit), SIGNED)
    axes.set_anchor("NW")


def _row_text(one: Configuration, run: Run, kernel: Array, room: int) -> str:
    filters = kernel.shape[-1]
    part = f", the first {room}" if filters > room else ""
    return f"{shortened(one.label)}, seed {run.seed}: {filters} of {shape_text(kernel.shape[:3])}{part}"


def _one_colour_bar(figure: Figure, panels: Sequence[Axes], height: float) -> None:
    """One bar for all rows of tiles, near the first; tiles in colour have none."""
    if panels:
        figure.colorbar(
            panels[0].images[0],
            ax=list(panels),
            label="weight",
            shrink=min(1.0, 2.6 / height),
            anchor=(0, 1),
            panchor=False,
            pad=0.02,
            aspect=14,
        )
