"""Batches of images as networks take them."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.base.arrays import Array, RowFile

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


MOST_IMAGES = 250
# Of the images and the outputs of one layer.
MOST_BYTES = 128 * 2**20


def batch_size(network: "keras.Model") -> int:
    """How many images go through a network at once: 250, or what fits into 128 MiB, one at least.

    Counted are a float32 image and the largest output of a layer.
    """
    image = math.prod(network.input_shape[1:])
    output = max(math.prod(layer.output.shape[1:]) for layer in network.layers)
    fitting: int = MOST_BYTES // (4 * (image + output))
    return max(1, min(MOST_IMAGES, fitting))


def scaled(images: "Array | tf.Tensor") -> "tf.Tensor":
    """Pixels 0..255 as what networks take: float32 in 0..1."""
    import tensorflow as tf

    return tf.cast(images, tf.float32) / 255.0


def batches(
    images: Array | RowFile, network: "keras.Model", count: int | None = None
) -> "Iterator[tuple[slice, tf.Tensor]]":
    """Images (N, H, W, C) uint8 batch by batch: which rows, and these in float32, scaled to 0..1.

    Of images on disk only the batch at hand is read; the last may be smaller. Its size is that which
    suits the network; `count` are the images to read, or all.
    """
    end = len(images) if count is None else count
    size = batch_size(network)
    for first in range(0, end, size):
        rows = slice(first, min(first + size, end))
        yield rows, scaled(images[rows])
