"""Pictures of what differs between two runs: confusion, classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pipeline.base.arrays import Array
from pipeline.pictures.drawing import ACCENT, STRONG, new_figure, shortened, signed_scale
from pipeline.pictures.evaluation import confusion_matrix


def confusion_change(difference: Array, classes: Sequence[str], new: str, baseline: str) -> Figure:
    """How many more (red) or fewer (blue) test images fall into each cell of the confusion.

    Args:
        difference: (K, K) images, new minus baseline; row = actual, column = predicted.
        classes: K names.
        new: label of the run.
        baseline: label of the run that it is set against.
    """
    texts, label = np.vectorize(signed)(difference), "images more (red) or fewer (blue)"
    figure = confusion_matrix(difference, texts, classes, signed_scale(difference), label)
    axes = figure.axes[0]
    figure.suptitle(f"Test images per cell: {new}\nminus {baseline}", fontsize=11)
    axes.set_title(f"framed diagonal: right predictions, {signed(np.trace(difference))} in all", fontsize=10)
    for number in range(len(classes)):
        axes.add_patch(Rectangle((number - 0.5, number - 0.5), 1, 1, fill=False, ec="0.2", lw=1.2))
    return figure


def signed(value: float) -> str:
    """A count with its sign; a mean over seeds has one decimal."""
    if value == 0:
        return "0"
    text = f"{value:+.0f}" if float(value).is_integer() else f"{value:+.1f}"
    return text.replace("-", "−")


def class_changes(changes: Mapping[str, Array], classes: Sequence[str], new: str, baseline: str) -> Figure:
    """The change (K,) of each class's scores, by their name, as bars: blue for better, orange for worse.

    The other arguments are those of `confusion_change`.
    """
    figure = new_figure(3.4 * len(changes) + 1.4, 0.34 * len(classes) + 2.0)
    figure.suptitle(f"Change per class on the test images: {new}\nminus {baseline}", fontsize=11)
    limit = max(float(np.abs(values).max()) for values in changes.values()) or 0.01
    panels = figure.subplots(1, len(changes), sharey=True, squeeze=False)[0]
    for axes, (name, values) in zip(panels, changes.items(), strict=True):
        bars = axes.barh(range(len(classes)), values, color=np.where(values < 0, ACCENT, STRONG))
        texts = [f"{value:+.3f}".replace("-", "−") if abs(value) >= 0.0005 else "0.000" for value in values]
        axes.bar_label(bars, texts, padding=3, fontsize=8)
        axes.axvline(0, color="0.3", lw=0.8)
        axes.set(title=name, xlabel=f"change of {name}", xlim=(-1.45 * limit, 1.45 * limit))
    panels[0].set_yticks(range(len(classes)), list(map(shortened, classes)))
    panels[0].invert_yaxis()
    panels[0].set_ylabel("class")
    return figure
