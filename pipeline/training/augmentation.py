"""Changes to a batch of images that leave their class as it is; TensorFlow, inside the graph."""

from typing import Any


def mirrored(images: Any, where: Any) -> Any:
    """Mirror images left to right: (n, H, W, C) of any dtype, where (n,) is true."""
    import tensorflow as tf

    return tf.where(where[:, tf.newaxis, tf.newaxis, tf.newaxis], images[:, :, ::-1], images)


def shifted(images: Any, offset: Any, most: int) -> Any:
    """Move all images of a batch alike; zeros come in from the edge.

    Args:
        images: (n, H, W, C) of any dtype.
        offset: int32 (2,), pixels down and to the right, each from -most to most.
        most: pixels at most.
    """
    import tensorflow as tf

    height, width = images.shape[1:3]
    around = tf.pad(images, [[0, 0], [most, most], [most, most], [0, 0]])
    top, left = most - offset[0], most - offset[1]
    moved = around[:, top : top + height, left : left + width]
    moved.set_shape(images.shape)
    return moved
