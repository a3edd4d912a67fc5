"""MNIST's IDX format."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from pipeline.base import files
from pipeline.base.arrays import Array
from pipeline.base.errors import InputError
from pipeline.data.downloads import SourceError, verify


def read_idx(folder: Path, name: str, digest: str, limit: int) -> Array:
    """Read one IDX file, with or without `.gz`, after checking its SHA-256 and its header.

    Args:
        folder: where the file lies.
        name: its name without `.gz`.
        digest: SHA-256 (hex) of the decompressed content.
        limit: the most bytes that the content may have, decompressed.

    Returns:
        The uint8 array, (N,) for labels or (N, H, W) for images.

    Raises:
        SourceError: missing, truncated, corrupt, or another file.
        InputError: too large, or no regular file.
    """
    try:
        content = files.read_bytes(folder / name, limit)
    except FileNotFoundError:
        content = _read_gzip(folder / f"{name}.gz", limit)
    verify(content, name, digest)
    return parse_idx(content, name)


def _read_gzip(path: Path, limit: int) -> bytes:
    try:
        with files.open_regular(path) as packed, gzip.open(packed) as stream:
            # A few bytes can stand for gigabytes.
            content = stream.read(limit + 1)
    except FileNotFoundError:
        raise SourceError(f"{path} is missing") from None
    except InputError:
        raise
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise SourceError(f"{path} is truncated or corrupt ({error})") from None
    if len(content) > limit:
        raise SourceError(f"{path} holds more than {limit:,} bytes, expected no more")
    return content


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
