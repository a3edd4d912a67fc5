"""What the other stages left, read: all that the page is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.base.arrays import Array, RowFile
from pipeline.data.prepared import ChosenImage, Prepared
from pipeline.network.checkpoint import Layer
from pipeline.network.keras_types import Model


@dataclass(frozen=True)
class Material:
    """All that the stage has read.

    Attributes:
        dataset: the prepared folder.
        network: the trained one, which computes what the page's own engine is held to.
        untrained_network: the same before the first step.
        trained: the layers of the trained network.
        untrained: those of the untrained one.
        epochs: arrays of `epochs.npz` by name.
        reports: JSON values by name: `metrics`, `data`, `features`, `compare_untrained`, `explain`.
        history: columns of `history.tsv` by name.
        class_scores: rows of `classes.csv` by column name.
        actual: class numbers (N,) of the test images.
        predicted: likewise, as stage `evaluate` predicted them.
        test_images: (N, H, W, C) uint8.
        validation_images: (V, H, W, C) uint8.
        chosen: the images that the configuration asks for.
    """

    dataset: Prepared
    network: Model
    untrained_network: Model
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
    chosen: list[ChosenImage]
