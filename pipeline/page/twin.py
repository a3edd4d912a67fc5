"""The network's arithmetic in NumPy: what the page's own engine does, on many images at once.

The page shows how far this is from TensorFlow's results, and how far the browser is from this.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import erf, softmax

from pipeline.base.arrays import Array
from pipeline.config.shapes import window_padding
from pipeline.network.checkpoint import Layer

BATCH = 64


@dataclass(frozen=True)
class Step:
    """What one layer makes of images.

    Attributes:
        layer: which.
        before: float32 (N, ...) before the activation; None where the layer has none or a linear one.
        output: float32 (N, ...), what the next layer gets.
    """

    layer: Layer
    before: Array | None
    output: Array


def steps(network: Sequence[Layer], images: Array) -> list[Step]:
    """Each layer's output, from the first after the input to the last, of images (N, H, W, C) uint8."""
    values = images.astype(np.float32) / np.float32(255)
    found = []
    for layer in network[1:]:
        linear = _LAYERS[layer.kind](layer, values)
        name = layer.config.get("activation", "linear")
        values = _ACTIVATIONS[name](linear)
        found.append(Step(layer, None if name == "linear" else linear, values))
    return found


def in_batches(network: Sequence[Layer], images: Array) -> Iterator[list[Step]]:
    """`steps` for a few images at a time, since the outputs of many do not fit into memory."""
    for start in range(0, len(images), BATCH):
        yield steps(network, images[start : start + BATCH])


def probabilities(network: Sequence[Layer], images: Array) -> Array:
    """Class probabilities, float32 (N, K), of images (N, H, W, C) uint8."""
    return logits_and_probabilities(network, images)[1]


def logits_and_probabilities(network: Sequence[Layer], images: Array) -> tuple[Array, Array]:
    """What the last layer has before and after its softmax, float32 (N, K) each."""
    lasts = [batch[-1] for batch in in_batches(network, images)]
    before, after = zip(*((last.before, last.output) for last in lasts), strict=True)
    return np.concatenate(before), np.concatenate(after)


def _convolution(layer: Layer, values: Array) -> Array:
    """One matrix product for all places of the kernel: patches (N, H', W', h * w * C) by kernel."""
    kernel, bias = layer.variables
    patches = np.concatenate(list(_places(layer, values, 0.0)), axis=-1)
    result: Array = patches @ kernel.reshape(-1, kernel.shape[-1]) + bias
    return result


def _mean(layer: Layer, values: Array) -> Array:
    """The mean over those pixels of each window that lie inside of the map."""
    inside = np.ones((1, *values.shape[1:3], 1), np.float32)
    total, count = (np.add.reduce(list(_places(layer, v, 0.0))) for v in (values, inside))
    result: Array = total / count
    return result


def _places(layer: Layer, values: Array, outside: float) -> Iterator[Array]:
    """For each place of the window, row by row, what all outputs see there: (N, H', W', C)."""
    config = layer.config
    window, strides = config["kernel_size" if layer.kind == "Conv2D" else "pool_size"], config["strides"]
    sizes = zip(values.shape[1:3], window, strides, strict=True)
    around = [window_padding(*size, config["padding"]) for size in sizes]
    padded = np.pad(values, [(0, 0), *around, (0, 0)], constant_values=outside) if np.any(around) else values
    seen = np.lib.stride_tricks.sliding_window_view(padded, window, axis=(1, 2))
    for row, column in np.ndindex(*window):
        yield seen[:, :: strides[0], :: strides[1], :, row, column]


def _normalized(layer: Layer, values: Array) -> Array:
    """Divided by (2 + 1e-4 * sum of squares over 5 neighbouring channels) ** 0.75, as AlexNet's."""
    squares = np.pad(np.square(values), [(0, 0)] * 3 + [(2, 2)])
    channels = values.shape[-1]
    sums = np.add.reduce([squares[..., place : place + channels] for place in range(5)])
    result: Array = values / (np.float32(2) + np.float32(1e-4) * sums) ** np.float32(0.75)
    return result


def _sigmoid(values: Array) -> Array:
    # Each half of the axis by the formula that cannot overflow there.
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1 / (1 + small), small / (1 + small))


_LAYERS: dict[str, Callable[[Layer, Array], Array]] = {
    "Conv2D": _convolution,
    "MaxPooling2D": lambda layer, values: np.maximum.reduce(list(_places(layer, values, -np.inf))),
    "AveragePooling2D": _mean,
    "LocalResponseNormalization": _normalized,
    "Flatten": lambda layer, values: values.reshape(len(values), -1),
    "Dropout": lambda layer, values: values,
    "Dense": lambda layer, values: values @ layer.variables[0] + layer.variables[1],
}
_ACTIVATIONS: dict[str, Callable[[Array], Any]] = {
    "linear": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "elu": lambda values: np.where(values > 0, values, np.expm1(np.minimum(values, 0))),
    "gelu": lambda values: values * (1 + erf(values / np.sqrt(np.float32(2)))) / 2,
    "silu": lambda values: values * _sigmoid(values),
    "softmax": lambda values: softmax(values, axis=-1),
}
