"""Batches of images as networks take them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.base.arrays import Array, RowFile

if TYPE_CHECKING:
    import tensorflow as tf


EVALUATION_BATCH = 250


def scaled(images: "Array | tf.Tensor") -> "tf.Tensor":
    """Pixels 0..255 as what networks take: float32 in 0..1."""
    import tensorflow as tf

    return tf.cast(images, tf.float32) / 255.0


def batches(images: Array | RowFile) -> "Iterator[tuple[slice, tf.Tensor]]":
    """Images (N, H, W, C) uint8 batch by batch: which rows, and these in float32, scaled to 0..1.

    Of images on disk only the batch at hand is read; the last may be smaller.
    """
    for first in range(0, len(images), EVALUATION_BATCH):
        rows = slice(first, min(first + EVALUATION_BATCH, len(images)))
        yield rows, scaled(images[rows])
