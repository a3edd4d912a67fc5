"""The prepared folder: the splits, and the images that the configuration chooses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.base import files
from pipeline.base.arrays import Array, RowFile
from pipeline.base.errors import InputError
from pipeline.config.visualize import ImageChoice, check_images

SPLITS = ("train", "validation", "test")


def split_rows(
    labels: Array, validation_fraction: float, seed: int, classes: Sequence[str]
) -> tuple[Array, Array]:
    """Rows of the training and the validation split, as scikit-learn's `train_test_split` draws them.

    Args:
        labels: (N,) uint8; only their number matters to the draw.
        validation_fraction: between 0 and 1.
        seed: `random_state` of the draw.
        classes: K names.

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
    for split, rows in (("training", train), ("validation", validation)):
        for label, name in enumerate(classes):
            if not (labels[rows] == label).any():
                count = int((labels == label).sum())
                raise InputError(
                    f"data.validation_fraction: received {validation_fraction}, which leaves the {split}"
                    f" split of {len(rows)} images without {name!r} ({count} images): set it higher, or"
                    " data.split_seed to another number"
                )
    return train, validation


def find_image(rows: dict[str, Array], counts: dict[str, int], image: ImageChoice) -> tuple[str, int]:
    """The split "train", "validation" or "test" that has a chosen image, and its index in it.

    Args:
        rows: source row (N,) of each image of the splits "train" and "validation".
        counts: images in each split.
        image: in one of the three, or in "source", the order of the source's training set.

    Raises:
        InputError: there is no such image.
    """
    check_images([image], counts)
    if image.split != "source":
        return image.split, image.index
    for name, source in rows.items():
        if len(places := np.flatnonzero(source == image.index)):
            return name, int(places[0])
    raise InputError(
        f"visualize.images: source {image.index}: not in a split; run `dvc repro --force prepare`"
    )


@dataclass(frozen=True)
class ChosenImage:
    """An image that the configuration asks for: its place, pixels (H, W, C) uint8 and class name."""

    split: str
    index: int
    pixels: Array
    class_name: str

    @property
    def title(self) -> str:
        """Title of a picture, e.g. "source image 0: Ankle boot"."""
        return f"{self.split} image {self.index}: {self.class_name}"


@dataclass(frozen=True)
class Prepared:
    """The folder of stage `prepare`.

    Attributes:
        folder: where it lies.
        classes: K names; a label is a place in this list.
        shape: (H, W, C) of one image.
        counts: images in each split, "train", "validation" and "test".
        different: how many images of each split are no pixel-equal copies of others in it.
        resize: "stretch" or "pad", how images of other sizes were brought to `shape`.
        deep_range: the value of a 16-bit file that became white; None where no file had 16 bits.
    """

    folder: Path
    classes: list[str]
    shape: tuple[int, int, int]
    counts: dict[str, int]
    different: dict[str, int]
    resize: Literal["stretch", "pad"]
    deep_range: int | None

    def images(self, split: str) -> RowFile:
        """Images (N, H, W, C) uint8 of a split, on disk."""
        return RowFile(self.folder / f"{split}_images.npy")

    def labels(self, split: str) -> Array:
        """Labels (N,) uint8 of a split, each below K."""
        return RowFile(self.folder / f"{split}_labels.npy")[:]

    def rows(self, split: str) -> Array:
        """Row (N,) int64 in the source's training set of each image of a split."""
        return RowFile(self.folder / f"{split}_rows.npy")[:]


def read_prepared(folder: Path) -> Prepared:
    """Read what `dataset.json` says of the prepared folder.

    Raises:
        InputError: it is missing, or no JSON.
    """
    about = files.read_json(folder / "dataset.json")
    keys = ("classes", "shape", "counts", "different", "resize", "deep_range")
    classes, shape, *others = (about[key] for key in keys)
    return Prepared(folder, classes, tuple(shape), *others)


def read_chosen(prepared: Prepared, chosen: list[ImageChoice]) -> list[ChosenImage]:
    """Read the images of `visualize.images`.

    Raises:
        InputError: there is no such image.
    """
    rows = {name: prepared.rows(name) for name in ("train", "validation")}
    images = []
    for place in chosen:
        split, row = find_image(rows, prepared.counts, place)
        pixels, label = prepared.images(split)[row], prepared.labels(split)[row]
        images.append(ChosenImage(place.split, place.index, pixels, prepared.classes[label]))
    return images
