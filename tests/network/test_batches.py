"""Batches read from arrays."""

import numpy as np

from pipeline.network.batches import batches, read_batches

IMAGES = np.arange(7 * 2 * 2, dtype=np.uint8).reshape(7, 2, 2, 1) * 9
LABELS = np.arange(7, dtype=np.uint8)


def test_batches_are_scaled_and_complete():
    found = [(x.numpy(), y.numpy()) for x, y in batches(IMAGES, 3, LABELS)]
    assert [len(x) for x, _ in found] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([y for _, y in found]), LABELS)
    pixels = np.concatenate([x for x, _ in found])
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, IMAGES.astype(np.float32) / np.float32(255))
    for image, (expected, _) in zip(batches(IMAGES, 3), found, strict=True):
        np.testing.assert_array_equal(image, expected)


def test_batches_come_in_the_order_asked_for_as_they_are_stored():
    order = np.array([6, 0, 5, 1, 4, 2, 3])
    found = list(read_batches(IMAGES, 3, LABELS, order))
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in found]), order)
    images = np.concatenate([images for images, _ in found])
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, IMAGES[order])
