"""IDX files are believed only when their header fits their length."""

import struct

import numpy as np
import pytest

from pipeline.data.downloads import SourceError
from pipeline.data.idx import parse_idx


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file, written from the format's description."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def test_an_idx_file_becomes_an_array_of_its_shape():
    np.testing.assert_array_equal(parse_idx(idx(IMAGES), "x"), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x starts with , expected 00000801 or 00000803"),
        (b"\x00\x00\x0d\x03" + bytes(12), "x starts with 00000d03"),
        (b"\x00\x00\x08\x02" + bytes(12), "x starts with 00000802"),
        (idx(IMAGES)[:9], "x ends within its header, after 9 bytes"),
        (idx(IMAGES)[:-1], r"x is 39 bytes, its header \(2, 3, 4\) means 40"),
        (idx(IMAGES) + b"\x00", r"x is 41 bytes, its header \(2, 3, 4\) means 40"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, r"x is 16 bytes, its header"),
    ],
)
def test_an_idx_header_that_does_not_fit_is_refused(content, message):
    with pytest.raises(SourceError, match=message):
        parse_idx(content, "x")
