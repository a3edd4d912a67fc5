"""Pictures of the deeper looks: patches, importance of filters, attribution and its sanity test."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure

from pipeline.base.arrays import Array
from pipeline.pictures.drawing import (
    ACCENT,
    POSITIVE,
    SOFT,
    STRONG,
    draw_image,
    draw_map,
    draw_tiles,
    mosaic,
    new_figure,
    signed_scale,
)

PATCH_COLUMNS = 3
FILTER_COLUMNS = 8
MIN_PATCH_PIXELS = 10
MAX_NUMBERED_BARS = 40
GAP = "0.55"
Curves = Mapping[str, Sequence[float | None]]


def patches(name: str, crops: Sequence[Sequence[Array]], size: tuple[int, int], images: int) -> Figure:
    """For each filter of a layer the patches of some images that excite it most, the strongest first.

    `crops` are F lists of up to nine patches in 0..1, (h, w, C) of that size in pixels, NaN beyond the
    image; an empty list for a filter that never fires.
    """
    columns = min(FILTER_COLUMNS, len(crops))
    rows = -(-len(crops) // columns)
    figure = new_figure(1.35 * columns + 0.6, 1.62 * rows + 0.9)
    axes = figure.subplots()
    tiles = np.stack([_patch_block(block, size) for block in crops])
    labels = [str(n) if block else f"{n}: dead" for n, block in enumerate(crops)]
    reversed_ = "grey reversed, " if all(patch.shape[-1] == 1 for block in crops for patch in block) else ""
    dead = [n for n, block in enumerate(crops) if not block]
    draw_tiles(axes, tiles, labels, columns, (Normalize(0, 1), POSITIVE), dead)
    axes.set_title(
        f"{name}: the {PATCH_COLUMNS**2} patches of {size[0]}×{size[1]} pixels that excite each filter most\n"
        f"at most one per image among {images:,} validation images, strongest first;"
        f" {reversed_}pale blue lies beyond the image",
        fontsize=10,
    )
    return figure


def _patch_block(crops: Sequence[Array], size: tuple[int, int]) -> Array:
    """Up to nine patches as one picture (., ., 3) of colours; grey is reversed as in every picture."""
    blank = [np.zeros((*size, 1))] * (PATCH_COLUMNS**2 - len(crops))
    coloured = np.stack([_colours(patch) for patch in [*crops, *blank]])
    return _filled(mosaic(coloured, PATCH_COLUMNS), GAP)


def _colours(patch: Array) -> Array:
    shown = np.repeat(1 - patch, 3, axis=-1) if patch.shape[-1] == 1 else patch
    # Small patches in large pixels, so that the gap of one pixel between patches stays thin.
    factor = max(1, MIN_PATCH_PIXELS // min(patch.shape[:2]))
    return _filled(shown, SOFT).repeat(factor, axis=0).repeat(factor, axis=1)


def _filled(picture: Array, colour: str) -> Array:
    return np.where(np.isnan(picture), to_rgb(colour), picture)


def importance(name: str, lost: Array, accuracy: float, images: int) -> Figure:
    """The share (F,) of the images lost when one filter is switched off; `accuracy` is with all filters."""
    figure = new_figure(max(7, min(16, 0.2 * len(lost) + 1.5)), 4)
    axes = figure.subplots()
    points = 100 * lost
    axes.bar(range(len(lost)), points, color=[STRONG if value >= 0 else ACCENT for value in points])
    axes.axhline(0, color="0.3", lw=0.8)
    step = 1 if len(lost) <= MAX_NUMBERED_BARS else 4
    axes.set_xticks(range(0, len(lost), step))
    axes.tick_params(axis="x", labelsize=7)
    axes.set(xlabel="filter", ylabel="accuracy lost (percentage points)", xlim=(-0.7, len(lost) - 0.3))
    axes.set_title(
        f"{name}: accuracy lost when one filter is switched off\n"
        f"{images:,} validation images, {accuracy:.2%} with all filters; one image is"
        f" {100 / images:.2g} points\norange: better without the filter",
        fontsize=10,
    )
    return figure


def attribution(image: Array, title: str, maps: Mapping[str, Array]) -> Figure:
    """An image (H, W, C) uint8 beside the pixels that speak for (red) and against (blue) some classes.

    `maps` are attributions (H, W) by words; they share one scale.
    """
    figure = new_figure(4 * (len(maps) + 1) + 1, 4.6)
    figure.suptitle(f"{title}\nintegrated gradients against a black image: what each pixel adds to the logit")
    places = figure.subplots(1, len(maps) + 1)
    draw_image(places[0], image, "image", fontsize=10)
    scale = signed_scale(*maps.values())
    for axes, (words, values) in zip(places[1:], maps.items(), strict=True):
        draw_map(axes, values, scale, words, fontsize=10)
    label = "attribution (part of the logit)"
    figure.colorbar(places[1].images[0], ax=list(places), label=label, shrink=0.85, pad=0.02)
    return figure


def sanity(image: Array, maps: Mapping[str, Array], edge_map: Array, curves: Curves, title: str) -> Figure:
    """The maps of one image while the network is made random, and how alike they stay over several.

    Args:
        image: (H, W, C) uint8.
        maps: (H, W) attribution by the layer down to which the network is random.
        edge_map: (H, W) of the edge detector, which knows no network.
        curves: rank correlation with the first map after each step, by method; None is left out.
        title: of the figure.
    """
    columns = len(maps) + 1
    figure = new_figure(max(9, 1.9 * columns), 8.6)
    figure.suptitle(title)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.15, 1))[:, 0]
    upper, lower = above.subplots(2, columns)
    for axes in (*upper, *lower):
        axes.axis("off")
    draw_image(upper[0], image, "image")
    for place, (layer, values) in enumerate(maps.items(), start=1):
        state = "trained" if place == 1 else f"random: {layer}" + (" and above" if place > 2 else "")
        # Each on its own scale: ranks are compared, not sizes.
        draw_map(upper[place], values, signed_scale(values), state, fontsize=8)
        lower[place].imshow(edge_map, cmap=POSITIVE, interpolation="nearest")
    side = {"rotation": 90, "ha": "right", "va": "center", "fontsize": 8}
    for axes, words in ((upper[1], "integrated\ngradients"), (lower[1], "edge detector\n(control)")):
        axes.text(-0.08, 0.5, words, transform=axes.transAxes, **side)
    _draw_curves(below.subplots(), list(maps), curves)
    return figure


def _draw_curves(axes: Axes, layers: Sequence[str], curves: Curves) -> None:
    styles = [(STRONG, "o", "-"), (STRONG, "s", ":"), (ACCENT, "^", "--")]
    for (words, values), (colour, marker, line) in zip(curves.items(), styles, strict=True):
        heights = np.array(values, float)
        axes.plot(range(len(heights)), heights, color=colour, marker=marker, ls=line, label=words)
    axes.axhline(0, color="0.5", lw=0.8)
    axes.set_xticks(range(len(layers)), ["trained", *layers[1:]])
    axes.set(ylim=(-0.5, 1.08), xlabel="layers made random, from the top down to this one")
    axes.set_ylabel("rank correlation with the trained map")
    axes.legend(fontsize=8, loc="lower left")
