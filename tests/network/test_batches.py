"""Batches read from arrays."""

import numpy as np

from pipeline.network import batches

IMAGES = np.arange(7 * 2 * 2, dtype=np.uint8).reshape(7, 2, 2, 1) * 9


def test_batches_are_scaled_and_complete(monkeypatch):
    monkeypatch.setattr(batches, "EVALUATION_BATCH", 3)
    found = list(batches.batches(IMAGES))
    assert [rows for rows, _ in found] == [slice(0, 3), slice(3, 6), slice(6, 7)]
    pixels = np.concatenate([batch.numpy() for _, batch in found])
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, IMAGES.astype(np.float32) / np.float32(255))
