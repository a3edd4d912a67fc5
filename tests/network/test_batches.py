"""Batches read from arrays."""

import numpy as np
import pytest

from pipeline.network import batches
from pipeline.network.layers import build_model

IMAGES = np.arange(7 * 2 * 2, dtype=np.uint8).reshape(7, 2, 2, 1) * 9


def test_batches_are_scaled_and_complete(small_network, monkeypatch):
    monkeypatch.setattr(batches, "MOST_IMAGES", 3)
    found = list(batches.batches(IMAGES, small_network()))
    assert [rows for rows, _ in found] == [slice(0, 3), slice(3, 6), slice(6, 7)]
    pixels = np.concatenate([batch.numpy() for _, batch in found])
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, IMAGES.astype(np.float32) / np.float32(255))
    assert [rows for rows, _ in batches.batches(IMAGES, small_network(), 4)] == [slice(0, 3), slice(3, 4)]


@pytest.mark.parametrize("size", [28, 112, 224])
def test_a_batch_takes_no_more_memory_whatever_the_size_of_an_image(compose, monkeypatch, size):
    network = build_model(compose("model.dense=[]").model, input_shape=(size, size, 1), num_classes=10)
    images = batches.batch_size(network)
    assert images == 250 if size == 28 else images < 250
    # The first convolution has 32 filters and keeps the size.
    assert images * size**2 * 33 * 4 <= batches.MOST_BYTES
    monkeypatch.setattr(batches, "MOST_BYTES", 1)
    assert batches.batch_size(network) == 1
