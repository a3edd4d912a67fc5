"""Batches of images, read from disk as they are needed."""

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.base.arrays import Array, RowFile

if TYPE_CHECKING:
    import tensorflow as tf


EVALUATION_BATCH = 250


def scaled(images: "tf.Tensor") -> "tf.Tensor":
    """Pixels 0..255 as what networks take: float32 in 0..1."""
    import tensorflow as tf

    return tf.cast(images, tf.float32) / 255.0


def read_batches(
    images: Array | RowFile, batch_size: int, labels: Array | None = None, order: Array | None = None
) -> "tf.data.Dataset":
    """Batches of images as they are stored, with their labels when given; the last may be smaller.

    Args:
        images: (N, H, W, C) uint8, best on disk: only the batch at hand is read.
        batch_size: images a batch.
        labels: (N,) uint8, or None for batches of images alone.
        order: (N,) row numbers, or None for the order of the arrays.
    """
    import tensorflow as tf

    def read(array: Array | RowFile, rows: Any) -> Any:
        batch = tf.numpy_function(array.__getitem__, [rows], tf.uint8)
        batch.set_shape((None, *array.shape[1:]))
        return batch

    def load(rows: Any) -> Any:
        return read(images, rows) if labels is None else (read(images, rows), read(labels, rows))

    rows = np.arange(len(images)) if order is None else order
    options = tf.data.Options()
    # The autotuner's thread wakes every ten seconds, and an iterator waits for it before it ends.
    options.autotune.enabled = False
    numbered = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)
    return numbered.map(load).prefetch(2).with_options(options)


def batches(images: Array | RowFile, batch_size: int, labels: Array | None = None) -> "tf.data.Dataset":
    """Batches of float32 images in 0..1, in the order of the arrays; arguments as of `read_batches`."""
    if labels is None:
        return read_batches(images, batch_size).map(scaled)
    return read_batches(images, batch_size, labels).map(lambda batch, truth: (scaled(batch), truth))
