"""Rows written one after another are the file that NumPy saves, and come back by number."""

import hashlib

import numpy as np
import pytest

from pipeline.base import arrays

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (23, 4, 5, 3), np.uint8)


@pytest.fixture
def stored(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    return arrays.RowFile(tmp_path / "a.npy")


@pytest.mark.parametrize("array", [IMAGES, RNG.integers(0, 9, 1000), np.zeros((0, 4, 5, 1), np.uint8)])
def test_rows_written_in_parts_are_the_bytes_that_numpy_saves(array, tmp_path):
    parts = (array[start : start + 7] for start in range(0, len(array), 7))
    sha256 = arrays.write_rows(tmp_path / "parts.npy", array.shape[1:], array.dtype, parts)
    np.save(tmp_path / "whole.npy", array)
    assert (tmp_path / "parts.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert sha256 == hashlib.sha256(array.tobytes()).hexdigest()


@pytest.mark.parametrize(
    "index",
    [0, 22, np.int64(5), slice(None), slice(3, 9), slice(20, 99), slice(0, 9, 4), [7, 8, 9, 2, 2, 22], []],
    ids=str,
)
def test_an_index_reads_what_it_reads_of_an_array(index, stored):
    wanted = np.array(index, int) if isinstance(index, list) else index
    np.testing.assert_array_equal(stored[wanted], IMAGES[wanted])
    assert stored[wanted].dtype == IMAGES.dtype


def test_chunks_are_the_rows_in_the_order_asked_for(stored, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 5 * 60)
    parts = list(arrays.chunks(stored))
    assert [len(part) for part in parts] == [5, 5, 5, 5, 3]
    np.testing.assert_array_equal(np.concatenate(parts), IMAGES)
    order = RNG.permutation(23)
    np.testing.assert_array_equal(np.concatenate(list(arrays.chunks(stored, order))), IMAGES[order])


def test_a_row_larger_than_a_chunk_is_a_chunk(stored, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 1)
    assert len(list(arrays.chunks(stored))) == 23


@pytest.mark.parametrize("chunk_bytes", [1, 130, 10**6])
def test_the_digest_does_not_depend_on_the_chunks(chunk_bytes, stored, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK_BYTES", chunk_bytes)
    expected = hashlib.sha256(IMAGES.tobytes()).hexdigest()
    assert arrays.sha256(stored) == expected
    assert arrays.sha256(IMAGES) == expected
    assert arrays.sha256(IMAGES[::-1]) != expected
