"""The prepared folder: the splits, and the images that the configuration chooses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, Field, PositiveInt, ValidationError

from pipeline.base import files
from pipeline.base.arrays import Array, RowFile
from pipeline.base.errors import InputError
from pipeline.config.visualize import ImageChoice, check_images

AGAIN = "run `dvc repro --force prepare`"
Kind = TypeVar("Kind", bound="Described")


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
    raise InputError(f"visualize.images: source {image.index} is in no split: the data is damaged; {AGAIN}")


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
    """The folder of stage `prepare`; what is read from it has been compared with its `dataset.json`.

    Attributes:
        folder: where it lies.
        classes: K names; a label is a place in this list.
        shape: (H, W, C) of one image.
        counts: images in each split, "train", "validation" and "test".
    """

    folder: Path
    classes: list[str]
    shape: tuple[int, int, int]
    counts: dict[str, int]

    def images(self, split: str) -> RowFile:
        """Images (N, H, W, C) uint8 of a split, on disk.

        Raises:
            InputError: the file is missing, damaged, or other than `dataset.json` says.
        """
        return self._checked(f"{split}_images", (self.counts[split], *self.shape), np.uint8)

    def labels(self, split: str) -> Array:
        """Labels (N,) uint8 of a split, each below K; raises as `images`."""
        stored = self._checked(f"{split}_labels", (self.counts[split],), np.uint8)
        labels = stored[:]
        if len(labels) and labels.max() >= len(self.classes):
            wanted = f"0 to {len(self.classes) - 1}, a number for each class"
            raise InputError(f"{stored.path}: received a label {labels.max()}, expected {wanted}; {AGAIN}")
        return labels

    def rows(self, split: str) -> Array:
        """Row (N,) int64 in the source's training set of each image of a split; raises as `images`."""
        return self._checked(f"{split}_rows", (self.counts[split],), np.int64)[:]

    def _checked(self, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> RowFile:
        return read_rows(self.folder / f"{name}.npy", shape, dtype, AGAIN)


def read_rows(path: Path, shape: tuple[int, ...], dtype: type[np.generic], again: str) -> RowFile:
    """Open a `.npy` file that has to be of that shape and dtype.

    Raises:
        InputError: it is missing, damaged or another; ends with `again`, which is what to do.
    """
    stored = RowFile(path)
    if (stored.shape, stored.dtype) != (shape, np.dtype(dtype)):
        received, expected = f"{stored.dtype} {stored.shape}", f"{np.dtype(dtype)} {shape}"
        raise InputError(f"{path}: received {received}, expected {expected}; {again}")
    return stored


class Described(BaseModel):
    """What every `dataset.json` says, raw or prepared: K class names and the shape (H, W, C) of an image."""

    classes: Annotated[list[str], Field(min_length=2)]
    shape: tuple[PositiveInt, PositiveInt, PositiveInt]


class _Splits(Described):
    counts: Annotated[dict[Literal["train", "validation", "test"], PositiveInt], Field(min_length=3)]


def read_prepared(folder: Path, name: str = "dataset.json") -> Prepared:
    """Read what `dataset.json`, or a file of another name, says of the prepared folder.

    Raises:
        InputError: it is missing, damaged, or says something else than stage `prepare` writes.
    """
    return Prepared(folder, **dict(read_described(folder / name, _Splits, AGAIN)))


def read_described(path: Path, kind: type[Kind], again: str) -> Kind:
    """Read JSON that has to hold what a model says.

    Raises:
        InputError: it is missing, damaged or another; ends with `again`, which is what to do.
    """
    with files.understood(path, "cannot be read"):
        content = files.read_bytes(path, files.MAX_TEXT_BYTES)
    try:
        return kind.model_validate_json(content, strict=True)
    except ValidationError as error:
        wrong = error.errors()[0]
        key = ": ".join([str(path), *map(str, wrong["loc"])])
        received = str(wrong["input"])[:80]
        raise InputError(f"{key}: received {received}: {wrong['msg']}; {again}") from None


def read_chosen(prepared: Prepared, chosen: list[ImageChoice]) -> list[ChosenImage]:
    """Read the images of `visualize.images`.

    Raises:
        InputError: a file is missing or damaged, or there is no such image.
    """
    rows = {name: prepared.rows(name) for name in ("train", "validation")}
    images = []
    for place in chosen:
        split, row = find_image(rows, prepared.counts, place)
        pixels, label = prepared.images(split)[row], prepared.labels(split)[row]
        images.append(ChosenImage(place.split, place.index, pixels, prepared.classes[label]))
    return images
