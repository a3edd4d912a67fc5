"""MNIST's IDX format, of files whose content is known."""

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from pipeline.base import files
from pipeline.base.arrays import Array
from pipeline.base.errors import InputError


def read_idx(folder: Path, name: str, digest: str, limit: int) -> Array:
    """Read one IDX file, with or without `.gz`, after checking its SHA-256.

    Args:
        folder: where the file lies.
        name: its name without `.gz`.
        digest: SHA-256 (hex) of the decompressed content.
        limit: the most bytes that the content may have, decompressed.

    Returns:
        The uint8 array, (N,) for labels or (N, H, W) for images.

    Raises:
        InputError: missing, truncated, corrupt, too large, or another file.
    """
    try:
        content = files.read_bytes(folder / name, limit)
    except FileNotFoundError:
        content = _read_gzip(folder / f"{name}.gz", limit)
    verify(content, name, digest)
    return parse_idx(content)


def verify(content: bytes, name: str, digest: str) -> None:
    """Refuse a content of another SHA-256 (hex)."""
    received = hashlib.sha256(content).hexdigest()
    if received != digest:
        raise InputError(f"{name} has SHA-256 {received}, expected {digest}: damaged or another file")


def _read_gzip(path: Path, limit: int) -> bytes:
    try:
        with files.open_regular(path) as packed, gzip.open(packed) as stream:
            # A few bytes can stand for gigabytes.
            content = stream.read(limit + 1)
    except FileNotFoundError:
        raise InputError(f"{path} is missing") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is truncated or corrupt ({error})") from None
    if len(content) > limit:
        raise InputError(f"{path} holds more than {limit:,} bytes, expected no more")
    return content


def parse_idx(content: bytes) -> Array:
    """Turn the bytes of an IDX file of unsigned bytes into an array.

    References:
        LeCun, Cortes and Burges, The MNIST database of handwritten digits: file formats.
    """
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
