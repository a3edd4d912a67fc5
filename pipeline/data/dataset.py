"""What a data set is: images (N, H, W, C) uint8, labels (N,) uint8 and class names; and its checks."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.base import arrays
from pipeline.base.arrays import Array
from pipeline.base.errors import InputError

PARTS = ("train", "test")
# Labels are uint8.
MAX_CLASSES = 256
NUM_NAMED = 5
# Of letters in the name of a class; pictures have room for some thirty.
MAX_NAME = 100
Chunks = Iterator[tuple[Array, Array]]


@dataclass
class Reading:
    """What was done to the files of a folder, counted while they are read; nothing for other sources.

    Attributes:
        changes: how many images were changed in each way, by `image.kind`.
        small: images with a side of less than half of the wanted one.
        largest: the largest value of all 16-bit files; None where there are none.
        deep_range: the value that becomes white in these.
        unreadable: why files were left out, one line each.
        passed_over: these and the files beside the classes, relative to the folder.
        drawn: whether the test part was drawn here, instead of given.
    """

    changes: Counter[str] = field(default_factory=Counter)
    small: int = 0
    largest: int | None = None
    deep_range: int | None = None
    unreadable: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    drawn: bool = False


@dataclass(frozen=True)
class Dataset:
    """A data set that need not fit into memory: its two parts come in chunks.

    Attributes:
        classes: K names; a label is a place in this list.
        shape: (H, W, C) of one image.
        train: opens the training part: images (n, H, W, C) uint8 and labels (n,) uint8 at a time.
        test: the same for the test part.
        reading: what was done for that; complete once the parts are read.
    """

    classes: list[str]
    shape: tuple[int, ...]
    train: Callable[[], Chunks]
    test: Callable[[], Chunks]
    reading: Reading = field(default_factory=Reading)


def in_memory(
    classes: list[str], train_images: Array, train_labels: Array, test_images: Array, test_labels: Array
) -> Dataset:
    """A data set of whole arrays: grey images (N, H, W) uint8, labels (N,) uint8."""

    def part(images: Array, labels: Array) -> Callable[[], Chunks]:
        return lambda: pair_up(arrays.chunks(images[..., np.newaxis]), labels)

    train, test = part(train_images, train_labels), part(test_images, test_labels)
    return Dataset(classes, (*train_images.shape[1:], 1), train, test)


def pair_up(chunks: Iterator[Array], labels: Array) -> Chunks:
    """Each chunk of images with its labels, of which (N,) there is one for each image in order."""
    start = 0
    for images in chunks:
        yield images, labels[start : start + len(images)]
        start += len(images)


def check_shape(received: tuple[int, ...], configured: tuple[int, int, int], name: str) -> None:
    """Refuse images (H, W, C) of another shape than `data.image_size` and `data.channels` say."""
    if received != configured:
        raise InputError(
            f"data.image_size, data.channels: received {configured}, but the images of"
            f" {name} are {received} (height, width, channels)"
        )


def check_classes(labels: dict[str, Array], classes: Sequence[str]) -> None:
    """Refuse too few or too many of the K classes, or a part whose labels (N,) lack one."""
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise InputError(f"data: received {len(classes)} classes, expected 2 to {MAX_CLASSES}")
    for name in classes:
        # Else it cannot be written as UTF-8, or a table has a line too many.
        if not name.isprintable() or not name.strip() or len(name) > MAX_NAME:
            wanted = f"one line of 1 to {MAX_NAME} letters that can be shown"
            raise InputError(f"data: received the class name {ascii(name)[:120]}, expected {wanted}")
    for part, numbers in labels.items():
        absent = [name for k, name in enumerate(classes) if not (numbers == k).any()]
        if absent:
            raise InputError(
                f"data: received no {part} image of class {absent[0]}"
                f" ({len(absent)} of {len(classes)} classes lack one), expected some of each class"
            )


def check_readable(unreadable: Sequence[str], skip: bool) -> None:
    """Refuse unreadable files in one line with the first few, or, when `skip`, print all their names."""
    if unreadable and not skip:
        shown = "; ".join(unreadable[:NUM_NAMED])
        more = f"; and {len(unreadable) - NUM_NAMED} more" if len(unreadable) > NUM_NAMED else ""
        raise InputError(
            f"{len(unreadable)} unreadable files: {shown}{more}. Fix or remove them; or leave them out:"
            " set data.source.skip_unreadable to true in params.yaml and run `dvc repro`"
        )
    for line in unreadable:
        print(f"fetch: skipped: {line}")
    if unreadable:
        print(f"fetch: {len(unreadable)} unreadable files skipped")


def account(reading: Reading, images: int, resize: str) -> dict[str, Any]:
    """What `read.json` holds of so many images: how they were read, and how many were changed in each way."""
    return {
        "changes": dict(sorted(reading.changes.items())),
        "deep_range": reading.deep_range,
        "images": images,
        "passed_over": sorted(reading.passed_over),
        "resize": resize,
        "small": reading.small,
    }


def describe(name: str, dataset: Dataset, counts: dict[str, int], digests: dict[str, str]) -> dict[str, Any]:
    """What `dataset.json` holds: name, class names, image shape, counts and SHA-256 of each array."""
    return {
        "name": name,
        "classes": dataset.classes,
        "shape": list(dataset.shape),
        "counts": {f"{part}_images": counts[part] for part in PARTS},
        "sha256": digests,
    }
