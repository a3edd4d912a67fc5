"""What goes into the page: from the stages' arrays and reports to its contents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import Any

import numpy as np

from pipeline.analysis.scores import confusion_matrix, score
from pipeline.base.arrays import Array
from pipeline.page import networks, truth, twin
from pipeline.page.contents import Contents
from pipeline.page.material import Material

# So many wrong images are run through the network to find the most confident mistakes among them.
MAX_RANKED = 1000


def export(
    given: Material, *, num_images: int, num_mistakes: int, kernel_limit: float | None, image_bytes: int
) -> Contents:
    """Everything that the page shows.

    Args:
        given: what the other stages left.
        num_images: test images in the page, at most.
        num_mistakes: the most confident mistakes shown.
        kernel_limit: colour range of kernels with one input channel, or None for their own.
        image_bytes: that the images may take in all; at least one is shown.
    """
    per_image = int(np.prod(given.dataset["shape"]))
    count = min(num_images, max(1, image_bytes // per_image))
    ranked, looked_at = _most_confident_mistakes(given, min(num_mistakes, count))
    choice = choose(given.actual, given.predicted, ranked, count)
    pictures = given.test_images[choice.rows]
    computed = twin.probabilities(given.trained, pictures)
    places = {row: place for place, row in enumerate(choice.rows.tolist(), start=len(given.chosen))}
    shown, pictures, computed = _with_chosen(given, choice, pictures, computed)
    values = {
        **_overview(given),
        "images": shown,
        "samples": [places[row] for row in choice.samples],
        "mistakes": [places[row] for row in choice.mistakes],
        "mistakes_ranked": looked_at,
        "background": background(pictures),
        "layers": [networks.described(layer) for layer in given.trained],
        "filters": networks.filters(given, kernel_limit),
        "epochs": given.epochs["epochs"].tolist(),
        "num_epochs": len(given.epochs["epochs"]),
        "truth": truth.measure(given, computed[len(given.chosen) :], choice.rows),
    }
    arrays = {"images": pictures, "probabilities": computed}
    return Contents(values, arrays | networks.weights(given) | networks.patches(given))


def _overview(given: Material) -> dict[str, Any]:
    classes = given.dataset["classes"]
    return {
        "name": given.dataset["name"],
        "classes": classes,
        "shape": list(given.dataset["shape"]),
        "counts": given.dataset["counts"],
        "parameters": given.reports["metrics"]["parameters"],
        "best_epoch": given.reports["metrics"]["kept_epoch"],
        "scores": {name: given.reports["metrics"][name] for name in ("validation", "test")},
        "untrained_score": _untrained_score(given),
        "history": {name: list(column) for name, column in given.history.items()},
        "class_scores": given.class_scores,
        "confusion": confusion_matrix(given.actual, given.predicted, len(classes)).tolist(),
    }


def _untrained_score(given: Material) -> dict[str, Any]:
    """Of the untrained network, on the validation images that the filters were switched off for."""
    importance = given.reports["explain"]["importance"]
    first = slice(importance["images"])
    logits, found = twin.logits_and_probabilities(given.untrained, given.validation_images[first])
    compared = {"images": len(found), "trained_accuracy": importance["accuracy"]}
    return {**score(logits, found.argmax(axis=1), given.validation_labels[first]), **compared}


def _most_confident_mistakes(given: Material, count: int) -> tuple[list[int], int]:
    """Rows of the mistakes that the network was surest of, and among how many they were sought."""
    wrong = np.flatnonzero(given.actual != given.predicted)[:MAX_RANKED]
    if not len(wrong):
        return [], 0
    found = twin.probabilities(given.trained, given.test_images[wrong])
    sure = found[np.arange(len(wrong)), given.predicted[wrong]]
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
    """Choose `count` test images at most: one a class, the mistakes given, then as many of each cell.

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


def _with_chosen(
    given: Material, choice: Choice, pictures: Array, computed: Array
) -> tuple[list[dict[str, Any]], Array, Array]:
    """The chosen images before those of the test set: what is told of each, pixels, probabilities."""
    own = np.stack([image["pixels"] for image in given.chosen])
    found = twin.probabilities(given.trained, own)
    rows = [(image["split"], image["index"], image["actual"]) for image in given.chosen]
    rows += [("test", row, int(given.actual[row])) for row in choice.rows.tolist()]
    predicted = [*found.argmax(axis=1).tolist(), *given.predicted[choice.rows].tolist()]
    names = ("split", "index", "actual", "predicted")
    told = [dict(zip(names, (*row, k), strict=True)) for row, k in zip(rows, predicted, strict=True)]
    return told, np.concatenate([own, pictures]), np.concatenate([found, computed])


def background(images: Array) -> int:
    """Level 0..255 of a drawing's paper: the median of the pixels at the images' edges."""
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return int(np.median(np.concatenate([edge.ravel() for edge in edges])))
