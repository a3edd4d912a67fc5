"""Pictures of the feature maps of one image."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.base.arrays import Array
from pipeline.pictures.drawing import (
    GREY,
    PITCH_X,
    PITCH_Y,
    Scale,
    activation_bar,
    draw_tiles,
    new_figure,
)

FEATURE_COLUMNS = 8


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
    name: str,
    maps: Array,
    rates: Array,
    kinds: Sequence[str],
    *,
    scale: Scale,
    images: int,
    threshold: float,
) -> Figure:
    """One tile per filter on one scale, with the filter's number and fire rate.

    Args:
        name: of the convolution.
        maps: (H, W, F) its output for one image.
        rates: (F,) fire rates, 0..1.
        kinds: F words: normal, dead, rare or always-on; the last three are framed.
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
    unusual = [i for i, kind in enumerate(kinds) if kind != "normal"]
    labels = [f"{i}: {kind if i in unusual else f'{rates[i]:.0%}'}" for i, kind in enumerate(kinds)]
    draw_tiles(axes, np.moveaxis(maps, -1, 0), labels, columns, *scale, unusual)
    counts = ", ".join(f"{sum(k == kind for k in kinds)} {kind}" for kind in ("dead", "rare", "always-on"))
    axes.set_title(
        f"{name}: {filters} feature maps of {height}×{width}\nfilter number and fire rate (share of"
        f" outputs above {threshold:g} over {images:,} validation images); {counts}",
        fontsize=10,
    )
    activation_bar(axes, shrink=0.8)
    return figure
