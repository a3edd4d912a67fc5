"""A run without training: a network with random weights, and the files that the other stages make of it."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from conftest import composed
from every_stage import ASSETS

from pipeline.base import arrays, files
from pipeline.base.arrays import Array
from pipeline.config.schema import Config
from pipeline.data.findings import described
from pipeline.data.prepared import SPLITS, read_prepared
from pipeline.data.quality import scan
from pipeline.network.checkpoint import save_network
from pipeline.network.layers import build_model
from pipeline.network.start import configure_runtime
from pipeline.stages import compare_untrained, evaluate, explain, visualize_features
from pipeline.stages.report import report
from pipeline.training.snapshots import joined, snapshot, write_snapshots

EPOCHS = 3
# What each stage draws with.
DRAWING = {
    evaluate: ("curves", "evaluation"),
    visualize_features: ("features", "_draw_walk"),
    compare_untrained: ("kernels", "weights"),
    explain: ("explanations",),
}
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


def write_run(folder: Path, network: Any, classes: list[str]) -> None:
    """Write `prepared/`, `models/` and `reports/` as the stages do.

    `network`, an untrained Sequential one, becomes the best network with other weights.
    """
    prepared, models, reports = (folder / name for name in ("prepared", "models", "reports"))
    _write_prepared(prepared, tuple(network.input_shape[1:]), classes)
    save_network(network, models / "untrained.keras")
    before, snapshots = network.get_weights(), snapshot(network)
    shake(network, 7)
    after = network.get_weights()
    for share in np.linspace(0, 1, EPOCHS + 1)[1:]:
        network.set_weights([old + (new - old) * share for old, new in zip(before, after, strict=True)])
        snapshots = joined(snapshots, snapshot(network))
    write_snapshots(models / "epochs.npz", snapshots)
    save_network(network, models / "best.keras")
    header = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    rows = [[1, 0.9, 0.5, 0.8, 0.6], [2, 0.7, 0.6, 0.6, 0.65], [3, 0.5, 0.7, 0.5, 0.7]]
    files.write_table(reports / "history.tsv", header, rows, "\t")
    _write_reports(composed("explain.sanity_images=1"), prepared, models, reports)


def _write_prepared(folder: Path, shape: tuple[int, ...], classes: list[str]) -> None:
    sizes = {"train": 8, "validation": 24, "test": 90}
    for seed, (name, count) in enumerate(sizes.items()):
        arrays.write_array(folder / f"{name}_images.npy", images_of_shapes(count, shape, seed))
        arrays.write_array(folder / f"{name}_labels.npy", (np.arange(count) % len(classes)).astype(np.uint8))
    arrays.write_array(folder / "train_rows.npy", np.arange(8))
    arrays.write_array(folder / "validation_rows.npy", np.arange(8, 8 + 24))
    about = {"name": "made", "classes": classes, "shape": list(shape), "counts": sizes, "different": sizes}
    about |= {"resize": "stretch", "deep_range": None}
    files.write_json(folder / "dataset.json", about)


def _write_reports(cfg: Config, prepared: Path, models: Path, reports: Path) -> None:
    """What the stages after `train` write, without their pictures."""
    best, untrained, pictures = models / "best.keras", models / "untrained.keras", reports / "figures"
    with pytest.MonkeyPatch.context() as patch:
        for stage, names in DRAWING.items():
            for name in ("write_figure", *names):
                patch.setattr(stage, name, MagicMock())
        patch.setattr(explain, "_attributions", lambda *_: [])
        patch.setattr(explain, "_print_summary", MagicMock())
        given = read_prepared(prepared)
        images, labels = ({split: get(split) for split in SPLITS} for get in (given.images, given.labels))
        scans = {split: scan(part) for split, part in images.items()}
        files.write_json(reports / "data.json", described(scans, images, labels, given.classes, {}))
        evaluate.evaluate(cfg, best, prepared, reports / "history.tsv", reports, pictures)
        features = reports / "features.json"
        visualize_features.visualize_features(cfg, best, untrained, prepared, features, pictures)
        compare_untrained.compare_untrained(
            cfg, best, untrained, reports / "compare_untrained.json", pictures
        )
        explain.explain(cfg, best, prepared, reports / "explain.json", pictures)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def json_of(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
