"""Pictures of one image: as it goes in, its feature maps, and what padding, stride and pooling do to it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pipeline.analysis.firing import firing_kind
from pipeline.analysis.parts import Parts
from pipeline.base.arrays import Array
from pipeline.pictures.drawing import (
    ACCENT,
    GREY,
    PITCH_X,
    PITCH_Y,
    STRONG,
    Scale,
    activation_bar,
    activation_scale,
    draw_map,
    draw_tiles,
    new_figure,
    shape_text,
    signed_scale,
)

FEATURE_COLUMNS, PART_COLUMNS = 8, 4


def input_image(image: Array, title: str) -> Figure:
    """The image (H, W, C) uint8 whose feature maps are shown; grey is reversed, as in the textbook."""
    figure = new_figure(5, 4.4)
    axes = figure.subplots()
    if image.shape[-1] == 1:
        shown = axes.imshow(image[..., 0] / 255, cmap=GREY, vmin=0, vmax=1, interpolation="nearest")
        figure.colorbar(shown, label="network input (pixel / 255)")
    else:
        axes.imshow(image, interpolation="nearest")
    axes.set(title=title, xlabel="column (pixels)", ylabel="row (pixels)")
    return figure


def feature_maps(
    name: str, maps: Array, rates: Array, *, scale: Scale, images: int, threshold: float
) -> Figure:
    """One tile per filter on one scale, with the filter's number and fire rate; the unusual are framed.

    Args:
        name: of the convolution.
        maps: (H, W, F), its output for one image.
        rates: (F,) fire rates, 0..1.
        scale: see `drawing.activation_scale`.
        images: over how many the rates were taken.
        threshold: output above which a filter fires.
    """
    height, width, filters = maps.shape
    columns = min(FEATURE_COLUMNS, filters)
    rows = -(-filters // columns)
    tile = 1.1
    # Wide enough for the title when the filters are few.
    figure = new_figure(max(8.4, columns * tile * PITCH_X + 1.6), rows * tile * PITCH_Y + 1.1)
    axes = figure.subplots()
    kinds = [firing_kind(rate) for rate in rates]
    unusual = [i for i, kind in enumerate(kinds) if kind != "normal"]
    labels = [f"{i}: {kind if i in unusual else f'{rates[i]:.0%}'}" for i, kind in enumerate(kinds)]
    draw_tiles(axes, np.moveaxis(maps, -1, 0), labels, columns, scale, unusual)
    counts = ", ".join(f"{sum(k == kind for k in kinds)} {kind}" for kind in ("dead", "rare", "always-on"))
    axes.set_title(
        f"{name}: {filters} feature maps of {height}×{width}\nfilter number and fire rate (share of"
        f" outputs above {threshold:g} over {images:,} validation images); {counts}",
        fontsize=10,
    )
    activation_bar(axes, shrink=0.8)
    return figure


def parts(shown: Parts, title: str, *, stride: int, layer: str) -> Figure:
    """One image with the zeros around it and the windows on it, the kernel, and every output.

    The stride and the name of the layer are those of the network's first convolution.
    """
    rows = -(-(2 + len(shown.outputs)) // PART_COLUMNS)
    figure = new_figure(3.1 * PART_COLUMNS, 3.2 * rows + 0.7)
    figure.suptitle(f"{title}\nwhat padding, stride and pooling make of it: filter {shown.filter} of {layer}")
    places = figure.subplots(rows, PART_COLUMNS, squeeze=False).ravel()
    for axes in places:
        axes.axis("off")
    _draw_padded(places[0], shown, stride)
    _draw_kernel(places[1], shown.kernel)
    scale = activation_scale(*[part.output for part in shown.outputs])
    for axes, part in zip(places[2:], shown.outputs, strict=False):
        words = f"{part.name} → {shape_text(part.output.shape)}\n{part.words}"
        draw_map(axes, part.output, scale, words + (" (this network)" if part.configured else ""))
        if part.configured:
            axes.title.set(color=STRONG, fontweight="bold")
    activation_bar(places[2], shrink=0.8, beside=places.tolist())
    return figure


def _draw_padded(axes: Axes, shown: Parts, stride: int) -> None:
    """The image in its zeros; the first window and, dashed, the one a stride further."""
    height, width, channels = shown.padded.shape
    axes.imshow(shown.padded[..., 0] if channels == 1 else shown.padded, cmap=GREY, norm=Normalize(0, 1))
    top, left = shown.before
    window = shown.kernel.shape[1::-1]
    for place, colour, line in ((0, STRONG, "-"), (stride, ACCENT, "--")):
        frame = Rectangle((place - 0.5, -0.5), *window, fill=False, ec=colour, ls=line, lw=1.8, clip_on=False)
        axes.add_patch(frame)
    x, y = np.array([0, 0, 1, 1, 0]), np.array([0, 1, 1, 0, 0])
    axes.plot(left - 0.5 + x * shown.size[1], top - 0.5 + y * shown.size[0], color="0.5", lw=0.8)
    zeros = "in the zeros of padding same" if (height, width) != shown.size else "needs no zeros around it"
    axes.set_title(f"image {shape_text(shown.size)}\n{zeros}", fontsize=9)


def _draw_kernel(axes: Axes, kernel: Array) -> None:
    """A filter (height, width, C); of several channels their mean."""
    values = kernel.mean(axis=-1)
    scale = signed_scale(values)
    mean = ", mean of its channels" if kernel.shape[-1] > 1 else ""
    draw_map(axes, values, scale, f"kernel {shape_text(kernel.shape)}{mean}\nslides over the image")
    for (row, column), value in np.ndenumerate(values):
        if values.size <= 25:
            colour = "white" if abs(value) > 0.6 * (scale[0].vmax or 1) else "0.1"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
