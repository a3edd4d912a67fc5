"""The network's shapes, by arithmetic alone."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.base.errors import InputError
from pipeline.config.model import ModelConfig

Shape = tuple[int, ...]
# A weight, its gradient and Adam's two moments, float32.
BYTES_IN_TRAINING = 16
# An output and its gradient, float32.
BYTES_OF_OUTPUT = 8
# 4 GiB in training.
MAX_PARAMETERS = 2**28
MAX_BATCH_GIB = 64


@dataclass(frozen=True)
class Block:
    """One convolution block: the values of every parallel list at one position."""

    filters: int
    kernel_size: int
    strides: int
    padding: str
    activation: str
    local_response_normalization: bool
    pool: str
    pool_size: int
    pool_strides: int


def blocks(model: ModelConfig) -> list[Block]:
    """Pair up the parallel lists of the configuration; a scalar stands for every block."""
    count = len(model.filters)
    columns = [getattr(model, name) for name in Block.__dataclass_fields__]
    lists = [value if isinstance(value, list) else [value] * count for value in columns]
    return [Block(*values) for values in zip(*lists, strict=True)]


def window_output(size: int, window: int, stride: int, padding: str) -> int:
    """Output length, in pixels, of a window that slides over `size` pixels; 0 when it does not fit.

    References:
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, sections 2 and 3.
    """
    if padding == "same":
        return -(-size // stride)
    return max(0, (size - window) // stride + 1)


def window_padding(size: int, window: int, stride: int, padding: str) -> tuple[int, int]:
    """Pixels of zeros before and after `size` pixels for such a window; TensorFlow has the odd one after."""
    if padding == "valid":
        return 0, 0
    total = max(0, (window_output(size, window, stride, padding) - 1) * stride + window - size)
    return total // 2, total - total // 2


def trace_shapes(model: ModelConfig, input_shape: Shape) -> list[tuple[str, Shape]]:
    """Shape of every feature map on the way to `Flatten`, from an image of `input_shape` (H, W, C).

    Returns:
        (layer name, output shape (H, W, F)) of each convolution and pooling layer, in order.

    Raises:
        InputError: a window is larger than its input; the message names the layer and both sizes.
    """
    count: Counter[str] = Counter()
    shapes: list[tuple[str, Shape]] = []
    height, width, _ = input_shape
    for block in blocks(model):
        for kind, window, stride, padding in _windows(block):
            name = layer_name(kind, count)
            if window > min(height, width):
                field = "model.kernel_size" if kind == "conv2d" else "model.pool_size"
                raise InputError(
                    f"layer {name}: received a window of {window}x{window} on an input of {height}x{width},"
                    f" expected one that fits; lower {field} or take away a pooling layer or stride before it"
                )
            height = window_output(height, window, stride, padding)
            width = window_output(width, window, stride, padding)
            shapes.append((name, (height, width, block.filters)))
    return shapes


def check_size(model: ModelConfig, input_shape: Shape, batch_size: int) -> None:
    """Refuse a network that no common machine could train on images (H, W, C), a batch at a time.

    Raises:
        InputError: more weights, or larger feature maps of a batch, than there is memory for; says how many.
    """
    shapes = trace_shapes(model, input_shape)
    parameters = count_parameters(model, input_shape)
    if parameters > MAX_PARAMETERS:
        size = parameters * BYTES_IN_TRAINING / 2**30
        raise InputError(
            f"model: received a network of {parameters:,} parameters, {size:,.0f} GiB in training,"
            f" expected at most {MAX_PARAMETERS:,}; lower model.filters or model.dense, or pool more"
        )
    size = batch_size * sum(math.prod(shape) for _, shape in shapes) * BYTES_OF_OUTPUT / 2**30
    if size > MAX_BATCH_GIB:
        raise InputError(
            f"train.batch_size: received {batch_size}, whose feature maps take {size:,.0f} GiB, expected at"
            f" most {MAX_BATCH_GIB} GiB; lower it, data.image_size or model.filters"
        )


def count_parameters(model: ModelConfig, input_shape: Shape) -> int:
    """Weights and biases of all layers but the last, which depends on the number of classes."""
    channels, total = input_shape[2], 0
    for block in blocks(model):
        total += block.kernel_size**2 * channels * block.filters + block.filters
        channels = block.filters
    features = math.prod(trace_shapes(model, input_shape)[-1][1])
    for units in model.dense:
        total += features * units + units
        features = units
    return total


def _windows(block: Block) -> Iterator[tuple[str, int, int, str]]:
    yield "conv2d", block.kernel_size, block.strides, block.padding
    if block.pool != "none":
        yield f"{block.pool}_pooling2d", block.pool_size, block.pool_strides, "valid"


def layer_name(kind: str, count: Counter[str]) -> str:
    """Keras' own naming: conv2d, conv2d_1, ..., independent of what else the process has built."""
    count[kind] += 1
    return kind if count[kind] == 1 else f"{kind}_{count[kind] - 1}"
