"""Pictures of the weights' distribution, and of the architecture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from pipeline.network.checkpoint import Layer
from pipeline.pictures.drawing import ACCENT, STRONG, new_figure, shape_text, shortened


def architecture(network: Sequence[Layer]) -> Figure:
    """The layers as boxes from top to bottom: names and classes left, shapes and sizes right."""
    figure = new_figure(11, 0.62 * len(network) + 0.9)
    names, shapes = figure.subplots(1, 2, width_ratios=(1.3, 2))
    total = sum(layer.parameters for layer in network)
    names.set_title("Layers")
    shapes.set_title(f"Input shape → output shape, parameters ({total:,} in all)")
    _draw_boxes(names, [shortened(f"{layer.name} ({layer.kind})", 44) for layer in network])
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
    style = "round,pad=0,rounding_size=0.04"
    for row, text in enumerate(texts):
        box = FancyBboxPatch((0.03, row + 0.14), 0.94, 0.6, style, fc="#eaf1fa", ec=STRONG, mutation_aspect=4)
        axes.add_patch(box)
        axes.text(0.5, row + 0.44, text, ha="center", va="center", fontsize=10)
        if row:
            arrow = {"arrowstyle": "-|>", "color": STRONG, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", (0.5, row + 0.14), (0.5, row - 0.26), arrowprops=arrow)


def histogram(layer: Layer, *, bins: int) -> Figure:
    """How often each weight occurs in one convolution."""
    figure = new_figure(7, 4)
    axes = figure.subplots()
    values = layer.kernel.ravel()
    axes.hist(values, bins=bins, color=STRONG)
    axes.axvline(0, color="0.3", lw=0.8)
    moments = f"mean {values.mean():.4f}, std {values.std():.4f}"
    axes.set_title(f"{layer.name}: {values.size:,} kernel weights, {moments}")
    axes.set(xlabel="weight", ylabel="count")
    return figure


def compare_histograms(trained: Layer, untrained: Layer, *, bins: int, limit: tuple[str, float]) -> Figure:
    """Both distributions of a convolution's weights on common bins, with the initializer's limits.

    `limit` is words and a value L: lines are drawn at -L and L.
    """
    figure = new_figure(8, 4.5)
    axes = figure.subplots()
    pairs = [("untrained", untrained.kernel.ravel(), ACCENT), ("trained", trained.kernel.ravel(), STRONG)]
    edges = np.histogram_bin_edges([values for _, values, _ in pairs], bins).tolist()
    for name, values, colour in pairs:
        text = f"{name}: mean {values.mean():.4f}, std {values.std():.4f}"
        axes.hist(values, bins=edges, color=colour, alpha=0.55, label=text)
        axes.hist(values, bins=edges, color=colour, histtype="step", lw=1.2)
    words, value = limit
    axes.axvline(-value, color="0.2", ls="--", lw=1, label=f"initializer's {words}: ±{value:.4f}")
    axes.axvline(value, color="0.2", ls="--", lw=1)
    axes.set_title(f"{trained.name}: {trained.kernel.size:,} kernel weights before and after training")
    axes.set(xlabel="weight", ylabel="count")
    axes.legend(fontsize=8)
    return figure
