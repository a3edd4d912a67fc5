"""Picture of what padding, stride and pooling do to one image."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pipeline.analysis.parts import Parts
from pipeline.pictures.drawing import (
    ACCENT,
    GREY,
    STRONG,
    activation_bar,
    activation_scale,
    new_figure,
    shape_text,
    signed_scale,
)

COLUMNS = 4


def parts(shown: Parts, title: str, *, stride: int, layer: str) -> Figure:
    """One image with the zeros around it and the windows on it, the kernel, and every output.

    Args:
        shown: of the network's first convolution.
        title: words for the image.
        stride: of the convolution.
        layer: its name.
    """
    rows = -(-(2 + len(shown.outputs)) // COLUMNS)
    figure = new_figure(3.1 * COLUMNS, 3.2 * rows + 0.7)
    figure.suptitle(f"{title}\nwhat padding, stride and pooling make of it: filter {shown.filter} of {layer}")
    places = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes in places:
        axes.axis("off")
    _draw_padded(places[0], shown, stride)
    _draw_kernel(places[1], shown)
    scale = activation_scale(*[part.output for part in shown.outputs])
    for axes, part in zip(places[2:], shown.outputs, strict=False):
        axes.imshow(part.output, cmap=scale[1], norm=scale[0], interpolation="nearest")
        words = f"{part.name} → {shape_text(part.output.shape)}\n{part.words}"
        own = {"color": STRONG, "fontweight": "bold"} if part.configured else {}
        axes.set_title(words + (" (this network)" if part.configured else ""), fontsize=9, **own)
    activation_bar(places[2], shrink=0.8, beside=places.tolist())
    return figure


def _draw_padded(axes: Axes, shown: Parts, stride: int) -> None:
    """The image in its zeros; the first window and, dashed, the one a stride further."""
    height, width, channels = shown.padded.shape
    grey = channels == 1
    axes.imshow(shown.padded[..., 0] if grey else shown.padded, cmap=GREY, norm=Normalize(0, 1))
    top, left = shown.before
    window = shown.kernel.shape[1::-1]
    for place, colour, line in ((0, STRONG, "-"), (stride, ACCENT, "--")):
        frame = Rectangle((place - 0.5, -0.5), *window, fill=False, ec=colour, ls=line, lw=1.8, clip_on=False)
        axes.add_patch(frame)
    below, right = top + shown.size[0], left + shown.size[1]
    axes.plot(
        [left - 0.5, left - 0.5, right - 0.5, right - 0.5, left - 0.5],
        [top - 0.5, below - 0.5, below - 0.5, top - 0.5, top - 0.5],
        color="0.5",
        lw=0.8,
    )
    zeros = "in the zeros of padding same" if (height, width) != shown.size else "needs no zeros around it"
    axes.set_title(f"image {shape_text(shown.size)}\n{zeros}", fontsize=9)


def _draw_kernel(axes: Axes, shown: Parts) -> None:
    """The kernel; of several channels their mean."""
    values = shown.kernel.mean(axis=-1)
    norm, colours = signed_scale(values)
    axes.imshow(values, norm=norm, cmap=colours, interpolation="nearest")
    for (row, column), value in np.ndenumerate(values):
        if values.size <= 25:
            colour = "white" if abs(value) > 0.6 * (norm.vmax or 1) else "0.1"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    mean = ", mean of its channels" if shown.kernel.shape[-1] > 1 else ""
    axes.set_title(f"kernel {shape_text(shown.kernel.shape)}{mean}\nslides over the image", fontsize=9)
