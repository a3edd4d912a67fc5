"""What padding, stride and pooling do to one image, by one filter of the network's first convolution."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.base.arrays import Array
from pipeline.config.shapes import window_padding
from pipeline.network.keras_types import Model


@dataclass(frozen=True)
class Part:
    """One output of a part of the network.

    Attributes:
        name: convolution, max pooling or average pooling.
        words: its settings.
        output: float32 (H, W).
        configured: whether these are the network's own.
    """

    name: str
    words: str
    output: Array
    configured: bool


@dataclass(frozen=True)
class Parts:
    """A filter, what it looks at, and the outputs with the configured settings and with others.

    Attributes:
        filter: its number.
        kernel: float32 (height, width, C).
        padded: float32 (H', W', C), the image in 0..1 with the zeros that `same` puts around it.
        before: rows above and columns left of the image in `padded`.
        size: (H, W) of the image.
        outputs: convolutions and poolings, in this order.
    """

    filter: int
    kernel: Array
    padded: Array
    before: tuple[int, int]
    size: tuple[int, int]
    outputs: list[Part]


def parts(network: Model, image: Array) -> Parts:
    """Take the convolution that a Sequential network begins with, and its pooling, apart.

    Returns:
        The filter with the largest output on the image (H, W, C) uint8, and its outputs.
    """
    layer = network.layers[0]
    kernel, bias = (np.asarray(values) for values in layer.get_weights())
    pixels = (image / 255.0).astype(np.float32)
    stride, padding = layer.strides[0], layer.padding
    maps = _convolved(layer, pixels, kernel, bias, stride, padding)
    number = int(maps.max(axis=(0, 1)).argmax())
    one = kernel[..., number : number + 1], bias[number : number + 1]
    name = f"convolution and {layer.activation.__name__}"
    other_padding, other_stride = "valid" if padding == "same" else "same", 2 if stride == 1 else 1
    # The configured ones first.
    settings = [(padding, stride), (other_padding, stride), (padding, other_stride)]
    outputs = [
        Part(name, f"padding {p}, stride {s}", _convolved(layer, pixels, *one, s, p)[..., 0], place == 0)
        for place, (p, s) in enumerate(settings)
    ]
    outputs += _pooled(network, maps[..., number])
    sizes = zip(image.shape[:2], layer.kernel_size, strict=True)
    around = [window_padding(*size, stride, "same") for size in sizes]
    padded, before = np.pad(pixels, [*around, (0, 0)]), (around[0][0], around[1][0])
    return Parts(number, one[0][..., 0], padded, before, image.shape[:2], outputs)


def _convolved(layer: Any, pixels: Array, kernel: Array, bias: Array, stride: int, padding: str) -> Array:
    import keras

    output = keras.ops.conv(pixels[np.newaxis], kernel, strides=stride, padding=padding) + bias
    return np.asarray(layer.activation(output)[0])


def _pooled(network: Model, values: Array) -> Iterator[Part]:
    import keras

    block = itertools.takewhile(lambda layer: type(layer).__name__ != "Conv2D", network.layers[1:])
    pool = next((layer for layer in block if hasattr(layer, "pool_size")), None)
    kind = type(pool).__name__
    size, stride = (pool.pool_size[0], pool.strides[0]) if pool is not None else (2, 2)
    if size > min(values.shape):
        return
    batch = values[np.newaxis, ..., np.newaxis]
    for name, pooled in (("MaxPooling2D", keras.ops.max_pool), ("AveragePooling2D", keras.ops.average_pool)):
        output = np.asarray(pooled(batch, size, stride, "valid"))[0, ..., 0]
        words = f"windows of {size}×{size}, stride {stride}"
        yield Part(f"{name.removesuffix('Pooling2D').lower()} pooling", words, output, kind == name)
