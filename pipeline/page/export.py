"""What goes into the page: from the stages' arrays and reports to its contents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.page import images, truth, twin
from pipeline.page.contents import Contents
from pipeline.page.sources import (
    Array,
    InputError,
    Layer,
    ReceptiveField,
    RowFile,
    colour_limit,
    convolutions,
    initializer_limit,
    paired_convolutions,
    score,
    widened,
)

# So many wrong images are run through the network to find the most confident mistakes among them.
MAX_RANKED = 1000
CONFIGURED = ("activation", "filters", "kernel_size", "padding", "pool_size", "rate", "strides", "units")


@dataclass(frozen=True)
class Material:
    """All that the stage has read.

    Attributes:
        dataset: `dataset.json`: name, classes, shape, counts.
        trained: the best network's layers.
        untrained: the same before the first step.
        epochs: arrays of `epochs.npz` by name.
        reports: JSON values by name: `metrics`, `features`, `compare_untrained`, `explain`.
        history: columns of `history.tsv` by name.
        class_scores: rows of `classes.csv` by column name.
        actual: class numbers (N,) of the test images.
        predicted: likewise, as TensorFlow predicted them.
        test_images: (N, H, W, C) uint8.
        validation_images: (V, H, W, C) uint8.
        validation_labels: (V,) uint8.
        chosen: the images that the configuration asks for, (H, W, C) uint8, by their titles.
    """

    dataset: Mapping[str, Any]
    trained: list[Layer]
    untrained: list[Layer]
    epochs: Mapping[str, Array]
    reports: Mapping[str, Any]
    history: Mapping[str, list[float]]
    class_scores: list[dict[str, str]]
    actual: Array
    predicted: Array
    test_images: RowFile
    validation_images: RowFile
    validation_labels: Array
    chosen: list[dict[str, Any]]


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
    choice = images.choose(given.actual, given.predicted, ranked, count)
    pictures = given.test_images[choice.rows]
    computed = twin.probabilities(given.trained, pictures)
    shown, pictures, computed = _with_chosen(given, choice, pictures, computed)
    values = {
        **_overview(given),
        "images": shown,
        "samples": _places(choice.rows, choice.samples, len(given.chosen)),
        "mistakes": _places(choice.rows, choice.mistakes, len(given.chosen)),
        "mistakes_ranked": looked_at,
        "background": images.background(pictures),
        "layers": [described(layer) for layer in given.trained],
        "filters": {a.name: _filters(given, a, b, kernel_limit) for a, b in _pairs(given)},
        "epochs": given.epochs["epochs"].tolist(),
        "num_epochs": len(given.epochs["epochs"]),
        "truth": truth.measure(given, computed[len(given.chosen) :], choice.rows),
    }
    arrays = {"images": pictures, "probabilities": computed, **_weights(given), **_patches(given)}
    return Contents(values, arrays)


def _pairs(given: Material) -> list[tuple[Layer, Layer]]:
    return paired_convolutions(given.trained, given.untrained)


def _overview(given: Material) -> dict[str, Any]:
    classes = given.dataset["classes"]
    return {
        "name": given.dataset["name"],
        "classes": classes,
        "shape": list(given.dataset["shape"]),
        "counts": given.dataset["counts"],
        **{name: given.reports["metrics"][name] for name in ("parameters", "best_epoch")},
        "scores": {name: given.reports["metrics"][name] for name in ("validation", "test")},
        "untrained_score": _untrained_score(given),
        "history": {name: list(column) for name, column in given.history.items()},
        "class_scores": given.class_scores,
        "confusion": images.confusion(given.actual, given.predicted, len(classes)).tolist(),
    }


def _untrained_score(given: Material) -> dict[str, Any]:
    """Of the untrained network, on the validation images that the filters were switched off for."""
    importance = given.reports["explain"]["importance"]
    first = slice(importance["images"])
    found = twin.probabilities(given.untrained, given.validation_images[first])
    compared = {"images": len(found), "trained_accuracy": importance["accuracy"]}
    return {**score(found, given.validation_labels[first]), **compared}


def _most_confident_mistakes(given: Material, count: int) -> tuple[list[int], int]:
    """Rows of the mistakes that the network was surest of, and among how many they were sought."""
    wrong = np.flatnonzero(given.actual != given.predicted)[:MAX_RANKED]
    if not len(wrong):
        return [], 0
    found = twin.probabilities(given.trained, given.test_images[wrong])
    sure = found[np.arange(len(wrong)), given.predicted[wrong]]
    return wrong[np.argsort(-sure, kind="stable")][:count].tolist(), len(wrong)


def _with_chosen(
    given: Material, choice: images.Choice, pictures: Array, computed: Array
) -> tuple[list[dict[str, Any]], Array, Array]:
    """The chosen images before those of the test set: what is told of each, pixels, probabilities."""
    own = np.stack([image["pixels"] for image in given.chosen])
    told = [{key: image[key] for key in ("split", "index", "actual")} for image in given.chosen]
    found = twin.probabilities(given.trained, own)
    told = [{**row, "predicted": int(k)} for row, k in zip(told, found.argmax(axis=1), strict=True)]
    test = [
        {"split": "test", "index": row, "actual": int(given.actual[row]), "predicted": int(given.predicted[row])}
        for row in choice.rows.tolist()
    ]
    return told + test, np.concatenate([own, pictures]), np.concatenate([found, computed])


def _places(rows: Array, wanted: Sequence[int], offset: int) -> list[int]:
    """Where those rows are among the page's images."""
    places = {row: place + offset for place, row in enumerate(rows.tolist())}
    return [places[row] for row in wanted]


def described(layer: Layer) -> dict[str, Any]:
    """What the browser's engine needs to know of a layer, and the shapes to show."""
    return {
        "kind": layer.kind,
        "name": layer.name,
        "config": {key: layer.config[key] for key in CONFIGURED if key in layer.config},
        "input_shape": list(layer.input_shape),
        "output_shape": list(layer.output_shape),
        "parameters": layer.parameters,
    }


def _filters(given: Material, after: Layer, before: Layer, kernel_limit: float | None) -> dict[str, Any]:
    """Numbers of each filter of one convolution."""
    features, explained = given.reports["features"], given.reports["explain"]
    words, limit = initializer_limit(before)
    return {
        **features["layers"][after.name],
        "fire_rate_images": features["images"],
        "accuracy_lost": explained["importance"]["layers"][after.name]["accuracy_lost"],
        "accuracy_images": explained["importance"]["images"],
        "patch_images": explained["patches"]["images"],
        "cosine": given.reports["compare_untrained"][after.name]["cosine"],
        "initializer": {"words": words, "limit": limit},
        "colour_limit": colour_limit(kernel_limit, after.kernel, before.kernel),
    }


def _weights(given: Material) -> dict[str, Array]:
    """Trained weights as they are; of the untrained network, which no result rests on, 16 bits each."""
    names = ("kernel", "bias")
    found = {}
    for layer in given.trained:
        found |= {f"trained/{layer.name}/{n}": a for n, a in zip(names, layer.variables, strict=False)}
    for layer in given.untrained:
        halves = [array.astype(np.float16) for array in layer.variables]
        found |= {f"untrained/{layer.name}/{n}": a for n, a in zip(names, halves, strict=False)}
    for after, _ in _pairs(given):
        found |= {f"epochs/{after.name}/{n}": _epochs(given, after, n) for n in names}
    return found


def _epochs(given: Material, layer: Layer, name: str) -> Array:
    """Float16 (E, ...) of one variable of a convolution after each epoch."""
    expected = (len(given.epochs["epochs"]), *layer.variables[name == "bias"].shape)
    array = given.epochs.get(f"{layer.name}/{name}")
    if array is None or array.shape != expected:
        received = "none" if array is None else array.shape
        raise InputError(
            f"epochs.npz: received {received} for {layer.name}/{name}, expected {expected};"
            " run `dvc repro train` to write it anew"
        )
    return array.astype(np.float16)


def fields(network: Sequence[Layer]) -> dict[str, tuple[ReceptiveField, ReceptiveField]]:
    """Receptive field down and across of each layer up to `Flatten`, by layer name."""
    found, current = {}, (ReceptiveField(), ReceptiveField())
    for layer in network:
        if layer.kind == "Flatten":
            break
        windows = layer.config.get("kernel_size", layer.config.get("pool_size"))
        if windows is not None:
            strides, padding = layer.config["strides"], layer.config["padding"]
            sizes = zip(current, layer.input_shape[:2], windows, strides, strict=True)
            down, across = (widened(*size, padding) for size in sizes)
            current = down, across
        found[layer.name] = current
    return found


def _patches(given: Material) -> dict[str, Array]:
    """Of each convolution's filter F, the strongest P patches: pixels, and where they lie.

    Returns:
        `patches/<layer>/pixels` (F, P, h, w, C) uint8, the part of the field that lies in the image, moved
        to the upper left; `patches/<layer>/places` (F, P, 4) int16, its first and last row and column in
        the field (ends excluded); `patches/<layer>/activations` float32 (F, P).
    """
    arrays: dict[str, Array] = {}
    for name, row in given.reports["explain"]["patches"]["layers"].items():
        down, across = fields(given.trained)[name]
        pixels, places = _crops(given, row, down, across)
        arrays[f"patches/{name}/pixels"] = pixels
        arrays[f"patches/{name}/places"] = places
        arrays[f"patches/{name}/activations"] = np.array(row["activations"], np.float32)
    return arrays


def _crops(
    given: Material, row: Mapping[str, Any], down: ReceptiveField, across: ReceptiveField
) -> tuple[Array, Array]:
    numbers = np.array(row["images"], np.int64)
    height, width, channels = given.dataset["shape"]
    tall, wide = min(down.size, height), min(across.size, width)
    pixels = np.zeros((*numbers.shape, tall, wide, channels), np.uint8)
    places = np.zeros((*numbers.shape, 4), np.int16)
    images_needed, inverse = np.unique(numbers, return_inverse=True)
    sources = given.validation_images[images_needed]
    for place, source in zip(np.ndindex(numbers.shape), inverse.ravel(), strict=True):
        (top, bottom), (left, right) = (
            _inside(field, size, row[axis][place[0]][place[1]])
            for field, size, axis in ((down, height, "rows"), (across, width, "columns"))
        )
        part = sources[source, top:bottom, left:right]
        pixels[place][: bottom - top, : right - left] = part
        first_row, first_column = (f.extent(row[a][place[0]][place[1]])[0] for f, a in ((down, "rows"), (across, "columns")))
        places[place] = top - first_row, bottom - first_row, left - first_column, right - first_column
    return pixels, places


def _inside(field: ReceptiveField, size: int, output: int) -> tuple[int, int]:
    """The pixels of an output's field that lie in the image."""
    first, end = field.extent(output)
    return max(0, first), min(size, end)
