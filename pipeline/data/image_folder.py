"""A user's image folder: one sub-folder per class, decoded a chunk at a time."""

from functools import partial
from pathlib import Path

import numpy as np

from pipeline.base import arrays
from pipeline.base.errors import InputError
from pipeline.data import image
from pipeline.data.dataset import PARTS, Chunks, Dataset, check_classes
from pipeline.data.folders import visible

# An image file and its label.
Entry = tuple[Path, int]


def image_folder(
    folder: str | None,
    input_shape: tuple[int, int, int],
    *,
    resize: str,
    test_fraction: float,
    split_seed: int,
) -> Dataset:
    """The images of a folder; nothing is decoded before the parts are read.

    Rows follow the files' names, whatever their class, so that the order does not depend on the
    machine. The classes are the sub-folders' names, sorted. Hidden files and folders, and what systems
    leave, are passed over.

    Args:
        folder: holds one sub-folder per class; or the folders `train` and `test`, which do.
        input_shape: (H, W, C) that each image is brought to.
        resize: "stretch" or "pad", see `image.decode`.
        test_fraction: share of each class that becomes the test part when there is no folder `test`.
        split_seed: of that draw.

    Raises:
        InputError: no such folder, too few or too many classes, an empty one, or a folder in place of
            an image.
    """
    if folder is None:
        raise InputError("data.folder: received null, expected a folder with one sub-folder per class")
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise InputError(f"data.folder: {root} is no folder, expected one with a sub-folder per class")
    classes, parts = _parts(root, test_fraction, split_seed)
    unreadable: list[str] = []
    train, test = (partial(_decoded, root, part, input_shape, resize, unreadable) for part in parts)
    return Dataset(classes, input_shape, train, test, unreadable)


def _parts(root: Path, test_fraction: float, split_seed: int) -> tuple[list[str], list[list[Entry]]]:
    """Class names, and the entries of the training part and the test part."""
    names = [path.name for path in _folders(root)]
    if not any(_folders(root / name) for name in names):
        classes, entries = _entries(root)
        return classes, _split(entries, test_fraction, split_seed)
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


def _split(entries: list[Entry], test_fraction: float, seed: int) -> list[list[Entry]]:
    """Hold out a share of each class, as scikit-learn draws it."""
    from sklearn.model_selection import train_test_split

    labels = [label for _, label in entries]
    try:
        return train_test_split(entries, test_size=test_fraction, random_state=seed, stratify=labels)  # type: ignore[no-any-return]
    except ValueError as error:
        raise InputError(f"data.source.test_fraction: received {test_fraction}, but {error}") from None


def _decoded(
    root: Path, entries: list[Entry], input_shape: tuple[int, int, int], resize: str, unreadable: list[str]
) -> Chunks:
    for part in arrays.spans(len(entries), input_shape):
        pixels, labels = [], []
        for path, label in entries[part]:
            try:
                name = str(path.relative_to(root))
                pixels.append(image.read(path, name, input_shape, resize=resize).pixels)
                labels.append(label)
            except image.UnreadableImageError as error:
                unreadable.append(str(error))
        yield np.array(pixels, np.uint8).reshape(-1, *input_shape), np.array(labels, np.uint8)
