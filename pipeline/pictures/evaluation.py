"""Pictures of what the network gets right and wrong: confusion, predictions, mistakes.

Of N images (N, H, W, C) uint8 with their labels (N,) and probabilities (N, K); `classes` are K names.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pipeline.base.arrays import Array
from pipeline.pictures.drawing import POSITIVE, Scale, draw_image, draw_probabilities, new_figure, shortened

MAX_ANNOTATED_CLASSES = 20
MISTAKE_COLUMNS = 5
FILE_NAME_WIDTH = 70


def confusion(counts: Array, classes: Sequence[str]) -> Figure:
    """Which classes are taken for which: counts (K, K), coloured by the share of the actual class.

    Row = actual, column = predicted, as in every confusion.
    """
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    scale = Normalize(0, 1), POSITIVE
    figure = confusion_matrix(share, counts.astype(str), classes, scale, "share of the actual class")
    right = int(np.trace(counts))
    figure.axes[0].set_title(f"Test images by class: {right:,} of {counts.sum():,} are right")
    return figure


def confusion_matrix(values: Array, texts: Array, classes: Sequence[str], scale: Scale, label: str) -> Figure:
    """Values (K, K) as colours, whose bar has a label, with texts (K, K) where the classes are few."""
    size = max(5.5, 0.62 * min(len(classes), 40) + 2.2)
    figure = new_figure(size + 0.8, size)
    axes = figure.subplots()
    image = axes.imshow(values, cmap=scale[1], norm=scale[0])
    names = list(map(shortened, classes))
    axes.set(xlabel="predicted class", ylabel="actual class")
    axes.set_xticks(range(len(classes)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), names)
    if len(classes) <= MAX_ANNOTATED_CLASSES:
        for (row, column), text in np.ndenumerate(texts):
            strong = abs(values[row, column]) > 0.5 * (scale[0].vmax or 1)
            colour = "white" if strong else "0.7" if text == "0" else "0.1"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    figure.colorbar(image, label=label, shrink=0.8)
    return figure


def predictions(images: Array, probabilities: Array, labels: Array, classes: Sequence[str]) -> Figure:
    """Each of the first test images beside the probabilities of its classes."""
    columns = min(2, len(images))
    rows = -(-len(images) // columns)
    figure = new_figure(6.2 * columns, rows * max(2.2, 0.2 * len(classes) + 0.8))
    panels = figure.subplots(rows, 2 * columns, squeeze=False, width_ratios=[1, 1.3] * columns).ravel()
    for axes in panels:
        axes.axis("off")
    for index, image in enumerate(images):
        picture, bars = panels[2 * index : 2 * index + 2]
        draw_image(picture, image, f"test image {index}\nis: {shortened(classes[labels[index]])}")
        draw_probabilities(bars, probabilities[index], classes)
    return figure


def prediction(image: Array, probabilities: Array, classes: Sequence[str], name: str) -> Figure:
    """One image (H, W, C) uint8, as the network saw it, beside its class probabilities (K,)."""
    figure = new_figure(6.5, max(2.9, 0.2 * len(classes) + 1.1))
    figure.suptitle(shortened(name, FILE_NAME_WIDTH), fontsize=10)
    picture, bars = figure.subplots(1, 2, width_ratios=(1, 1.3))
    draw_image(picture, image, "as the network saw it")
    draw_probabilities(bars, probabilities, classes)
    return figure


def mistakes(
    images: Array, probabilities: Array, labels: Array, numbers: Array, classes: Sequence[str], total: int
) -> Figure:
    """The most confident wrong predictions, N of a total, with their numbers (N,) in the test set."""
    columns, rows = MISTAKE_COLUMNS, max(1, -(-len(images) // MISTAKE_COLUMNS))
    figure = new_figure(2.2 * columns, 2.45 * rows + 0.6)
    figure.suptitle(f"Most confident mistakes on the test images: {len(images)} of {total:,}")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for index, image in enumerate(images):
        row = probabilities[index]
        predicted, actual = (shortened(classes[k], 24) for k in (row.argmax(), labels[index]))
        text = f"test image {numbers[index]}\n{predicted} ({row.max():.1%})?\nis: {actual}"
        draw_image(panels[index], image, text, fontsize=8)
    return figure
