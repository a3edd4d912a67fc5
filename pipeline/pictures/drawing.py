"""What all pictures share: size, colours, tiles, images, bars of probabilities.

Here and in every module of this folder: arrays in, a Matplotlib figure out; nothing reads or writes a
file. Weights are blue (negative), white (zero) and red (positive); activations run from white to dark.
Everything that is compared shares one scale, and each tile carries its filter's number.
"""

import logging
import math
from collections.abc import Sequence
from importlib.resources import files
from itertools import accumulate
from pathlib import Path
from unicodedata import east_asian_width

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PatchCollection
from matplotlib.colors import AsinhNorm, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.image import PcolorImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from pipeline.base.arrays import Array

# No ticks stand above any axes here: to look for them, as Matplotlib does, takes a fifth of the drawing.
rcParams["axes.titley"] = 1.0
# Names are the users', who may call a class `$x$`: no text is mathematics.
rcParams["text.parse_math"] = False
DOTS_PER_INCH = 110
SIGNED, POSITIVE, GREY = "RdBu_r", "Blues", "gray_r"
STRONG, SOFT, ACCENT = "#1f4e8c", "#a9c3e3", "#d9730d"
# Norm and colour map.
Scale = tuple[Normalize, str]
# Room in a grid for a tile and its label, in tile widths and heights.
PITCH_X, PITCH_Y = 1.12, 1.36
# The letters that DejaVu Sans lacks: Hangul, kana, ideographs.
MORE_LETTERS = str(files("noto_cjk_sans_jp_regular") / "NotoSansCJKjp-Regular.otf")
fontManager.addfont(MORE_LETTERS)
rcParams["font.family"] = ["DejaVu Sans", FontProperties(fname=MORE_LETTERS).get_name()]
# That font has no bold letters, of which Matplotlib warns at each bold text, and takes the others.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def write_figure(path: Path, figure: Figure) -> None:
    """Write a Matplotlib figure as PNG, without the version stamp; fixes its layout."""
    if (layout := figure.get_layout_engine()) is not None:
        # `savefig` does so too, but draws the whole picture once more for it.
        layout.execute(figure)
        figure.set_layout_engine(None)
    figure.savefig(path, metadata={"Software": None})


def mosaic(tiles: Array, columns: int) -> Array:
    """Lay tiles (T, h, w) float, or (T, h, w, C) in colour, out in rows, one blank pixel around each.

    Returns:
        (rows * (h + 1) + 1, columns * (w + 1) + 1), or with C besides, float64; NaN around tiles and in
        the places that the last row leaves free.
    """
    count, _, width, *colours = tiles.shape
    whole = [(0, 0)] * len(colours)
    cells = np.pad(
        tiles.astype(float), [(0, -count % columns), (1, 0), (1, 0), *whole], constant_values=np.nan
    )
    in_rows = cells.reshape(-1, columns, *cells.shape[1:]).swapaxes(1, 2)
    joined = in_rows.reshape(-1, columns * (width + 1), *colours)
    return np.pad(joined, [(0, 1), (0, 1), *whole], constant_values=np.nan)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, laid out so that nothing overlaps."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def shape_text(shape: Sequence[int]) -> str:
    """A shape in words, e.g. 28×28×1."""
    return "×".join(map(str, shape))


def shortened(text: str, width: int = 34) -> str:
    """A text, without its middle where it is too wide: what tells names apart stands at their ends.

    The width is in Latin letters; letters of full width, such as Hangul, count twice.
    """
    widths = [2 if east_asian_width(letter) in "WF" else 1 for letter in text]
    if sum(widths) <= width:
        return text
    head = sum(end <= width // 2 for end in accumulate(widths))
    tail = sum(end <= (width - 1) // 2 for end in accumulate(reversed(widths)))
    return f"{text[:head]}…{text[len(text) - tail :]}"


def plain_ticks(axis: Axis, values: Sequence[float], digits: int | None = None) -> None:
    """Label a logarithmic axis with plain numbers, however little or much it spans.

    The `values` drawn along it are above 0; `digits` are significant ones, or None for whole numbers.
    """
    decades = math.log10(max(values) / min(values))
    # With several ticks in a decade Matplotlib leaves all of them out where it would skip a decade.
    several = (1, 2, 5) if decades < 3 else (1,)
    axis.set_major_locator(LogLocator(subs=several, numticks=9) if decades > 0.7 else MaxNLocator(5))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.{digits}g}" if digits else f"{x:,.0f}"))


def activation_scale(*arrays: Array) -> Scale:
    """Colour scale of activations: 0 to the largest when none is negative, else +-max around white.

    Small values are spread, by a square root or (with a sign) an inverse hyperbolic sine, so that
    the shapes in weak maps are seen on the scale that all share; colour bars tell the values.
    """
    largest = float(np.max([np.abs(values).max() for values in arrays]))
    # A map of zeros alone still needs a scale.
    if not math.isfinite(largest) or largest == 0:
        largest = 1.0
    if np.min([values.min() for values in arrays]) >= 0:
        return PowerNorm(0.5, 0, largest), POSITIVE
    return AsinhNorm(largest / 8, -largest, largest), SIGNED


def signed_scale(*arrays: Array) -> Scale:
    """Colour scale of values with a sign: white at zero, +-max of all of them at its ends."""
    limit = max(float(np.abs(values).max()) for values in arrays) or 1.0
    return Normalize(-limit, limit), SIGNED


def activation_bar(axes: Axes, shrink: float, beside: Sequence[Axes] = ()) -> None:
    """The colour bar of what is drawn on the axes by an `activation_scale`, beside these or others."""
    label = "activation (small values spread)"
    image, where = axes.images[0], list(beside) or axes
    bar = axes.figure.colorbar(image, ax=where, label=label, shrink=shrink, pad=0.02, format="%.3g")
    if isinstance(image.norm, AsinhNorm):
        # Matplotlib's own choice may lie on one another.
        above = [float(f"{share * float(image.norm.vmax or 1):.1g}") for share in (0.15, 0.7)]
        bar.set_ticks([-above[1], -above[0], 0, *above])
        bar.minorticks_off()


def draw_image(axes: Axes, image: Array, title: str = "", fontsize: float = 9) -> None:
    """One image (H, W, C) uint8 below its title: grey reversed (ink dark), colour as it is."""
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    draw_map(axes, pixels, (Normalize(0, 255), GREY), title, fontsize)


def draw_map(axes: Axes, values: Array, scale: Scale, title: str, fontsize: float = 9) -> None:
    """Values (H, W) on a scale below a title."""
    axes.axis("off")
    axes.set_title(title, fontsize=fontsize)
    axes.imshow(values, norm=scale[0], cmap=scale[1], interpolation="nearest")


def draw_probabilities(axes: Axes, probabilities: Array, classes: Sequence[str]) -> None:
    """Horizontal bars of class probabilities (K,), the predicted class named above."""
    predicted = int(probabilities.argmax())
    colours = [STRONG if k == predicted else SOFT for k in range(len(classes))]
    axes.axis("on")
    axes.barh(range(len(classes)), probabilities, color=colours)
    names = [shortened(name, 24) for name in classes]
    axes.set_yticks(range(len(classes)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1))
    axes.set_xlabel("probability", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    gap = "\n" if len(names[predicted]) > 16 else " "
    axes.set_title(f"predicted: {names[predicted]}{gap}({probabilities[predicted]:.1%})", fontsize=9)


def draw_tiles(
    axes: Axes, tiles: Array, labels: Sequence[str], columns: int, scale: Scale, accented: Sequence[int] = ()
) -> list[tuple[float, float]]:
    """Draw tiles (T, h, w), or (T, h, w, 3) in colour, in rows with a label above each, on one scale.

    They are one image, transparent between the tiles: an image for each takes three times as long.
    Those of the numbers `accented` have a frame and a label in that colour.

    Returns:
        Left and top edge of each tile, in the axes' units, in which a tile is 1 by 1.
    """
    rows = -(-len(tiles) // columns)
    corners = [(n % columns * PITCH_X, n // columns * PITCH_Y) for n in range(len(tiles))]
    height, width = tiles.shape[1:3]
    x, y = _cell_edges(columns, width, PITCH_X), _cell_edges(rows, height, PITCH_Y)
    picture = PcolorImage(axes, x, y, _spread(tiles, columns), cmap=scale[1], norm=scale[0])
    # Inside the axes by the limits below; to measure the parts takes half the time of a picture.
    picture.set_in_layout(False)
    axes.add_image(picture)
    frames = PatchCollection(
        [Rectangle(corner, 1, 1) for corner in corners],
        facecolors="none",
        edgecolors=[ACCENT if n in accented else "0.6" for n in range(len(tiles))],
        linewidths=[2 if n in accented else 0.5 for n in range(len(tiles))],
    )
    frames.set_in_layout(False)
    axes.add_collection(frames, autolim=False)
    for n, (left, top) in enumerate(corners):
        text = axes.text(left + 0.5, top - 0.05, labels[n], ha="center", va="bottom", fontsize=7)
        if n in accented:
            text.set(color=ACCENT, fontweight="bold")
        text.set_in_layout(False)
    axes.set(xlim=(-0.06, columns * PITCH_X - 0.06), ylim=(rows * PITCH_Y - 0.3, -0.34), aspect="equal")
    axes.axis("off")
    return corners


def _cell_edges(tiles: int, cells: int, pitch: float) -> Array:
    """Edges of the cells of tiles in a row, each tile 1 wide and followed by one cell up to the pitch."""
    one = np.linspace(0, 1, cells + 1)
    return np.append((np.arange(tiles)[:, np.newaxis] * pitch + one).ravel(), tiles * pitch)


def _spread(tiles: Array, columns: int) -> Array:
    """Tiles (T, h, w) or (T, h, w, 3) in rows, with a cell masked or transparent after each."""
    if tiles.ndim == 3:
        return np.ma.masked_invalid(mosaic(tiles, columns)[1:, 1:].astype(np.float32))
    opaque = np.concatenate([tiles, np.ones_like(tiles[..., :1])], axis=-1)
    return np.nan_to_num(mosaic(opaque, columns)[1:, 1:].astype(np.float32))
