"""How far the NumPy twin is from what TensorFlow wrote into the reports."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.base.arrays import Array
from pipeline.page import twin
from pipeline.page.material import Material

# Validation images whose strongest activations are computed anew.
MAX_IMAGES = 200


def measure(given: Material, probabilities: Array, rows: Array) -> dict[str, Any]:
    """Compare the twin with TensorFlow's results in `features.json`, `explain.json` and `confusion.csv`.

    Args:
        given: what the other stages left.
        probabilities: (M, K) float32, the twin's for the test images in the page.
        rows: (M,) numbers of these images.

    Returns:
        JSON values: how many numbers were compared and the largest difference, relative to the largest
        value of the layer; of how many test images the class is the same.
    """
    walks, patches = list(_walks(given)), list(_patches(given))
    return {
        "extremes": _summary(walks),
        "activations": _summary(patches),
        "images": len(rows),
        "same_class": int((probabilities.argmax(axis=1) == given.predicted[rows]).sum()),
    }


def _summary(pairs: list[tuple[Array, Array]]) -> dict[str, Any]:
    """Pairs of computed and reported values, each of one layer."""
    return {
        "count": sum(len(reported) for _, reported in pairs),
        "largest_difference": max((_relative(*pair) for pair in pairs), default=0.0),
    }


def _relative(computed: Array, reported: Array) -> float:
    scale = float(np.abs(reported).max()) or 1.0
    return float(np.abs(computed - reported).max()) / scale


def _walks(given: Material) -> Iterator[tuple[Array, Array]]:
    """Smallest and largest output of each layer for each chosen image, before and after its activation."""
    for walk, image in zip(given.reports["features"]["walks"], given.chosen, strict=True):
        for step in twin.steps(given.trained, image["pixels"][np.newaxis]):
            about = walk["layers"][step.layer.name]
            pairs = [(step.output, about)]
            if step.before is not None:
                pairs.append((step.before, about["before_activation"]))
            for values, told in pairs:
                yield np.array([values.min(), values.max()]), np.array([told["min"], told["max"]])


def _patches(given: Material) -> Iterator[tuple[Array, Array]]:
    """The strongest activations of each filter, in the validation images that come first."""
    layers = given.reports["explain"]["patches"]["layers"]
    tables = {
        name: np.stack([np.array(row[key]) for key in ("images", "rows", "columns")], axis=-1)
        for name, row in layers.items()
    }
    numbers = np.unique(np.concatenate([table[..., 0].ravel() for table in tables.values()]))[:MAX_IMAGES]
    outputs = _outputs(given, numbers, list(tables))
    for name, table in tables.items():
        filters, places = np.nonzero(np.isin(table[..., 0], numbers))
        if len(filters):
            image, row, column = table[filters, places].T
            computed = outputs[name][np.searchsorted(numbers, image), row, column, filters]
            yield computed, np.array(layers[name]["activations"])[filters, places]


def _outputs(given: Material, numbers: Array, names: list[str]) -> dict[str, Array]:
    last = max(place for place, layer in enumerate(given.trained) if layer.name in names)
    batches = list(twin.in_batches(given.trained[: last + 1], given.validation_images[numbers]))
    joined = (np.concatenate([b[place].output for b in batches]) for place in range(len(batches[0])))
    found = dict(zip((step.layer.name for step in batches[0]), joined, strict=True))
    return {name: found[name] for name in names}
