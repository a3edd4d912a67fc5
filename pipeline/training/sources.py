"""Where the graph of training gets its images from: memory where they fit, else the disk."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.base.arrays import Array, RowFile, chunks
from pipeline.base.errors import InputError, message

if TYPE_CHECKING:
    import tensorflow as tf

# Images that need no more than that are kept in memory; others are read from disk batch by batch.
MEMORY_BYTES = 10**9
# Where TensorFlow's operations want a tensor to begin: at a multiple of that many bytes.
ALIGNMENT = 64


class InMemory:
    """Images and labels as tensors, from which the graph gathers each batch.

    Attributes:
        count: images in all.
        batch_size: images a batch; the last may have fewer.
        steps: batches in all.
    """

    def __init__(self, images: Array | RowFile, labels: Array, batch_size: int) -> None:
        import tensorflow as tf

        self.count, self.batch_size, self.steps = len(images), batch_size, -(-len(images) // batch_size)
        self._images, self._labels = _tensor(images), tf.constant(labels)

    def feed(self, order: Array) -> "tf.Tensor":
        """What `take` needs to know of the order, row numbers (N,), in which images are shown."""
        import tensorflow as tf

        return tf.constant(order, tf.int32)

    def take(self, feed: Any, step: Any) -> tuple[Any, Any]:
        """Images (n, H, W, C) uint8 and labels (n,) uint8 of a batch, inside a graph."""
        import tensorflow as tf

        rows = feed[step * self.batch_size : (step + 1) * self.batch_size]
        return tf.gather(self._images, rows), tf.gather(self._labels, rows)


def _tensor(images: Array | RowFile) -> "tf.Tensor":
    """Images (N, H, W, C) uint8 as a tensor, in memory once; `tf.constant` keeps three copies for a while."""
    import tensorflow as tf

    size = math.prod(images.shape)
    room = np.empty(size + ALIGNMENT, np.uint8)
    first = -room.ctypes.data % ALIGNMENT
    array, filled = room[first : first + size].reshape(images.shape), 0
    for rows in chunks(images):
        array[filled : filled + len(rows)] = rows
        filled += len(rows)
    # From there to a GPU, if any.
    return tf.identity(tf.experimental.dlpack.from_dlpack(array.__dlpack__()))


class Streamed:
    """The same for images on disk: the next batch is read while the graph works on this one."""

    def __init__(self, images: RowFile, labels: Array, batch_size: int) -> None:
        self.count, self.batch_size, self.steps = len(images), batch_size, -(-len(images) // batch_size)
        self._images, self._labels = images, labels

    def feed(self, order: Array) -> Any:
        """An iterator over the batches in that order of row numbers (N,)."""
        import tensorflow as tf

        def read(array: Array | RowFile, rows: Any) -> Any:
            batch = tf.numpy_function(lambda chosen: _read(array, chosen), [rows], tf.uint8)
            batch.set_shape((None, *array.shape[1:]))
            return batch

        @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def load(rows: Any) -> Any:
            return read(self._images, rows), read(self._labels, rows)

        options = tf.data.Options()
        # The autotuner's thread wakes every ten seconds, and an iterator waits for it before it ends.
        options.autotune.enabled = False
        numbered = tf.data.Dataset.from_tensor_slices(order).batch(self.batch_size)
        return iter(numbered.map(load).prefetch(2).with_options(options))

    def take(self, feed: Any, step: Any) -> tuple[Any, Any]:
        """The next batch: images (n, H, W, C) uint8 and labels (n,) uint8, inside a graph."""
        return next(feed)  # type: ignore[no-any-return]


def _read(array: Array | RowFile, rows: Array) -> Array:
    """Those rows, inside a graph's Python; what the disk refuses as an `InputError` for `input_errors`."""
    try:
        return array[rows]
    except OSError as error:
        raise InputError(message(error)) from None


@contextmanager
def input_errors() -> Iterator[None]:
    """Raise the `InputError` of reading a batch as itself: TensorFlow puts it into the text of its own."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        if found := re.search(r"InputError: (.+)\nTraceback", error.message):
            raise InputError(found[1]) from None
        raise


Source = InMemory | Streamed


def source(images: RowFile, labels: Array, batch_size: int) -> Source:
    """Images and labels for training or scoring, in memory where they fit."""
    in_memory = math.prod(images.shape) <= MEMORY_BYTES
    return (InMemory if in_memory else Streamed)(images, labels, batch_size)
