"""Pictures of the kernels: each filter, trained above untrained."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pipeline.base.arrays import Array
from pipeline.network.checkpoint import Layer
from pipeline.pictures.drawing import (
    PITCH_X,
    PITCH_Y,
    SIGNED,
    colour_tiles,
    draw_tiles,
    mosaic,
    new_figure,
    shape_text,
)

TILE_INCHES = 0.62
KERNEL_COLUMNS = 16


def kernels(layer: Layer, *, limit: float, max_rows: int) -> Figure:
    """The filters of one convolution, from negative (blue) to positive (red).

    Args:
        layer: a convolution with a kernel (height, width, C, F).
        limit: colour range -limit..limit; cells beyond are marked with a dot.
        max_rows: filters shown of a kernel with many input channels, whose tiles form a matrix of
            filters (rows) by input channels (columns).
    """
    return _kernel_figure({layer.name: layer.kernel}, limit, max_rows)


def compare_kernels(name: str, trained: Array, untrained: Array, *, limit: float, max_rows: int) -> Figure:
    """The filters of one convolution trained, above the same untrained, on one colour scale."""
    titles = {f"{name}, trained": trained, f"{name}, untrained": untrained}
    return _kernel_figure(titles, limit, max_rows)


def _kernel_figure(panels: Mapping[str, Array], limit: float, max_rows: int) -> Figure:
    channels, filters = next(iter(panels.values())).shape[-2:]
    if channels == 1:
        width, height = _grid_inches(filters)
    else:
        width, height = 0.22 * channels, 0.26 * min(filters, max_rows)
    figure = new_figure(max(7, width + 1.4), len(panels) * (max(1.0, height) + 0.55))
    axes = np.atleast_1d(figure.subplots(len(panels), 1))
    draw_kernels(list(axes), panels, limit=limit, max_rows=max_rows)
    return figure


def _grid_inches(filters: int) -> tuple[float, float]:
    """Width and height of a grid with one tile per filter."""
    columns = min(filters, KERNEL_COLUMNS)
    rows = -(-filters // columns)
    return columns * TILE_INCHES * PITCH_X, rows * TILE_INCHES * PITCH_Y


def colour_kernels(panels: Mapping[str, Array], *, limit: float) -> Figure:
    """The filters of a convolution on colour images, one tile each in the colours that they look for.

    Args:
        panels: kernels (height, width, 3, F) by title, from top to bottom, on one scale.
        limit: of the scale: weights from -limit to limit run from none of a colour to all of it.
    """
    filters = next(iter(panels.values())).shape[-1]
    width, height = _grid_inches(filters)
    figure = new_figure(max(7, width + 0.4), len(panels) * (max(1.0, height) + 0.5) + 0.4)
    figure.suptitle(f"Red, green and blue of a tile are weights: grey is 0, range ±{limit:.3g}", fontsize=10)
    axes = np.atleast_1d(figure.subplots(len(panels), 1))
    for axis, (title, kernel) in zip(axes, panels.items(), strict=True):
        tiles = colour_tiles(kernel, limit)
        labels = [str(index) for index in range(filters)]
        draw_tiles(axis, tiles, labels, min(filters, KERNEL_COLUMNS), Normalize(0, 1), SIGNED)
        size = shape_text(kernel.shape[:3])
        axis.set_title(f"{title}: {filters} kernels of {size}, tile number = filter")
    return figure


def draw_kernels(
    axes: Sequence[Axes],
    panels: Mapping[str, Array],
    *,
    limit: float,
    max_rows: int,
    columns: int = KERNEL_COLUMNS,
) -> None:
    """Draw kernels (height, width, C, F) by their titles, one on each of the axes, with one colour bar.

    Args:
        axes: as many as kernels.
        panels: kernel by title.
        limit: colour range -limit..limit; cells beyond are marked with a dot.
        max_rows: filters shown of a kernel with many input channels.
        columns: tiles in a row of a kernel with one input channel.
    """
    beyond = 0
    for axis, (title, kernel) in zip(axes, panels.items(), strict=True):
        if kernel.shape[2] == 1:
            beyond += _draw_kernel_grid(axis, kernel, limit, title, columns)
        else:
            beyond += _draw_kernel_matrix(axis, kernel, limit, title, max_rows)
    label, extend = colour_bar_label(limit, beyond), "both" if beyond else "neither"
    figure = axes[0].figure
    figure.colorbar(axes[0].images[0], ax=list(axes), label=label, extend=extend, pad=0.02, panchor=False)


def _draw_kernel_grid(axes: Axes, kernel: Array, limit: float, title: str, columns: int) -> int:
    norm = Normalize(-limit, limit)
    tiles = np.moveaxis(kernel[:, :, 0, :], -1, 0)
    labels = [str(index) for index in range(len(tiles))]
    corners = draw_tiles(axes, tiles, labels, min(len(tiles), columns), norm, SIGNED)
    height, width = tiles.shape[1:]
    axes.set_title(f"{title}: {len(tiles)} kernels of {height}×{width}, tile number = filter")
    return mark_beyond(axes, tiles, corners, limit)


def _draw_kernel_matrix(axes: Axes, kernel: Array, limit: float, title: str, max_rows: int) -> int:
    norm = Normalize(-limit, limit)
    height, width, channels, filters = kernel.shape
    shown = min(filters, max_rows)
    tiles = kernel[..., :shown].transpose(3, 2, 0, 1).reshape(-1, height, width)
    picture = mosaic(tiles, channels)
    axes.imshow(picture, cmap=SIGNED, norm=norm, interpolation="nearest", aspect="auto")
    part = f"filters 0 to {shown - 1} of {filters}" if shown < filters else f"all {filters} filters"
    axes.set_title(f"{title}: {part}, each {height}×{width}×{channels}")
    axes.set(xlabel="input channel", ylabel="filter")
    step = 1 if channels <= 40 else 8
    axes.set_xticks(
        np.arange(0, channels, step) * (width + 1) + (width + 1) / 2, list(map(str, range(0, channels, step)))
    )
    axes.set_yticks(np.arange(shown) * (height + 1) + (height + 1) / 2, list(map(str, range(shown))))
    axes.tick_params(length=0, labelsize=7)
    row, column = np.nonzero(np.abs(np.nan_to_num(picture)) > limit)
    _mark_cells(axes, column, row)
    return len(row)


def mark_beyond(axes: Axes, tiles: Array, corners: Sequence[tuple[float, float]], limit: float) -> int:
    """Dot the cells of tiles (T, h, w) beyond -limit..limit; how many they are.

    Args:
        axes: that the tiles are drawn on.
        tiles: as they were drawn.
        corners: of them, see `draw_tiles`.
        limit: of the colour range.
    """
    height, width = tiles.shape[1:]
    index, row, column = np.nonzero(np.abs(tiles) > limit)
    left, top = np.array(corners)[index].T
    _mark_cells(axes, left + (column + 0.5) / width, top + (row + 0.5) / height)
    return len(index)


def _mark_cells(axes: Axes, x: Array, y: Array) -> None:
    axes.plot(x, y, linestyle="none", marker=".", markersize=2.5, color="black")


def colour_bar_label(limit: float, beyond: int) -> str:
    """Words beside a colour bar of weights: how many lie beyond its range, if any."""
    return "weight" + (f"  (• beyond ±{limit:g}: {beyond})" if beyond else "")
