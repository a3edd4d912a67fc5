"""Arrays that may be larger than memory: `.npy` files written and read by rows, never mapped.

A row is an entry along the first axis, such as one image. Pages of a memory map count as this
process's memory once touched; what is read here is gone with the batch that it was read for.
"""

import hashlib
import math
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from pipeline.base import files
from pipeline.base.errors import InputError
from pipeline.base.files import replaced

Array = np.ndarray[Any, np.dtype[Any]]


def write_array(path: Path, array: Array) -> None:
    """Write a `.npy` file."""
    with replaced(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz` file of this project by name; `InputError` when it is missing or cut off."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return dict(stored)
    except FileNotFoundError:
        raise InputError(files.missing(path)) from None
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}") from None


CHUNK_BYTES = 16 * 2**20


def spans(count: int, row_shape: tuple[int, ...], itemsize: int = 1) -> Iterator[slice]:
    """Cut that many rows of that shape into chunks of some 16 MB, of one row at least."""
    size = max(1, CHUNK_BYTES // max(1, math.prod(row_shape) * itemsize))
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


class RowFile:
    """A `.npy` file that is indexed like an array; each index reads its rows from disk.

    `shape` and `dtype` are those of the whole array; its first value is at byte `start`.
    """

    def __init__(self, path: Path) -> None:
        """Read the header; `InputError` when the file is missing."""
        self.path = path
        try:
            with path.open("rb") as stream:
                self.shape, self.dtype = read_header(stream)
                self.start = stream.tell()
        except FileNotFoundError:
            raise InputError(files.missing(path)) from None

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> Array:
        """The rows of an integer, a slice or an array of integers from 0, in that order."""
        wanted = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        numbers = np.atleast_1d(wanted)
        result = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        target, size = _bytes(result), math.prod(self.shape[1:]) * self.dtype.itemsize
        # Neighbours on disk are read together, others one by one.
        firsts, length = (numbers[:1], len(numbers)) if (np.diff(numbers) == 1).all() else (numbers, 1)
        with self.path.open("rb") as stream:
            for place, row in enumerate(firsts.tolist()):
                stream.seek(self.start + row * size)
                part = target[place * size : (place + length) * size]
                if stream.readinto(part) < len(part):
                    raise InputError(f"{self.path} ended while it was being read; run `dvc repro` again")
        return result if wanted.ndim else result[0]


def read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of a `.npy` stream, which is then at its first value.

    Raises:
        ValueError: no such header, one of Python objects (which could run code), or in Fortran order.
    """
    first = np.lib.format.read_magic(stream) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    try:
        shape, fortran_order, dtype = read(stream)
    # A header is a Python literal: what is none raises SyntaxError, TokenError, RecursionError, ...
    except Exception as error:
        raise ValueError(f"its header cannot be read ({error or type(error).__name__})") from None
    if min(shape, default=0) < 0 or not dtype.itemsize:
        raise ValueError(f"received values {dtype} of shape {shape}, expected counts and a size")
    if dtype.hasobject:
        raise ValueError("it holds Python objects, expected numbers")
    if fortran_order and len(shape) > 1:
        raise ValueError("it is in Fortran order, expected C order (save np.ascontiguousarray of it)")
    return shape, dtype


def write_rows(path: Path, row_shape: tuple[int, ...], dtype: Any, parts: Iterable[Array]) -> str:
    """Write rows as they come into a `.npy` file, with the bytes that `np.save` would write.

    Args:
        path: of the file, which appears once all are written.
        row_shape: of one row.
        dtype: of its values.
        parts: rows (n, ...) of that shape and dtype, some at a time.

    Returns:
        SHA-256 (hex) of the values.
    """
    digest, count = hashlib.sha256(), 0
    header = np.lib.format.header_data_from_array_1_0(np.empty((0, *row_shape), dtype))
    with replaced(path) as temporary, temporary.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for rows in parts:
            values = _bytes(rows)
            stream.write(values)
            digest.update(values)
            count += len(rows)
        # Anew with the number of rows; NumPy keeps room for it to grow.
        stream.seek(0)
        np.lib.format.write_array_header_1_0(stream, {**header, "shape": (count, *row_shape)})
    return digest.hexdigest()


def _bytes(rows: Array) -> memoryview:
    return np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data


def chunks(array: Array | RowFile, rows: Array | None = None) -> Iterator[Array]:
    """An array's rows in chunks of some 16 MB: those of the numbers (n,) `rows`, in that order, or all."""
    count = len(array) if rows is None else len(rows)
    for part in spans(count, array.shape[1:], array.dtype.itemsize):
        yield array[part] if rows is None else array[rows[part]]


def sha256(array: Array | RowFile) -> str:
    """SHA-256 (hex) of an array's values in C order."""
    digest = hashlib.sha256()
    for part in chunks(array):
        digest.update(_bytes(part))
    return digest.hexdigest()
