"""Every picture. Arrays in, a Matplotlib figure out; nothing here reads or writes a file.

Weights are blue (negative), white (zero) and red (positive); activations run from white to dark.
Everything that is compared shares one scale, and each tile carries its filter's number.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import PcolorImage
from matplotlib.patches import FancyBboxPatch, Rectangle

from pipeline.files import Array
from pipeline.weights import Layer, colour_tiles, mosaic

# No ticks stand above any axes here: to look for them, as Matplotlib does, takes a fifth of the drawing.
rcParams["axes.titley"] = 1.0

DOTS_PER_INCH = 110
SIGNED, POSITIVE, GREY = "RdBu_r", "Blues", "gray_r"
STRONG, SOFT, ACCENT = "#1f4e8c", "#a9c3e3", "#d9730d"
TILE_INCHES = 0.62
# Room in a grid for a tile and its label, in tile widths and heights.
PITCH_X, PITCH_Y = 1.12, 1.36
KERNEL_COLUMNS, FEATURE_COLUMNS, MISTAKE_COLUMNS = 16, 8, 5
MAX_ANNOTATED_CLASSES = 20


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, laid out so that nothing overlaps."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def shape_text(shape: Sequence[int]) -> str:
    """A shape in words, e.g. 28×28×1."""
    return "×".join(map(str, shape))


# Architecture


def architecture(network: Sequence[Layer]) -> Figure:
    """The layers as boxes from top to bottom: names only at the left, shapes and sizes at the right."""
    figure = new_figure(10, 0.62 * len(network) + 0.9)
    names, shapes = figure.subplots(1, 2, width_ratios=(1, 2.3))
    total = sum(layer.parameters for layer in network)
    names.set_title("Layers")
    shapes.set_title(f"Input shape → output shape, parameters ({total:,} in all)")
    _draw_boxes(names, [layer.name for layer in network])
    _draw_boxes(shapes, [_box_text(layer) for layer in network])
    return figure


def _box_text(layer: Layer) -> str:
    if layer.kind == "InputLayer":
        return f"{layer.name}: {shape_text(layer.output_shape)}"
    sizes = f"{shape_text(layer.input_shape)} → {shape_text(layer.output_shape)}"
    count = f",  {layer.parameters:,} parameters" if layer.parameters else ""
    return f"{layer.name}: {sizes}{count}"


def _draw_boxes(axes: Axes, texts: Sequence[str]) -> None:
    axes.set(xlim=(0, 1), ylim=(len(texts), 0))
    axes.axis("off")
    for row, text in enumerate(texts):
        style = "round,pad=0,rounding_size=0.04"
        box = FancyBboxPatch(
            (0.03, row + 0.14), 0.94, 0.6, boxstyle=style, fc="#eaf1fa", ec=STRONG, mutation_aspect=4
        )
        axes.add_patch(box)
        axes.text(0.5, row + 0.44, text, ha="center", va="center", fontsize=10)
        if row:
            arrow = {"arrowstyle": "-|>", "color": STRONG, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", (0.5, row + 0.14), (0.5, row - 0.26), arrowprops=arrow)


# Kernels


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


def colour_bar_label(limit: float, beyond: int) -> str:
    """Words beside a colour bar of weights: how many lie beyond its range, if any."""
    return "weight" + (f"  (• beyond ±{limit:g}: {beyond})" if beyond else "")


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


def _tile_ticks(count: int, size: int, step: int) -> tuple[list[float], list[str]]:
    """Places, in the pixels of a mosaic, and labels of every `step`-th tile."""
    numbers = range(0, count, step)
    return [n * (size + 1) + (size + 1) / 2 for n in numbers], [str(n) for n in numbers]


def _mark_cells(axes: Axes, x: Array, y: Array) -> None:
    axes.plot(x, y, linestyle="none", marker=".", markersize=2.5, color="black")


def draw_tiles(
    axes: Axes,
    tiles: Array,
    labels: Sequence[str],
    columns: int,
    norm: Normalize,
    colours: str,
    label_colours: Mapping[int, str] | None = None,
) -> list[tuple[float, float]]:
    """Draw tiles (T, h, w), or (T, h, w, 3) in colour, in rows with a label above each, on one scale.

    They are one image, transparent between the tiles: an image for each takes three times as long.

    Returns:
        Left and top edge of each tile, in the axes' units, in which a tile is 1 by 1.
    """
    rows = -(-len(tiles) // columns)
    corners = [(n % columns * PITCH_X, n // columns * PITCH_Y) for n in range(len(tiles))]
    height, width = tiles.shape[1:3]
    x, y = _cell_edges(columns, width, PITCH_X), _cell_edges(rows, height, PITCH_Y)
    picture = PcolorImage(axes, x, y, _spread(tiles, columns), cmap=colours, norm=norm)
    # Inside the axes by the limits below; to measure the parts takes half the time of a picture.
    picture.set_in_layout(False)
    axes.add_image(picture)
    marked = label_colours or {}
    _draw_frames(axes, corners, [marked.get(n) for n in range(len(tiles))])
    for n, (left, top) in enumerate(corners):
        text = axes.text(left + 0.5, top - 0.05, labels[n], ha="center", va="bottom", fontsize=7)
        text.set(color=marked.get(n, "black"), fontweight="bold" if n in marked else "normal")
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
    if tiles.ndim == 4:
        tiles = np.concatenate([tiles, np.ones_like(tiles[..., :1])], axis=-1)
    rows, count = -(-len(tiles) // columns), len(tiles)
    empty = 0.0 if tiles.ndim == 4 else np.nan
    height, width, *rest = tiles.shape[1:]
    spread = np.full((rows * columns, height + 1, width + 1, *rest), empty, np.float32)
    spread[:count, :height, :width] = tiles
    spread = spread.reshape(rows, columns, height + 1, width + 1, *rest).swapaxes(1, 2)
    return np.ma.masked_invalid(spread.reshape(rows * (height + 1), columns * (width + 1), *rest))


def _draw_frames(axes: Axes, corners: Sequence[tuple[float, float]], colours: Sequence[str | None]) -> None:
    frames = PatchCollection(
        [Rectangle(corner, 1, 1) for corner in corners],
        facecolors="none",
        edgecolors=[colour or "0.6" for colour in colours],
        linewidths=[2 if colour else 0.5 for colour in colours],
    )
    frames.set_in_layout(False)
    axes.add_collection(frames, autolim=False)


# Distributions of weights


def histogram(layer: Layer, *, bins: int) -> Figure:
    """How often each weight occurs in one convolution."""
    figure = new_figure(7, 4)
    axes = figure.subplots()
    values = layer.kernel.ravel()
    axes.hist(values, bins=bins, color=STRONG)
    axes.axvline(0, color="0.3", lw=0.8)
    axes.set_title(
        f"{layer.name}: {values.size:,} kernel weights, mean {values.mean():.4f}, std {values.std():.4f}"
    )
    axes.set(xlabel="weight", ylabel="count")
    return figure


def compare_histograms(trained: Layer, untrained: Layer, *, bins: int, limit: tuple[str, float]) -> Figure:
    """Both distributions on common bins, with the initializer's limits.

    Args:
        trained: a convolution after training.
        untrained: the same before.
        bins: number of bins over the range of both.
        limit: words and value L; lines are drawn at -L and L.
    """
    figure = new_figure(8, 4.5)
    axes = figure.subplots()
    pairs = [("untrained", untrained.kernel.ravel(), ACCENT), ("trained", trained.kernel.ravel(), STRONG)]
    together = np.concatenate([values for _, values, _ in pairs])
    edges = np.histogram_bin_edges(together, bins).tolist()
    for name, values, colour in pairs:
        text = f"{name}: mean {values.mean():.4f}, std {values.std():.4f}"
        axes.hist(values, bins=edges, color=colour, alpha=0.55, label=text)
        axes.hist(values, bins=edges, color=colour, histtype="step", lw=1.2)
    words, value = limit
    for side, label in ((-value, f"initializer's {words}: ±{value:.4f}"), (value, None)):
        axes.axvline(side, color="0.2", ls="--", lw=1, label=label)
    axes.set_title(f"{trained.name}: {trained.kernel.size:,} kernel weights before and after training")
    axes.set(xlabel="weight", ylabel="count")
    axes.legend(fontsize=8)
    return figure


# Evaluation


def learning_curves(history: Mapping[str, Sequence[float]], best_epoch: int) -> Figure:
    """Loss and accuracy of training and validation over the epochs, the best epoch marked.

    Args:
        history: columns epoch, loss, accuracy, val_loss, val_accuracy.
        best_epoch: the epoch whose weights are kept.
    """
    figure = new_figure(10, 4.2)
    panels = {"loss": "loss (cross-entropy, nats)", "accuracy": "accuracy (share of images)"}
    epochs = history["epoch"]
    for axes, (name, label) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        axes.plot(epochs, history[name], color=ACCENT, marker="o", ms=4, ls="--", label="training")
        validation = history[f"val_{name}"]
        axes.plot(epochs, validation, color=STRONG, marker="o", ms=4, label="validation")
        axes.axvline(best_epoch, color="0.4", ls=":", label=f"best epoch: {best_epoch}")
        best = validation[list(epochs).index(best_epoch)]
        axes.plot([best_epoch], [best], marker="*", ms=14, color=STRONG, ls="none")
        # On the side where the training curve is not.
        below = best < history[name][list(epochs).index(best_epoch)]
        offset = (0, -20 if below else 10)
        axes.annotate(f"{best:.4f}", (best_epoch, best), offset, textcoords="offset points", ha="center")
        axes.set(xlabel="epoch", ylabel=label, title=label.split(" (")[0].capitalize())
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(y=0.15)
        axes.legend()
    return figure


def confusion(counts: Array, classes: Sequence[str]) -> Figure:
    """Which classes are taken for which: counts, coloured by the share of the actual class.

    Args:
        counts: (K, K) images; row = actual, column = predicted.
        classes: K names.
    """
    size = max(5.5, 0.62 * min(len(classes), 40) + 2.2)
    figure = new_figure(size + 0.8, size)
    axes = figure.subplots()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap=POSITIVE, norm=Normalize(0, 1))
    right = int(np.trace(counts))
    axes.set_title(f"Test images by class: {right:,} of {counts.sum():,} are right")
    axes.set(xlabel="predicted class", ylabel="actual class")
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), classes)
    if len(classes) <= MAX_ANNOTATED_CLASSES:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if share[row, column] > 0.5 else "0.1" if count else "0.7"
            axes.text(column, row, f"{count}", ha="center", va="center", fontsize=8, color=colour)
    figure.colorbar(image, label="share of the actual class", shrink=0.8)
    return figure


def predictions(
    images: Array, probabilities: Array, labels: Array, classes: Sequence[str], names: Sequence[str]
) -> Figure:
    """Each image beside the probabilities of its classes.

    Args:
        images: (N, H, W, C) uint8.
        probabilities: (N, K).
        labels: (N,) actual classes.
        classes: K names.
        names: N titles.
    """
    columns = min(2, len(images))
    rows = -(-len(images) // columns)
    figure = new_figure(6.2 * columns, rows * max(2.2, 0.2 * len(classes) + 0.8))
    panels = figure.subplots(rows, 2 * columns, squeeze=False, width_ratios=[1, 1.3] * columns).ravel()
    for axes in panels:
        axes.axis("off")
    for index, image in enumerate(images):
        picture, bars = panels[2 * index : 2 * index + 2]
        draw_image(picture, image)
        picture.set_title(f"{names[index]}\nis: {classes[labels[index]]}", fontsize=9)
        draw_probabilities(bars, probabilities[index], classes)
    return figure


def prediction(image: Array, probabilities: Array, classes: Sequence[str], name: str) -> Figure:
    """One image (H, W, C) uint8, as the network saw it, beside its class probabilities (K,)."""
    figure = new_figure(6.5, max(2.6, 0.2 * len(classes) + 0.8))
    picture, bars = figure.subplots(1, 2, width_ratios=(1, 1.3))
    draw_image(picture, image)
    picture.set_title(f"{name}, as the network saw it", fontsize=9)
    draw_probabilities(bars, probabilities, classes)
    return figure


def draw_probabilities(axes: Axes, probabilities: Array, classes: Sequence[str]) -> None:
    """Horizontal bars of class probabilities (K,), the predicted class named above."""
    predicted = int(probabilities.argmax())
    colours = [STRONG if k == predicted else SOFT for k in range(len(classes))]
    axes.axis("on")
    axes.barh(range(len(classes)), probabilities, color=colours)
    axes.set_yticks(range(len(classes)), classes, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1))
    axes.set_xlabel("probability", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(f"predicted: {classes[predicted]} ({probabilities[predicted]:.1%})", fontsize=9)


def mistakes(
    images: Array,
    probabilities: Array,
    labels: Array,
    numbers: Array,
    classes: Sequence[str],
    total: int,
) -> Figure:
    """The most confident wrong predictions among the test images.

    Args:
        images: (M, H, W, C) uint8, those wrongly predicted.
        probabilities: (M, K).
        labels: (M,) actual classes.
        numbers: (M,) of the images in the test set.
        classes: K names.
        total: wrong predictions in all.
    """
    columns, rows = MISTAKE_COLUMNS, max(1, -(-len(images) // MISTAKE_COLUMNS))
    figure = new_figure(2.2 * columns, 2.45 * rows + 0.6)
    figure.suptitle(f"Most confident mistakes on the test images: {len(images)} of {total:,}")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for index, image in enumerate(images):
        row = probabilities[index]
        draw_image(panels[index], image)
        text = f"test image {numbers[index]}\n{classes[row.argmax()]} ({row.max():.1%})?"
        panels[index].set_title(f"{text}\nis: {classes[labels[index]]}", fontsize=8)
    return figure


def draw_image(axes: Axes, image: Array) -> None:
    """One image (H, W, C) uint8: grey reversed (ink dark), colour as it is."""
    axes.axis("off")
    if image.shape[-1] == 1:
        axes.imshow(image[..., 0], cmap=GREY, vmin=0, vmax=255, interpolation="nearest")
    else:
        axes.imshow(image, interpolation="nearest")


# Feature maps


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
    name: str, maps: Array, rates: Array, kinds: Sequence[str], *, images: int, threshold: float
) -> Figure:
    """One tile per filter on one scale, with the filter's number and fire rate.

    Args:
        name: of the convolution.
        maps: (H, W, F) its output for one image.
        rates: (F,) fire rates, 0..1.
        kinds: F words: normal, dead, rare or always-on; the last three are framed.
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
    norm, colours = activation_scale(maps)
    unusual = {i: ACCENT for i, kind in enumerate(kinds) if kind != "normal"}
    labels = [_feature_label(i, rates[i], kind) for i, kind in enumerate(kinds)]
    draw_tiles(axes, np.moveaxis(maps, -1, 0), labels, columns, norm, colours, unusual)
    counts = ", ".join(f"{sum(k == kind for k in kinds)} {kind}" for kind in ("dead", "rare", "always-on"))
    axes.set_title(
        f"{name}: {filters} feature maps of {height}×{width}\nfilter number and fire rate (share of"
        f" outputs above {threshold:g} over {images:,} validation images); {counts}",
        fontsize=10,
    )
    shown = axes.images[0]
    figure.colorbar(shown, label="activation", shrink=0.8, pad=0.02)
    return figure


def _feature_label(index: int, rate: float, kind: str) -> str:
    return f"{index}: {rate:.0%}" if kind == "normal" else f"{index}: {kind}"


def activation_scale(values: Array) -> tuple[Normalize, str]:
    """Colour scale of activations: 0 to the largest when none is negative, else +-max around white."""
    largest = float(np.abs(values).max())
    # A map of zeros alone still needs a scale.
    if not math.isfinite(largest) or largest == 0:
        largest = 1.0
    if values.min() >= 0:
        return Normalize(0, largest), POSITIVE
    return Normalize(-largest, largest), SIGNED
