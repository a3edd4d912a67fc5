"""What the other stages left, read: all that the page is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.base.arrays import Array, RowFile
from pipeline.network.checkpoint import Layer


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
