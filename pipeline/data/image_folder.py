"""A user's image folder: one sub-folder per class, decoded a chunk at a time."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.base import arrays
from pipeline.base.errors import InputError
from pipeline.data import image
from pipeline.data.dataset import PARTS, Chunks, Dataset, Reading, check_classes
from pipeline.data.folders import visible
from pipeline.data.splitting import held_out

# An image file and its label.
Entry = tuple[Path, int]
# Decodes a file, by its path and its name for errors.
Reader = Callable[[Path, str], image.Decoded]
# Names that are those of classes only where there is but one of them.
PART_NAMES = {"train", "training", "test", "testing", "val", "valid", "validation"}


def image_folder(
    folder: str | None,
    input_shape: tuple[int, int, int],
    *,
    resize: str,
    test_fraction: float,
    split_seed: int,
    keep_copies_together: bool = False,
) -> Dataset:
    """The images of a folder; before the parts are read, 16-bit files alone are decoded, for their range.

    Rows follow the files' names, whatever their class, so that the order does not depend on the
    machine. The classes are the sub-folders' names, sorted. Hidden files and folders, what systems
    leave, and files beside the classes are passed over.

    Args:
        folder: holds one sub-folder per class; or the folders `train` and `test`, which do.
        input_shape: (H, W, C) that each image is brought to.
        resize: "stretch" or "pad", see `image.decode`.
        test_fraction: share of each class that becomes the test part when there is no folder `test`.
        split_seed: of that draw.
        keep_copies_together: in that draw, images of equal pixels are in one part; all are decoded for it.

    Raises:
        InputError: no such folder, too few or too many classes, an empty one, or a folder in place of
            an image.
    """
    if folder is None:
        raise InputError("data.folder: received null, expected a folder with one sub-folder per class")
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise InputError(f"data.folder: {root} is no folder, expected one with a sub-folder per class")
    classes, parts = _parts(root)
    reading = Reading(drawn=len(parts) == 1)
    holders = [root] if reading.drawn else [root, *(root / name for name in PARTS)]
    loose = [path for holder in holders for path in visible(holder) if not path.is_dir()]
    reading.passed_over += [str(path.relative_to(root)) for path in loose]
    values = [image.largest_deep_value(path) for part in parts for path, _ in part]
    reading.largest = max((value for value in values if value is not None), default=None)
    if reading.largest is not None:
        reading.deep_range = image.range_of(reading.largest)
    deep_range = reading.deep_range or image.MAX_DEEP
    read = partial(image.read, input_shape=input_shape, resize=resize, deep_range=deep_range)
    if reading.drawn:
        same = _copies(parts[0], read) if keep_copies_together else None
        parts = _split(parts[0], classes, test_fraction, split_seed, same)
    train, test = (partial(_decoded, root, part, input_shape, read, reading) for part in parts)
    return Dataset(classes, input_shape, train, test, reading)


def _parts(root: Path) -> tuple[list[str], list[list[Entry]]]:
    """Class names, and the entries of the training part and the test part, or of the two together."""
    names = [path.name for path in _folders(root)]
    if not any(_folders(root / name) for name in names):
        if len(parts := [name for name in names if name.lower() in PART_NAMES]) > 1:
            raise InputError(
                f"{root}: received the folders {', '.join(parts)} without class folders in them; expected"
                f" one folder of images per class, or train and test that hold those: move the images into"
                f" {root / 'train'}/CLASS and {root / 'test'}/CLASS"
            )
        classes, entries = _entries(root)
        return classes, [entries]
    if sorted(names) != sorted(PARTS):
        raise InputError(
            f"{root}: received the folders {', '.join(names)}, some with folders in them; expected one"
            " folder of images per class, or the two folders train and test that hold those"
        )
    (classes, train), (others, test) = (_entries(root / name) for name in PARTS)
    if classes != others:
        odd = sorted(set(classes) ^ set(others))[0]
        raise InputError(f"{root}: class {odd} is in only one of train and test, expected it in both")
    return classes, [train, test]


def _folders(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.is_dir()]


def _entries(folder: Path) -> tuple[list[str], list[Entry]]:
    """Class names, and the image files of every class in the order of their names."""
    classes = [path.name for path in _folders(folder)]
    if len(classes) < 2:
        received = ", ".join(classes) or "none"
        raise InputError(f"{folder}: received the class folders {received}, expected two or more")
    check_classes({}, classes)
    entries = []
    for label, name in enumerate(classes):
        paths = visible(folder / name)
        if not paths:
            raise InputError(f"{folder / name}: received no file, expected the images of class {name}")
        if nested := _folders(folder / name):
            raise InputError(f"{nested[0]}: received a folder, expected an image file")
        entries += [(path, label) for path in paths]
    return classes, sorted(entries, key=lambda entry: (entry[0].name, entry[1]))


def _split(
    entries: list[Entry], classes: list[str], test_fraction: float, seed: int, same: arrays.Array | None
) -> list[list[Entry]]:
    """Hold out a share of each class; images of equal numbers in `same` (N,) stay together."""
    labels, key = np.array([label for _, label in entries]), f"data.source.test_fraction {test_fraction}"
    # One is held out here, one for validation.
    parts = held_out(labels, test_fraction, seed, key=key, classes=classes, copies=same, needed=3)
    return [[entries[row] for row in rows] for rows in parts]


def _copies(entries: list[Entry], read: Reader) -> arrays.Array:
    """(N,) equal numbers for images of equal pixels; a file that cannot be read has one of its own."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(_digest(path, read), len(seen)) for path, _ in entries])


def _digest(path: Path, read: Reader) -> bytes:
    try:
        return hashlib.sha256(read(path, path.name).pixels.tobytes()).digest()
    except image.UnreadableImageError:
        return str(path).encode()


def _decoded(
    root: Path, entries: list[Entry], input_shape: tuple[int, int, int], read: Reader, reading: Reading
) -> Chunks:
    for part in arrays.spans(len(entries), input_shape):
        pixels, labels = [], []
        for path, label in entries[part]:
            name = str(path.relative_to(root))
            try:
                decoded = read(path, name)
            except image.UnreadableImageError as error:
                reading.unreadable.append(str(error))
                reading.passed_over.append(name)
                continue
            pixels.append(decoded.pixels)
            labels.append(label)
            reading.changes.update(map(image.kind, decoded.changes))
            sides = zip(decoded.size, input_shape[:2], strict=True)
            reading.small += any(2 * own < wanted for own, wanted in sides)
        yield np.array(pixels, np.uint8).reshape(-1, *input_shape), np.array(labels, np.uint8)
