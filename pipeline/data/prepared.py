"""The prepared folder: the splits, and the images that the configuration chooses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.base.arrays import Array, read_array
from pipeline.base.errors import InputError
from pipeline.base.files import read_json
from pipeline.config.visualize import check_images


def split_rows(labels: Array, validation_fraction: float, seed: int) -> tuple[Array, Array]:
    """Rows of the training and the validation split, as scikit-learn's `train_test_split` draws them.

    Args:
        labels: (N,) uint8; only their number matters to the draw.
        validation_fraction: between 0 and 1.
        seed: `random_state` of the draw.

    Returns:
        Two int64 arrays of row numbers in the order of the split.

    Raises:
        InputError: a split would be empty or miss a class.
    """
    from sklearn.model_selection import train_test_split

    try:
        train, validation = train_test_split(
            np.arange(len(labels)), test_size=validation_fraction, random_state=seed
        )
    except ValueError as error:
        raise InputError(f"data.validation_fraction {validation_fraction}: {error}") from None
    for name, rows in (("training", train), ("validation", validation)):
        absent = sorted(set(np.unique(labels).tolist()) - set(np.unique(labels[rows]).tolist()))
        if absent:
            raise InputError(
                f"data.validation_fraction: received {validation_fraction}, which leaves the"
                f" {name} split of {len(rows)} images without class {absent[0]}; choose another"
            )
    return train, validation


def find_image(rows: dict[str, Array], counts: dict[str, int], split: str, index: int) -> tuple[str, int]:
    """Where a chosen image lies in the prepared data.

    Args:
        rows: source row (N,) of each image of the splits "train" and "validation".
        counts: images in each split.
        split: "train", "validation", "test", or "source" for the order of the source's training set.
        index: of the image in it, from 0.

    Returns:
        The split "train", "validation" or "test", and the index in it.

    Raises:
        InputError: there is no such image.
    """
    check_images([{"split": split, "index": index}], counts)
    if split != "source":
        return split, index
    name = "train" if index in rows["train"] else "validation"
    return name, int(np.flatnonzero(rows[name] == index)[0])


@dataclass(frozen=True)
class ChosenImage:
    """An image that the configuration asks for: its place, pixels (H, W, C) uint8 and class name."""

    split: str
    index: int
    pixels: Array
    class_name: str

    @property
    def title(self) -> str:
        """Words for a picture, e.g. "source image 0: Ankle boot"."""
        return f"{self.split} image {self.index}: {self.class_name}"


def read_chosen(prepared: Path, chosen: list[dict[str, Any]]) -> list[ChosenImage]:
    """Read the images of `visualize.images` from the folder of stage `prepare`.

    Raises:
        InputError: a file is missing or damaged, or there is no such image.
    """
    dataset = read_json(prepared / "dataset.json")
    rows = {name: read_array(prepared / f"{name}_rows.npy") for name in ("train", "validation")}
    images = []
    for place in chosen:
        split, row = find_image(rows, dataset["counts"], place["split"], place["index"])
        pixels = read_array(prepared / f"{split}_images.npy")[row]
        label = read_array(prepared / f"{split}_labels.npy")[row]
        images.append(ChosenImage(place["split"], place["index"], pixels, dataset["classes"][label]))
    return images
