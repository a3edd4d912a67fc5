"""What goes into the page: from the stages' arrays and reports to its contents."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import Any

import numpy as np

from pipeline.analysis.scores import confusion_matrix, score
from pipeline.base.arrays import Array
from pipeline.network import outputs
from pipeline.page import networks
from pipeline.page.contents import Contents
from pipeline.page.material import Material

# So many wrong images are run through the network to find the most confident mistakes among them.
MAX_RANKED = 1000


def export(
    material: Material, *, num_images: int, num_mistakes: int, kernel_limit: float | None, image_bytes: int
) -> Contents:
    """Everything that the page shows.

    Args:
        material: what the other stages left.
        num_images: test images in the page, at most.
        num_mistakes: the most confident mistakes shown.
        kernel_limit: colour range of kernels with one input channel, or None for their own.
        image_bytes: that the images may take in all; at least one is shown.
    """
    count = min(num_images, max(1, image_bytes // math.prod(material.dataset.shape)))
    mistakes, ranked = _most_confident_mistakes(material, min(num_mistakes, count))
    choice = choose(material.actual, material.predicted, mistakes, count)
    # The images that the configuration asks for come first.
    pictures = np.stack([*(image.pixels for image in material.chosen), *material.test_images[choice.rows]])
    probabilities = outputs.probabilities(material.network, pictures)
    places = {row: place for place, row in enumerate(choice.rows.tolist(), start=len(material.chosen))}
    values = {
        **_overview(material),
        "images": _captions(material, choice, probabilities),
        "samples": [places[row] for row in choice.samples],
        "mistakes": [places[row] for row in choice.mistakes],
        "mistakes_ranked": ranked,
        "background": background(pictures),
        "layers": [networks.described(layer) for layer in material.trained],
        "filters": networks.filters(material, kernel_limit),
        "epochs": material.epochs["epochs"].tolist(),
        "num_epochs": len(material.epochs["epochs"]),
    }
    arrays = {"images": pictures, "probabilities": probabilities}
    return Contents(values, arrays | networks.weights(material) | networks.patches(material))


def _overview(material: Material) -> dict[str, Any]:
    classes, metrics = material.dataset.classes, material.reports["metrics"]
    return {
        "classes": classes,
        "shape": material.dataset.shape,
        "counts": material.dataset.counts,
        "parameters": metrics["parameters"],
        "kept_epoch": metrics["kept_epoch"],
        "scores": {name: metrics[name] for name in ("validation", "test")},
        "untrained_score": _untrained_score(material),
        "history": {name: list(column) for name, column in material.history.items()},
        "class_scores": material.class_scores,
        "confusion": confusion_matrix(material.actual, material.predicted, len(classes)).tolist(),
    }


def _untrained_score(material: Material) -> dict[str, Any]:
    """Of the untrained network, on the validation images that the filters were switched off for."""
    importance = material.reports["explain"]["importance"]
    count = importance["images"]
    labels, images = material.dataset.labels("validation")[:count], material.validation_images[:count]
    logits = outputs.logits_and_probabilities(material.untrained_network, images)[0]
    compared = {"images": len(labels), "trained_accuracy": importance["accuracy"]}
    return {**score(logits, logits.argmax(axis=1), labels), **compared}


def _most_confident_mistakes(material: Material, count: int) -> tuple[list[int], int]:
    """Rows of the mistakes that the network was surest of, and among how many they were sought."""
    wrong = np.flatnonzero(material.actual != material.predicted)[:MAX_RANKED]
    if not len(wrong):
        return [], 0
    probabilities = outputs.probabilities(material.network, material.test_images[wrong])
    sure = probabilities[np.arange(len(wrong)), material.predicted[wrong]]
    return wrong[np.argsort(-sure, kind="stable")][:count].tolist(), len(wrong)


@dataclass(frozen=True)
class Choice:
    """Rows of the test images that the page holds, and why.

    Attributes:
        rows: int64 (M,), without repetition.
        samples: one row a class, of as many classes as there is room for.
        mistakes: the most confident ones first.
    """

    rows: Array
    samples: list[int]
    mistakes: list[int]


def choose(actual: Array, predicted: Array, mistakes: Sequence[int], count: int) -> Choice:
    """Choose `count` test images at most: one a class, the mistakes passed, then as many of each cell.

    Args:
        actual: (N,) class numbers.
        predicted: likewise.
        mistakes: rows of the most confident ones, in order.
    """
    samples = [int(np.flatnonzero(actual == k)[0]) for k in np.unique(actual)]
    wanted = dict.fromkeys(chain(samples, mistakes, _by_turns(actual, predicted)))
    chosen = list(islice(wanted, count))
    kept = ([row for row in rows if row in chosen] for rows in (samples, mistakes))
    return Choice(np.array(chosen, np.int64), *kept)


def _by_turns(actual: Array, predicted: Array) -> Iterator[int]:
    """The first image of each cell of the confusion matrix, mistakes first, then the second of each, ..."""
    cells: dict[tuple[bool, int, int], list[int]] = {}
    for row, (a, p) in enumerate(zip(actual.tolist(), predicted.tolist(), strict=True)):
        cells.setdefault((a == p, a, p), []).append(row)
    for turn in zip_longest(*(cells[key] for key in sorted(cells))):
        yield from (row for row in turn if row is not None)


def _captions(material: Material, choice: Choice, probabilities: Array) -> list[dict[str, Any]]:
    """Place, actual and predicted class of each image: first the chosen ones, then those of the test set."""
    classes, own = material.dataset.classes, len(material.chosen)
    images = [(image.split, image.index, classes.index(image.class_name)) for image in material.chosen]
    images += [("test", row, int(material.actual[row])) for row in choice.rows.tolist()]
    predicted = [*probabilities[:own].argmax(axis=1).tolist(), *material.predicted[choice.rows].tolist()]
    names = ("split", "index", "actual", "predicted")
    return [dict(zip(names, (*image, k), strict=True)) for image, k in zip(images, predicted, strict=True)]


def background(images: Array) -> int:
    """Level 0..255 of a drawing's paper: the median of the pixels at the images' edges."""
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return int(np.median(np.concatenate([edge.ravel() for edge in edges])))
