"""Pictures of what differs between runs: curves, confusion, classes, kernels.

Arrays in, a Matplotlib figure out. Whatever is compared shares one scale.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from pipeline.analysis.weights import colour_limit
from pipeline.base.arrays import Array
from pipeline.pictures.drawing import (
    ACCENT,
    PITCH_X,
    PITCH_Y,
    SIGNED,
    STRONG,
    colour_tiles,
    draw_tiles,
    new_figure,
    shape_text,
)
from pipeline.pictures.evaluation import MAX_ANNOTATED_CLASSES
from pipeline.pictures.kernels import KERNEL_COLUMNS, TILE_INCHES, draw_kernels

History = Mapping[str, Sequence[float]]
# Told apart by the colour-blind too, and by their darkness in print.
COLOURS = (STRONG, ACCENT, "#56b4e9", "#000000", "#8a8a8a", "#e3c800", "#5b2a00", "#c9b458")
LINES = ("-", (0, (5, 1.2)), (0, (1, 1)), (0, (4, 1, 1, 1)))
MAX_WITH_TRAINING = 4
LEGEND_COLUMNS = 3
MAX_INCHES = 30.0
# Of a tile in a matrix of filters (rows) by input channels.
CHANNEL_INCHES, ROW_INCHES = 0.22, 0.26


def curves(histories: Mapping[str, Sequence[History]]) -> Figure:
    """Loss and accuracy over the epochs, one colour per configuration, its seeds in the same.

    Up to four configurations show training too, in pale; the star is the epoch of the lowest
    validation loss, whose weights are kept.

    Args:
        histories: by label, one per seed: columns epoch, loss, accuracy, val_loss, val_accuracy.
    """
    rows = -(-len(histories) // LEGEND_COLUMNS) + 1
    figure = new_figure(11, 4.6 + 0.22 * rows)
    training = len(histories) <= MAX_WITH_TRAINING
    panels = {"loss": "loss (cross-entropy, nats)", "accuracy": "accuracy (share of images)"}
    for axes, (name, label) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for number, members in enumerate(histories.values()):
            for history in members:
                _draw_curve(axes, history, name, _style(number), training)
        title = f"{name.capitalize()} on the validation images"
        axes.set(xlabel="epoch", ylabel=label, title=title + (", pale: training" if training else ""))
        axes.xaxis.get_major_locator().set_params(integer=True)
    handles = [Line2D([], [], label=label, **_style(number)) for number, label in enumerate(histories)]
    star = Line2D([], [], ls="none", marker="*", ms=11, color="0.3", label="epoch whose weights are kept")
    figure.legend(handles=[*handles, star], loc="outside lower center", ncols=LEGEND_COLUMNS, fontsize=9)
    return figure


def _style(number: int) -> dict[str, Any]:
    line = LINES[number // len(COLOURS) % len(LINES)]
    # The baseline is seen below a curve that covers it.
    return {"color": COLOURS[number % len(COLOURS)], "ls": line, "lw": 1.6 if number else 3.2}


def _draw_curve(axes: Axes, history: History, name: str, style: Mapping[str, Any], training: bool) -> None:
    epochs, values = history["epoch"], history[f"val_{name}"]
    if training:
        axes.plot(epochs, history[name], color=style["color"], alpha=0.35, lw=1.1)
    # A run of one epoch is a point.
    marker = "o" if len(epochs) < 2 else ""
    axes.plot(epochs, values, marker=marker, ms=4, **style)
    best = int(np.argmin(history["val_loss"]))
    axes.plot([epochs[best]], [values[best]], marker="*", ms=11, color=style["color"], ls="none")


def confusion_change(difference: Array, classes: Sequence[str], new: str, baseline: str) -> Figure:
    """How many more (red) or fewer (blue) test images fall into each cell of the confusion.

    Args:
        difference: (K, K) images, new minus baseline; row = actual, column = predicted.
        classes: K names.
        new: words for the run.
        baseline: words for the run that it is set against.
    """
    size = max(6.2, 0.62 * min(len(classes), 40) + 2.4)
    figure = new_figure(size + 1.0, size)
    axes = figure.subplots()
    limit = float(np.abs(difference).max()) or 1.0
    image = axes.imshow(difference, cmap=SIGNED, norm=Normalize(-limit, limit))
    right = _signed(np.trace(difference))
    figure.suptitle(f"Test images per cell: {new}\nminus {baseline}", fontsize=11)
    axes.set_title(f"framed diagonal: right predictions, {right} in all", fontsize=10)
    axes.set(xlabel="predicted class", ylabel="actual class")
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), classes)
    for number in range(len(classes)):
        axes.add_patch(Rectangle((number - 0.5, number - 0.5), 1, 1, fill=False, ec="0.2", lw=1.2))
    if len(classes) <= MAX_ANNOTATED_CLASSES:
        for (row, column), value in np.ndenumerate(difference):
            colour = "white" if abs(value) > 0.6 * limit else "0.1" if value else "0.7"
            axes.text(column, row, _signed(value), ha="center", va="center", fontsize=8, color=colour)
    figure.colorbar(image, label="images more (red) or fewer (blue)", shrink=0.8)
    return figure


def _signed(value: float) -> str:
    """A count with its sign; a mean over seeds has one decimal."""
    if value == 0:
        return "0"
    text = f"{value:+.0f}" if float(value).is_integer() else f"{value:+.1f}"
    return text.replace("-", "−")


def class_changes(changes: Mapping[str, Array], classes: Sequence[str], new: str, baseline: str) -> Figure:
    """The change of each class's scores as bars: blue for better, orange for worse.

    Args:
        changes: (K,) new minus baseline, by the score's name.
        classes: K names.
        new: words for the run.
        baseline: words for the run that it is set against.
    """
    figure = new_figure(3.4 * len(changes) + 1.4, 0.34 * len(classes) + 2.0)
    figure.suptitle(f"Change per class on the test images: {new}\nminus {baseline}", fontsize=11)
    limit = max(float(np.abs(values).max()) for values in changes.values()) or 0.01
    panels = figure.subplots(1, len(changes), sharey=True, squeeze=False)[0]
    for axes, (name, values) in zip(panels, changes.items(), strict=True):
        axes.barh(range(len(classes)), values, color=np.where(values < 0, ACCENT, STRONG))
        for row, value in enumerate(values):
            text = f"{value:+.3f}".replace("-", "−") if abs(value) >= 0.0005 else "0.000"
            side, where = ("left", 3) if value >= 0 else ("right", -3)
            axes.annotate(
                text, (value, row), (where, 0), textcoords="offset points", ha=side, va="center", fontsize=8
            )
        axes.axvline(0, color="0.3", lw=0.8)
        axes.set(title=name, xlabel=f"change of {name}", xlim=(-1.45 * limit, 1.45 * limit))
    panels[0].set_yticks(range(len(classes)), classes)
    panels[0].invert_yaxis()
    panels[0].set_ylabel("class")
    return figure


def kernels(panels: Mapping[str, Array], *, colours: bool, max_rows: int) -> Figure:
    """One layer's kernels of several runs, below each other on one scale.

    The scale ends at the largest absolute weight of all, so that nothing is cut off.

    Args:
        panels: kernels (height, width, C, F) by title; shapes may differ.
        colours: the layer sees red, green and blue: draw each kernel as one tile in colours.
        max_rows: filters shown of a kernel with many input channels.
    """
    sizes = [_inches(kernel, colours, max_rows) for kernel in panels.values()]
    heights = [height + 0.6 for _, height in sizes]
    width = min(max(7.0, *(width + 1.4 for width, _ in sizes)), MAX_INCHES)
    figure = new_figure(width, sum(heights) + 0.4)
    shapes = {kernel.shape for kernel in panels.values()}
    if len(shapes) > 1:
        figure.suptitle("The shapes differ: each run is drawn with its own tiles", fontsize=10)
    axes = list(np.atleast_1d(figure.subplots(len(panels), 1, height_ratios=heights)))
    limit = colour_limit(None, *panels.values())
    if colours:
        _draw_colour_kernels(axes, panels, limit)
    else:
        draw_kernels(axes, panels, limit=limit, max_rows=max_rows)
    for axis, kernel in zip(axes, panels.values(), strict=True):
        _equalize_tiles(axis, kernel, list(panels.values()), colours)
    return figure


def _equalize_tiles(axes: Axes, kernel: Array, kernels: Sequence[Array], colours: bool) -> None:
    """Give a tile the same size in every panel, however many each has."""
    height, width, channels, _ = kernel.shape
    if channels > 1 and not colours:
        axes.set_aspect(ROW_INCHES / CHANNEL_INCHES * (width + 1) / (height + 1))
        return
    columns = max(min(other.shape[-1], KERNEL_COLUMNS) for other in kernels if other.shape[2] == channels)
    axes.set_xlim(-0.06, columns * PITCH_X - 0.06)


def _inches(kernel: Array, colours: bool, max_rows: int) -> tuple[float, float]:
    """Width and height that a kernel's tiles take."""
    channels, filters = kernel.shape[-2:]
    if channels > 1 and not colours:
        return CHANNEL_INCHES * channels, ROW_INCHES * min(filters, max_rows)
    columns = min(filters, KERNEL_COLUMNS)
    return columns * TILE_INCHES * PITCH_X, max(1.0, -(-filters // columns) * TILE_INCHES * PITCH_Y)


def _draw_colour_kernels(axes: Sequence[Axes], panels: Mapping[str, Array], limit: float) -> None:
    for axis, (title, kernel) in zip(axes, panels.items(), strict=True):
        filters = kernel.shape[-1]
        labels = [str(index) for index in range(filters)]
        columns = min(filters, KERNEL_COLUMNS)
        draw_tiles(axis, colour_tiles(kernel, limit), labels, columns, Normalize(0, 1), SIGNED)
        axis.set_title(
            f"{title}: {filters} kernels of {shape_text(kernel.shape[:3])}, tile number = filter\n"
            f"red, green and blue of a tile are weights: grey is 0, range ±{limit:.3g}",
            fontsize=9,
        )
