"""A run without training: a network with random weights, and the files that the other stages make of it."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from conftest import composed
from every_stage import ASSETS

from pipeline.analysis import firing, importance, patches, scores, walk, weights
from pipeline.base import arrays, files
from pipeline.base.arrays import Array
from pipeline.network import outputs
from pipeline.network.checkpoint import read_layers, save_network
from pipeline.network.layers import build_model
from pipeline.network.start import configure_runtime
from pipeline.stages.report import report

EPOCHS = 3
CLASSES = [f"class {letter}" for letter in "ABCDEFGHIJ"]
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(2)</script>',
    "</script><b>",
    "'; --",
    "a & b",
    "{{ 7 * 7 }}",
    "﷽ עברית",
    "x" * 90,
    "__proto__",
    "0",
]


def network_of(*overrides: str, shape: tuple[int, ...] = (28, 28, 1), num_classes: int = 10) -> Any:
    """An untrained Keras network of the configuration with overrides."""
    configure_runtime(seed=3, threads=2, device="auto")
    return build_model(composed(*overrides).model, input_shape=shape, num_classes=num_classes)


def remake_page(folder: Path, *overrides: str) -> Path:
    """Make the page of the run in a folder."""
    page = folder / "reports/index.html"
    report(composed(*overrides), folder / "prepared", folder / "models", folder / "reports", ASSETS, page)
    return page


def images_of_shapes(count: int, shape: Sequence[int], seed: int) -> Array:
    """(N, H, W, C) uint8: a bright rectangle each on black with some noise, so that maps find something."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 40, (count, *shape), np.uint8) * (random.random((count, *shape)) < 0.3)
    for image in images:
        top, left = random.integers(0, [max(1, size // 2) for size in shape[:2]])
        height, width = random.integers(2, [max(3, size // 2) for size in shape[:2]])
        image[top : top + height, left : left + width] = random.integers(120, 256, shape[2])
    return images.astype(np.uint8)


def shake(network: Any, seed: int) -> None:
    """Weights that are no initializer's: wider ones, and biases that are not zero."""
    random = np.random.default_rng(seed)
    network.set_weights(
        [w * 2 if w.ndim > 1 else random.normal(0, 0.2, w.shape) for w in network.get_weights()]
    )


def write_run(folder: Path, network: Any, classes: list[str], *, counts: tuple[int, int] = (24, 90)) -> None:
    """Write `prepared/`, `models/` and `reports/` as the stages do, for an untrained Keras network.

    Args:
        folder: to write in.
        network: a Sequential one; the best network is this one with other weights.
        classes: K names.
        counts: of validation and test images.
    """
    prepared, models, reports = (folder / name for name in ("prepared", "models", "reports"))
    shape = tuple(network.input_shape[1:])
    splits = {
        name: images_of_shapes(count, shape, seed)
        for seed, (name, count) in enumerate(zip(("train", "validation", "test"), (8, *counts), strict=True))
    }
    labels = {
        name: (np.arange(len(images)) % len(classes)).astype(np.uint8) for name, images in splits.items()
    }
    for name, images in splits.items():
        arrays.write_array(prepared / f"{name}_images.npy", images)
        arrays.write_array(prepared / f"{name}_labels.npy", labels[name])
    arrays.write_array(prepared / "train_rows.npy", np.arange(8))
    arrays.write_array(prepared / "validation_rows.npy", np.arange(8, 8 + counts[0]))
    about = {
        "name": "made",
        "classes": classes,
        "shape": list(shape),
        "counts": {n: len(i) for n, i in splits.items()},
    }
    files.write_json(prepared / "dataset.json", about)
    models.mkdir(parents=True)
    save_network(network, models / "untrained.keras")
    shake(network, 7)
    save_network(network, models / "best.keras")
    _write_epochs(models)
    _write_scores(reports, network, splits, labels, classes)
    _write_features(reports, network, splits, classes)
    _write_explanations(reports, network, splits["validation"], labels["validation"])
    _write_comparison(reports, models)


def _write_epochs(models: Path) -> None:
    """Kernels of some epochs: the untrained, some in between that are no training's, the best."""
    before, after = (
        {layer.name: layer.variables for layer in read_layers(models / f"{name}.keras")}
        for name in ("untrained", "best")
    )
    arrays: dict[str, Array] = {"epochs": np.arange(EPOCHS + 1)}
    for name, variables in after.items():
        if len(variables) == 2 and variables[0].ndim == 4:
            for kind, first, last in zip(("kernel", "bias"), before[name], variables, strict=True):
                steps = [first + (last - first) * share for share in np.linspace(0, 1, EPOCHS + 1)]
                arrays[f"{name}/{kind}"] = np.stack(steps).astype(np.float16)
    np.savez(models / "epochs.npz", **arrays)


def _write_comparison(reports: Path, models: Path) -> None:
    trained, untrained = (read_layers(models / f"{name}.keras") for name in ("best", "untrained"))
    pairs = weights.paired_convolutions(trained, untrained)
    distances = {after.name: weights.compare(after.kernel, before.kernel) for after, before in pairs}
    files.write_json(reports / "compare_untrained.json", distances)


def _write_scores(
    reports: Path, network: Any, splits: dict[str, Array], labels: dict[str, Array], classes: list[str]
) -> None:
    about: dict[str, Any] = {"parameters": network.count_params(), "epochs": EPOCHS, "kept_epoch": EPOCHS}
    for name in ("validation", "test"):
        logits, probabilities = outputs.logits_and_probabilities(network, splits[name])
        predicted = probabilities.argmax(axis=1)
        about[name] = scores.score(logits, predicted, labels[name])
    files.write_json(reports / "metrics.json", about)
    header = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    rows = [[1, 0.9, 0.5, 0.8, 0.6], [2, 0.7, 0.6, 0.6, 0.65], [3, 0.5, 0.7, 0.5, 0.7]]
    files.write_table(reports / "history.tsv", header, rows, "\t")
    columns = ("class", "precision", "recall", "f1", "images")
    table = scores.class_scores(labels["test"], predicted, classes)
    files.write_table(reports / "classes.csv", columns, table)
    pairs = [(classes[a], classes[p]) for a, p in zip(labels["test"], predicted, strict=True)]
    files.write_table(reports / "confusion.csv", ("actual", "predicted"), pairs)


def _write_features(reports: Path, network: Any, splits: dict[str, Array], classes: list[str]) -> None:
    names, many = outputs.convolution_names(network), splits["validation"]
    rates = firing.fire_rates(network, names, many, len(many))
    steps = {step.name: walk.describe_step(step) for step in walk.walk(network, splits["train"][0])}
    about = {
        "images": len(many),
        "layers": {name: firing.describe_rates(row) for name, row in rates.items()},
        "walks": [{"split": "source", "index": 0, "class": classes[0], "layers": steps}],
    }
    files.write_json(reports / "features.json", about)


def _write_explanations(reports: Path, network: Any, images: Array, labels: Array) -> None:
    names = outputs.convolution_names(network)
    ablated = {name: importance.ablation(network, name, images, labels) for name in names}
    worth = {
        "images": len(images),
        "accuracy": ablated[names[0]][0],
        "layers": {name: {"accuracy_lost": lost.tolist()} for name, (_, lost) in ablated.items()},
    }
    strongest = patches.strongest_patches(network, names, images)
    keys = ("images", "rows", "columns", "activations")
    found = {name: {key: getattr(row, key).tolist() for key in keys} for name, row in strongest.items()}
    about = {"patches": {"images": len(images), "layers": found}, "importance": worth}
    files.write_json(reports / "explain.json", about)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def json_of(path: Path) -> Any:
    return json.loads(path.read_text())
