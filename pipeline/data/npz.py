"""A user's arrays in an `.npz` file, read a chunk at a time."""

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from pipeline.base import arrays, files
from pipeline.base.arrays import Array
from pipeline.base.errors import InputError, message
from pipeline.data import dataset
from pipeline.data.dataset import Chunks, Dataset

# They are in memory together, unlike the images.
MAX_LABELS = 100_000_000
MAX_NAMES_BYTES = 2**20
# Keras' names of the arrays, then TensorFlow's: training images and labels, test images and labels.
NPZ_NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
)


def npz(folder: str | None) -> Dataset:
    """A user's arrays: the one `.npz` file in a folder.

    The arrays have one set of `NPZ_NAMES`: images (N, H, W) or (N, H, W, C) uint8, labels (N,) or (N, 1)
    of integers from 0; and, if there, `classes`, K names.

    Raises:
        InputError: there is no such file, or an array is missing, damaged or of another kind.
    """
    path = _one_npz(folder)
    with _opened(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
    keys = next((keys for keys in NPZ_NAMES if set(keys) <= set(names)), None)
    if keys is None:
        expected = " or ".join(", ".join(keys) for keys in NPZ_NAMES)
        raise InputError(f"{path}: received the arrays {', '.join(names) or 'none'}, expected {expected}")
    shapes = [_image_shape(path, key) for key in keys[::2]]
    shape, other = (found[1:] for found in shapes)
    if shape != other:
        raise InputError(f"{path}: received training images of {shape}, test images of {other}")
    labels = [_npz_labels(path, key, found[0]) for key, found in zip(keys[1::2], shapes, strict=True)]
    classes = _npz_classes(path, names, 1 + int(max(part.max() for part in labels)))

    def part(index: int) -> Chunks:
        images = (chunk.reshape(-1, *shape) for chunk in npz_chunks(path, keys[2 * index]))
        return dataset.pair_up(images, labels[index])

    return Dataset(classes, shape, lambda: part(0), lambda: part(1))


def _one_npz(folder: str | None) -> Path:
    if folder is None:
        raise InputError("data.folder: received null, expected the folder that holds the .npz file")
    root = Path(folder).expanduser()
    try:
        found = sorted(path for path in root.iterdir() if path.suffix == ".npz" and path.name[0] != ".")
    except FileNotFoundError:
        found = []
    except OSError as error:
        raise InputError(f"data.folder: {message(error, root)}") from None
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(
            f"data.folder: received {folder}, expected a folder with one .npz file; found {names}"
        )
    return found[0]


def _image_shape(path: Path, name: str) -> tuple[int, ...]:
    """Shape (N, H, W, C) of an array of images; (N, H, W) becomes (N, H, W, 1)."""
    shape, dtype = npz_header(path, name)
    if dtype != np.uint8 or len(shape) not in (3, 4) or 0 in shape:
        raise InputError(
            f"{path}: {name}: received {dtype} {shape}, expected uint8 (N, H, W) or (N, H, W, C) with"
            " values 0 to 255"
        )
    return shape if len(shape) == 4 else (*shape, 1)


def _npz_labels(path: Path, name: str, count: int) -> Array:
    shape, dtype = npz_header(path, name)
    if not np.issubdtype(dtype, np.integer) or shape not in ((count,), (count, 1)):
        raise InputError(f"{path}: {name}: received {dtype} {shape}, expected integers ({count},)")
    if count > MAX_LABELS:
        raise InputError(f"{path}: {name}: received {count:,} labels, expected at most {MAX_LABELS:,}")
    labels = np.concatenate(list(npz_chunks(path, name))).reshape(-1)
    if labels.min() < 0 or labels.max() >= dataset.MAX_CLASSES:
        received = f"values {labels.min()} to {labels.max()}"
        raise InputError(f"{path}: {name}: received {received}, expected 0 to {dataset.MAX_CLASSES - 1}")
    return labels.astype(np.uint8)


def _npz_classes(path: Path, names: list[str], count: int) -> list[str]:
    """The stored class names, or the numbers from 0; `count` is one more than the largest label."""
    if "classes" not in names:
        return [str(number) for number in range(count)]
    shape, dtype = npz_header(path, "classes")
    if dtype.kind != "U" or len(shape) != 1 or shape[0] < count:
        raise InputError(f"{path}: classes: received {dtype} {shape}, expected {count} or more texts")
    if shape[0] * dtype.itemsize > MAX_NAMES_BYTES:
        raise InputError(
            f"{path}: classes: received {dtype} {shape}, expected at most {MAX_NAMES_BYTES:,} bytes"
        )
    classes: list[str] = np.concatenate(list(npz_chunks(path, "classes"))).tolist()
    if len(set(classes)) < len(classes):
        raise InputError(f"{path}: classes: received {classes}, expected names that differ")
    return classes


def npz_header(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of one array in an `.npz` file."""
    with _member(path, name) as stream:
        return arrays.read_header(stream)


def npz_chunks(path: Path, name: str) -> Iterator[Array]:
    """Read one array of an `.npz` file, packed or not, in chunks of rows of some 16 MB.

    Raises:
        InputError: the file is damaged, or the array is of Python objects or in Fortran order.
    """
    with _member(path, name) as stream:
        shape, dtype = arrays.read_header(stream)
        for span in arrays.spans(shape[0], shape[1:], dtype.itemsize):
            part = (span.stop - span.start, *shape[1:])
            count = math.prod(part) * dtype.itemsize
            content = stream.read(count)
            if len(content) < count:
                raise ValueError(f"the array ends {count - len(content)} bytes early")
            yield np.frombuffer(content, dtype).reshape(part)


@contextmanager
def _member(path: Path, name: str) -> Iterator[IO[bytes]]:
    with (
        _opened(path, f": the array {name} cannot be read") as archive,
        archive.open(f"{name}.npy") as stream,
    ):
        yield stream


@contextmanager
def _opened(path: Path, problem: str = " cannot be read as an .npz file") -> Iterator[zipfile.ZipFile]:
    with files.open_regular(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                yield archive
        # RuntimeError: a password, or a later version of the format; struct's derives from Exception alone.
        except (
            OSError,
            EOFError,
            ValueError,
            RuntimeError,
            struct.error,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise InputError(f"{path}{problem}: {error}") from None
