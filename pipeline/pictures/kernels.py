"""Pictures of kernels, of one network or of several below each other: one scale, tiles of one size."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pipeline.base.arrays import Array
from pipeline.pictures.drawing import (
    ACCENT,
    GREY,
    PITCH_X,
    PITCH_Y,
    SIGNED,
    Scale,
    draw_tiles,
    mosaic,
    new_figure,
    shape_text,
)

KERNEL_COLUMNS = 16
TILE_INCHES, MATRIX_INCHES = 0.62, 0.24
MAX_INCHES = 30.0
# Beside the tiles, for the colour bar.
BAR_INCHES = 1.4
COLOUR_MAPS = {"signed": SIGNED, "grey": GREY}


def kernels(
    panels: Mapping[str, Array],
    *,
    limit: float,
    max_rows: int,
    in_colour: bool = False,
    colours: str = "signed",
    title: str = "",
    columns: int = KERNEL_COLUMNS,
    tile: float = TILE_INCHES,
) -> Figure:
    """Kernels below each other, from negative (blue) to positive (red) or in grey, on one scale.

    Args:
        panels: kernels (height, width, C, F) by words for them; shapes may differ. With one input
            channel each filter is a tile; with several they are a matrix of filters (rows) by input
            channels (columns).
        limit: colour range -limit..limit; cells beyond are marked with a dot.
        max_rows: filters shown of a kernel with many input channels.
        in_colour: C = 3 are red, green and blue: draw each filter as one tile in colours.
        colours: signed or grey.
        title: of the figure.
        columns: tiles in a row.
        tile: size of one in inches.
    """
    sizes = [_inches(kernel, max_rows, in_colour, columns, tile) for kernel in panels.values()]
    # A little more than the tiles need, so that the width alone decides their size.
    heights = [1.06 * height + 0.4 for _, height in sizes]
    room = min(max(5.6, *(width for width, _ in sizes)), MAX_INCHES)
    about = f"Red, green and blue of a tile are weights: grey is 0, range ±{limit:.3g}" if in_colour else ""
    text = "\n".join(filter(None, (title, about)))
    figure = new_figure(room + BAR_INCHES, sum(heights) + 0.25 * (1 + text.count("\n")))
    if text:
        figure.suptitle(text, fontsize=10)
    axes = list(np.atleast_1d(figure.subplots(len(panels), 1, height_ratios=heights)))
    draw_kernels(
        axes, panels, limit=limit, max_rows=max_rows, in_colour=in_colour, colours=colours, columns=columns
    )
    for axis, kernel in zip(axes, panels.values(), strict=True):
        as_tiles = in_colour or kernel.shape[2] == 1
        unit = tile if as_tiles else MATRIX_INCHES / (kernel.shape[1] + 1)
        axis.set_xlim(right=axis.get_xlim()[0] + room / unit)
    return figure


def _inches(kernel: Array, max_rows: int, in_colour: bool, columns: int, tile: float) -> tuple[float, float]:
    """Width and height that a kernel's tiles take."""
    height, width, channels, filters = kernel.shape
    if channels > 1 and not in_colour:
        return MATRIX_INCHES * channels, MATRIX_INCHES * (height + 1) / (width + 1) * min(filters, max_rows)
    shown = min(filters, columns)
    return tile * shown * PITCH_X, tile * -(-filters // shown) * PITCH_Y


def draw_kernels(
    axes: Sequence[Axes],
    panels: Mapping[str, Array],
    *,
    limit: float,
    max_rows: int,
    in_colour: bool,
    colours: str,
    columns: int,
) -> None:
    """Draw kernels by their titles, one on each of the axes, with one colour bar; see `kernels`."""
    beyond, scale = 0, (Normalize(-limit, limit), COLOUR_MAPS[colours])
    for axis, (title, kernel) in zip(axes, panels.items(), strict=True):
        if in_colour or kernel.shape[2] == 1:
            beyond += _draw_tiles(axis, kernel, scale, in_colour, columns)
            words = f"{kernel.shape[3]} kernels of {shape_text(kernel.shape[:3])}, tile number = filter"
        else:
            shown, filters = min(kernel.shape[3], max_rows), kernel.shape[3]
            beyond += _draw_matrix(axis, kernel[..., :shown], scale)
            part = f"filters 0 to {shown - 1} of {filters}" if shown < filters else f"all {filters} filters"
            words = f"{part}, each {shape_text(kernel.shape[:3])}"
        axis.set_title(f"{title}: {words}", fontsize=10, loc="left")
    if in_colour:
        return
    label = "weight" + (f"  (• beyond ±{limit:g}: {beyond})" if beyond else "")
    figure, extend = axes[0].figure, "both" if beyond else "neither"
    shrink = min(1.0, 3.5 / figure.get_figure(root=True).get_size_inches()[1]) if len(axes) > 2 else 1.0
    place: dict[str, Any] = {"ax": list(axes), "pad": 0.02, "anchor": (0, 1), "panchor": False}
    figure.colorbar(axes[0].images[0], label=label, extend=extend, shrink=shrink, **place)


def _draw_tiles(axes: Axes, kernel: Array, scale: Scale, in_colour: bool, columns: int) -> int:
    """Draw each filter as a tile; how many weights lie beyond the range (not told of colours)."""
    limit = float(scale[0].vmax or 0)
    tiles = np.moveaxis(kernel, -1, 0)
    # As colours -limit is 0, a weight of 0 is 0.5 (grey), limit is 1, and those beyond are cut off.
    tiles = np.clip(0.5 + tiles / (2 * limit), 0, 1) if in_colour else tiles[..., 0]
    labels = [str(index) for index in range(len(tiles))]
    corners = draw_tiles(axes, tiles, labels, min(len(tiles), columns), scale)
    if in_colour:
        return 0
    height, width = tiles.shape[1:]
    index, row, column = np.nonzero(np.abs(tiles) > limit)
    left, top = np.array(corners)[index].T
    _mark_cells(axes, left + (column + 0.5) / width, top + (row + 0.5) / height, scale[1])
    return len(index)


def _draw_matrix(axes: Axes, kernel: Array, scale: Scale) -> int:
    """Draw filters by input channels; how many weights lie beyond the range."""
    height, width, channels, filters = kernel.shape
    tiles = kernel.transpose(3, 2, 0, 1).reshape(-1, height, width)
    picture = mosaic(tiles, channels)
    axes.imshow(picture, cmap=scale[1], norm=scale[0], interpolation="nearest")
    axes.set(xlabel="input channel", ylabel="filter")
    numbers = range(0, channels, 1 if channels <= 40 else 8)
    axes.set_xticks((np.array(numbers) + 0.5) * (width + 1), list(map(str, numbers)))
    axes.set_yticks((np.arange(filters) + 0.5) * (height + 1), list(map(str, range(filters))))
    axes.tick_params(length=0, labelsize=7)
    axes.spines[:].set_visible(False)
    row, column = np.nonzero(np.abs(np.nan_to_num(picture)) > scale[0].vmax)
    _mark_cells(axes, column, row, scale[1])
    return len(row)


def _mark_cells(axes: Axes, x: Array, y: Array, colour_map: str) -> None:
    colour = ACCENT if colour_map == GREY else "black"
    axes.plot(x, y, linestyle="none", marker=".", markersize=2.5, color=colour)
