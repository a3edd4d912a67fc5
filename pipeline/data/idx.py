"""MNIST's IDX format, of files whose content is known."""

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from pipeline.base import files
from pipeline.base.arrays import Array
from pipeline.base.errors import InputError

# Of one file, packed or not; the largest that is published has 47 MB.
MAX_BYTES = 64 * 2**20


def read_idx(folder: Path, name: str, digest: str) -> Array:
    """Read one IDX file, with or without `.gz`, after checking its SHA-256.

    Args:
        folder: where the file lies.
        name: its name without `.gz`.
        digest: SHA-256 (hex) of the decompressed content.

    Returns:
        The uint8 array, (N,) for labels or (N, H, W) for images.

    Raises:
        InputError: missing, truncated, corrupt, too large, or another file.

    References:
        LeCun, Cortes and Burges, The MNIST database of handwritten digits: file formats.
    """
    try:
        content = files.read_bytes(folder / name, MAX_BYTES)
    except FileNotFoundError:
        content = _read_gzip(folder / f"{name}.gz")
    verify(content, name, digest)
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def verify(content: bytes, name: str, digest: str) -> None:
    """Refuse a content of another SHA-256 (hex)."""
    received = hashlib.sha256(content).hexdigest()
    if received != digest:
        raise InputError(f"{name} has SHA-256 {received}, expected {digest}: damaged or another file")


def _read_gzip(path: Path) -> bytes:
    try:
        with files.open_regular(path) as packed, gzip.open(packed) as stream:
            # A few bytes can stand for gigabytes.
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{path} is missing") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is truncated or corrupt ({error})") from None
    if len(content) > MAX_BYTES:
        raise InputError(f"{path} holds more than {MAX_BYTES:,} bytes, expected no more")
    return content
