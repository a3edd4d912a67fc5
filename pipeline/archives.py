"""Files that hold whole arrays: MNIST's IDX format and NumPy's `.npz`."""

import gzip
import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from pipeline import arrays
from pipeline.config import InputError
from pipeline.downloads import SourceError
from pipeline.files import Array


def read_idx(folder: Path, name: str, digest: str) -> Array:
    """Read one IDX file, with or without `.gz`, after checking its SHA-256 and its header.

    Args:
        folder: where the file lies.
        name: its name without `.gz`.
        digest: SHA-256 (hex) of the decompressed content.

    Returns:
        The uint8 array, (N,) for labels or (N, H, W) for images.

    Raises:
        SourceError: missing, truncated, corrupt, or another file.
    """
    content = _read_plain_or_gzip(folder, name)
    verify(content, name, digest)
    return parse_idx(content, name)


def _read_plain_or_gzip(folder: Path, name: str) -> bytes:
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        if plain.is_file():
            return plain.read_bytes()
        with gzip.open(packed) as stream:
            return stream.read()
    except FileNotFoundError:
        raise SourceError(f"{packed} is missing") from None
    except (OSError, EOFError, ValueError) as error:
        raise SourceError(f"{packed} is truncated or corrupt ({error})") from None
    except Exception as error:
        # zlib.error derives from Exception alone.
        raise SourceError(f"{packed} is corrupt ({error})") from None


def verify(content: bytes, name: str, digest: str) -> None:
    """Refuse, by `SourceError`, a content of another SHA-256 (hex)."""
    received = hashlib.sha256(content).hexdigest()
    if received != digest:
        raise SourceError(f"{name} has SHA-256 {received}, expected {digest}: damaged or another file")


def parse_idx(content: bytes, name: str) -> Array:
    """Turn the bytes of an IDX file of unsigned bytes into an array, once its header fits its length.

    References:
        LeCun, Cortes and Burges, The MNIST database of handwritten digits: file formats.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or content[3] not in (1, 3):
        raise SourceError(f"{name} starts with {content[:4].hex()}, expected 00000801 or 00000803")
    dimensions = content[3]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise SourceError(f"{name} ends within its header, after {len(content)} bytes")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", count=dimensions, offset=4))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise SourceError(f"{name} is {len(content)} bytes, its header {shape} means {expected}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def npz_names(path: Path) -> list[str]:
    """Names of the arrays in an `.npz` file."""
    with _opened(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def npz_header(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of one array in an `.npz` file."""
    with _member(path, name) as stream:
        return arrays.read_header(stream)


def read_npz(path: Path, name: str) -> Array:
    """Read one array of an `.npz` file, whole."""
    return np.concatenate(list(npz_chunks(path, name)))


def npz_chunks(path: Path, name: str) -> Iterator[Array]:
    """Read one array of an `.npz` file, packed or not, in chunks of rows of some 16 MB.

    Raises:
        InputError: the file is damaged, or the array is of Python objects or in Fortran order.
    """
    with _member(path, name) as stream:
        shape, dtype = arrays.read_header(stream)
        size = arrays.rows_per_chunk(shape[1:], dtype.itemsize)
        for start in range(0, max(1, shape[0]), size):
            part = (min(size, shape[0] - start), *shape[1:])
            yield np.frombuffer(_read_fully(stream, math.prod(part) * dtype.itemsize), dtype).reshape(part)


def _read_fully(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise ValueError(f"the array ends {count - len(content)} bytes early")
    return content


@contextmanager
def _member(path: Path, name: str) -> Iterator[IO[bytes]]:
    with _opened(path) as archive:
        try:
            with archive.open(f"{name}.npy") as stream:
                yield stream
        # RuntimeError: an archive with a password.
        except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path}: the array {name} cannot be read: {error}") from None


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as an .npz file: {error}") from None
    with archive:
        yield archive
