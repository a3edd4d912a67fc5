"""Pictures of one image's way through the network: one per layer, and the whole way as a strip."""

import math
from collections.abc import Sequence
from itertools import count, groupby
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.walk import Step
from pipeline.analysis.weights import colour_limit
from pipeline.base.arrays import Array
from pipeline.pictures.drawing import (
    ACCENT,
    PITCH_X,
    PITCH_Y,
    STRONG,
    Scale,
    activation_bar,
    activation_scale,
    draw_image,
    draw_probabilities,
    draw_tiles,
    mosaic,
    new_figure,
    plain_ticks,
    shape_text,
)
from pipeline.pictures.kernels import draw_kernels

TILE_COLUMNS = (1, 2, 4, 8, 16)
STRIP_COLUMNS = 6
MAX_SEPARATE_BARS = 256
# Words under the name of a layer that has no weights.
KINDS = {
    "MaxPooling2D": "the largest value of each window",
    "AveragePooling2D": "the mean of each window",
    "LocalResponseNormalization": "each value divided by the strength of the channels beside it",
    "Flatten": "the maps as one vector",
    "Dropout": "passes everything on, except while training",
}


def scales(*walks: Sequence[Step]) -> list[Scale]:
    """Colour scale of each step's output: one for a convolution and the pooling that follows it.

    Several walks, of networks alike, share their scales; `Flatten` and dense layers have their own.
    """
    groups = np.cumsum([step.kind == "Conv2D" or step.output.ndim == 1 for step in walks[0]])
    pairs = [pair for steps in walks for pair in zip(steps, groups, strict=True)]
    return [activation_scale(*[step.output for step, group in pairs if group == number]) for number in groups]


def layer(
    step: Step,
    scale: Scale,
    title: str,
    classes: Sequence[str],
    *,
    bins: int,
    kernel_limit: float | None,
    max_kernel_rows: int,
    in_colour: bool = False,
    kernel_colours: str = "signed",
) -> Figure:
    """What one layer makes of the image.

    Args:
        step: of the walk.
        scale: colour scale, see `scales`.
        title: words for the image and the place of the layer.
        classes: names of the classes, for the last layer.
        bins: of the histogram.
        kernel_limit: colour range of kernels with one input channel, or None for their own.
        max_kernel_rows: filters shown of a deeper kernel.
        in_colour: whether the layer's input are red, green and blue.
        kernel_colours: signed or grey.
    """
    if step.output.ndim == 1:
        return _vector_figure(step, title, classes, bins)
    columns = _columns(step.output.shape[-1])
    width = max(4.6, 0.62 * columns * PITCH_X)
    height = max(2.6, width / columns * -(-step.output.shape[-1] // columns) * PITCH_Y / PITCH_X)
    if step.kernel is None:
        figure = new_figure(2 * width + 2, height + 1.4)
        *maps, histogram = figure.subplots(1, 2, width_ratios=(1.25, 1))
    else:
        deep = step.kernel.shape[2] > 1 and not in_colour
        figure = new_figure(2 * width + 3, height + 1.6 + (4.2 if deep else 3))
        ratios = (height + 0.6, 4.6 if deep else 3.4)
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=ratios)[:, 0]
        maps = above.subplots(1, len(_panels(step)), squeeze=False)[0]
        histogram, axes = below.subplots(1, 2, width_ratios=(1, 1.5) if deep else (1.3, 1))
        limit = colour_limit(kernel_limit, step.kernel)
        settings: dict[str, Any] = {"in_colour": in_colour, "colours": kernel_colours, "columns": 8}
        draw_kernels([axes], {"": step.kernel}, limit=limit, max_rows=max_kernel_rows, **settings)
        words = f"kernel {shape_text(step.kernel.shape)} (height×width×channels×filters)"
        if deep and max_kernel_rows < step.kernel.shape[-1]:
            words += f", filters 0 to {max_kernel_rows - 1}"
        if in_colour:
            words += f"\nred, green and blue are weights: grey is 0, range ±{limit:.3g}"
        axes.set_title(words, fontsize=10, loc="left")
    _draw_outputs(maps, step, scale)
    _draw_histogram(histogram, step, bins)
    figure.suptitle(title)
    return figure


def _columns(filters: int) -> int:
    """The fewest tiles in a row for which there are at most as many rows."""
    return next((n for n in TILE_COLUMNS if filters <= n**2), TILE_COLUMNS[-1])


def _draw_outputs(places: Sequence[Axes], step: Step, scale: Scale) -> None:
    """The maps before the activation, on a scale of their own, beside those after it."""
    for axes, (words, maps) in zip(places, _panels(step).items(), strict=True):
        numbers = [str(number) for number in range(maps.shape[-1])]
        own = scale if maps is step.output else activation_scale(maps)
        draw_tiles(axes, np.moveaxis(maps, -1, 0), numbers, _columns(len(numbers)), own)
        axes.set_title(f"{words}, {shape_text(maps.shape)}: {range_text(maps)}", fontsize=10)
        activation_bar(axes, shrink=0.9)


def _panels(step: Step) -> dict[str, Array]:
    """The outputs to show, by words for them."""
    if step.before is None:
        return {"output": step.output}
    return {f"before {step.activation}": step.before, f"after {step.activation}": step.output}


def range_text(values: Array) -> str:
    """Smallest and largest value in words, e.g. "0 to 1.38"."""
    return f"{values.min():.3g} to {values.max():.3g}"


def _draw_histogram(axes: Axes, step: Step, bins: int) -> None:
    """Both distributions on common bins; counts are logarithmic, as most outputs of a ReLU are zero."""
    panels = _panels(step)
    edges = np.histogram_bin_edges(list(panels.values()), bins).tolist()
    largest = 1
    for (words, array), colour in zip(panels.items(), [ACCENT, STRONG][-len(panels) :], strict=True):
        counts = np.histogram(array, edges)[0]
        largest = max(largest, int(counts.max()))
        # One shape each: a bar for each bin takes longer.
        axes.stairs(counts, edges, fill=True, color=colour, alpha=0.45, label=words)
        axes.stairs(counts, edges, color=colour, lw=1.2)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5)
    plain_ticks(axes.yaxis, [0.5, largest])
    axes.set_title(f"distribution of the values, {len(edges) - 1} bins", fontsize=10)
    axes.set(xlabel="activation", ylabel="count (logarithmic)")
    if len(panels) > 1:
        # A fixed place: to search for the best one warns, as an error, on a busy machine.
        axes.legend(fontsize=8, loc="upper left")


def _vector_figure(step: Step, title: str, classes: Sequence[str], bins: int) -> Figure:
    panels = _panels(step)
    figure = new_figure(10.5, 2.5 * len(panels) + 3.6)
    figure.suptitle(title)
    *bars, histogram = figure.subplots(len(panels) + 1, 1)
    names = classes if step.activation == "softmax" else None
    for axes, (words, values) in zip(bars, panels.items(), strict=True):
        if names is not None and values is step.output:
            draw_probabilities(axes, values, classes)
        else:
            _draw_bars(axes, values, names)
            axes.set_title(f"{words}, {shape_text(values.shape)} values: {range_text(values)}", fontsize=10)
    _draw_histogram(histogram, step, bins)
    return figure


def _draw_bars(axes: Axes, values: Array, classes: Sequence[str] | None) -> None:
    """One bar per value of the vector, from left to right."""
    if len(values) <= MAX_SEPARATE_BARS:
        axes.bar(range(len(values)), values, color=STRONG)
    else:
        _draw_stairs(axes, values)
    axes.axhline(0, color="0.3", lw=0.8)
    axes.set(xlim=(-0.5, len(values) - 0.5), ylabel="activation", xlabel="number in the vector")
    if classes is not None:
        axes.set_xticks(range(len(classes)), classes, rotation=30, ha="right", rotation_mode="anchor")
        axes.set(xlabel="class", ylabel="logit")


def title_of(step: Step, number: int, steps: Sequence[Step], image: str) -> str:
    """The image; the half of the network, the layer's place, name and shape; what it does."""
    place = f"{step.half}, step {number} of {len(steps)}: {step.name} → {shape_text(step.output.shape)}"
    return "\n".join([image, place, *([KINDS[step.kind]] if step.kind in KINDS else [])])


def strip(
    image: Array, steps: Sequence[Step], all_scales: Sequence[Scale], title: str, classes: Sequence[str]
) -> Figure:
    """The whole way of an image (H, W, C) uint8 to its probabilities; one row or more for each half.

    `all_scales` are the steps' in order, see `scales`; the title is words for the image.
    """
    rows = _strip_rows(steps, all_scales)
    columns = max(len(row) + (row is rows[0]) for row in rows)
    figure = new_figure(2.6 * columns, 3.4 * len(rows) + 0.7)
    order = "maps in rows, in the order of their filters"
    figure.suptitle(f"{title}\n{order}; a convolution and its pooling share one colour scale")
    parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    halves = [row[0][1].half for row in rows]
    for row, (part, members) in enumerate(zip(parts, rows, strict=True)):
        again = ", continued" if halves[row] in halves[:row] else ""
        part.suptitle(halves[row] + again, fontsize=11, color=STRONG, weight="bold")
        places = part.subplots(1, columns)
        for axes in places:
            axes.axis("off")
        if row == 0:
            draw_image(places[0], image, _strip_title("image", image), fontsize=8)
        for axes, (number, step, scale) in zip(places[row == 0 :], members, strict=False):
            _draw_strip_panel(axes, step, scale, classes)
            axes.set_title(_strip_title(f"{number}. {step.name}", step.output), fontsize=8)
    return figure


def _strip_rows(steps: Sequence[Step], all_scales: Sequence[Scale]) -> list[list[tuple[int, Step, Scale]]]:
    """The steps, numbered, in rows of at most `STRIP_COLUMNS`; the first leaves a place for the image."""
    rows = []
    for half, group in groupby(zip(count(1), steps, all_scales), key=lambda entry: entry[1].half):
        members = list(group)
        room = STRIP_COLUMNS - 1 if half == "feature extraction" else STRIP_COLUMNS
        rows += [members[start : start + room] for start in range(0, len(members), room)]
    return rows


def _strip_title(name: str, values: Array) -> str:
    return f"{name}\n{shape_text(values.shape)}\n{range_text(values)}"


def _draw_strip_panel(axes: Axes, step: Step, scale: Scale, classes: Sequence[str]) -> None:
    values = step.output
    if values.ndim == 3:
        picture = mosaic(np.moveaxis(values, -1, 0), math.ceil(math.sqrt(values.shape[-1])))
        framed = colormaps[scale[1]].with_extremes(bad="0.85")
        axes.imshow(picture, cmap=framed, norm=scale[0], interpolation="nearest")
    elif step.activation == "softmax":
        draw_probabilities(axes, values, classes)
    else:
        axes.axis("on")
        _draw_stairs(axes, values, orientation="horizontal")
        axes.set(ylim=(len(values) - 0.5, -0.5))
        axes.tick_params(labelsize=7)


def _draw_stairs(axes: Axes, values: Array, **more: Any) -> None:
    """All values of a vector (U,) as one shape: thousands of separate bars take seconds."""
    axes.stairs(values, np.arange(len(values) + 1) - 0.5, fill=True, color=STRONG, **more)
