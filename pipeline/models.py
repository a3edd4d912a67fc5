"""The network: its shapes by arithmetic, its Keras layers, and loading a saved one.

TensorFlow is imported inside the functions that need it: shapes are checked without it.
"""

import functools
import gc
import os
import sys
import typing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config import InputError, ModelConfig

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]

HIDDEN_FROM_KERAS = ("sklearn", "matplotlib")


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


def trace_shapes(model: ModelConfig, input_shape: Shape) -> list[tuple[str, Shape]]:
    """Shape of every feature map on the way to `Flatten`, by arithmetic alone.

    Args:
        model: the section `model`.
        input_shape: (H, W, C) of one image.

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
            name = _layer_name(kind, count)
            if window > min(height, width):
                raise InputError(_window_error(name, window, height, width))
            height = window_output(height, window, stride, padding)
            width = window_output(width, window, stride, padding)
            shapes.append((name, (height, width, block.filters)))
    return shapes


def _windows(block: Block) -> Iterator[tuple[str, int, int, str]]:
    yield "conv2d", block.kernel_size, block.strides, block.padding
    if block.pool != "none":
        yield f"{block.pool}_pooling2d", block.pool_size, block.pool_strides, "valid"


def _layer_name(kind: str, count: Counter[str]) -> str:
    """Keras' own naming: conv2d, conv2d_1, ..., independent of what else the process has built."""
    count[kind] += 1
    return kind if count[kind] == 1 else f"{kind}_{count[kind] - 1}"


def _window_error(name: str, window: int, height: int, width: int) -> str:
    field = "model.kernel_size" if name.startswith("conv2d") else "model.pool_size"
    return (
        f"layer {name}: received a window of {window}x{window} on an input of {height}x{width},"
        f" expected one that fits; lower {field} or take away a pooling layer or stride before it"
    )


def build_model(
    model: ModelConfig, *, input_shape: Shape, num_classes: int, dtype: str = "float32"
) -> "keras.Sequential":
    """Build the network: convolution blocks, Flatten, hidden dense layers, softmax.

    Args:
        model: the section `model`.
        input_shape: (H, W, C) of one image.
        num_classes: number of classes K, units of the last layer.
        dtype: Keras' dtype policy of the layers, e.g. "float32" or "mixed_bfloat16".

    Returns:
        An uncompiled model from float32 images (N, H, W, C) in 0..1 to float32 probabilities (N, K).

    Raises:
        InputError: a window is larger than its input.

    References:
        Chollet, Deep Learning with Python, 3rd ed., chapter 8.
    """
    trace_shapes(model, input_shape)
    keras = import_keras()
    count: Counter[str] = Counter()
    layers = [keras.Input(input_shape, name="image")]
    for block in blocks(model):
        layers += _convolution_layers(keras, model, block, count, dtype)
    layers += _dense_layers(keras, model, num_classes, count, dtype)
    return keras.Sequential(layers, name="network")


def _convolution_layers(
    keras: Any, model: ModelConfig, block: Block, count: Counter[str], dtype: str
) -> list[Any]:
    convolution = keras.layers.Conv2D(
        block.filters,
        block.kernel_size,
        strides=block.strides,
        padding=block.padding,
        activation=block.activation,
        kernel_initializer=_initializer(keras, model),
        name=_layer_name("conv2d", count),
        dtype=dtype,
    )
    layers = [convolution]
    if block.local_response_normalization:
        name = _layer_name("local_response_normalization", count)
        layers.append(local_response_normalization_class()(name=name, dtype=dtype))
    if block.pool != "none":
        pooling = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
        name = _layer_name(f"{block.pool}_pooling2d", count)
        pool = pooling[block.pool](block.pool_size, strides=block.pool_strides, name=name, dtype=dtype)
        layers.append(pool)
    return layers


def _dense_layers(
    keras: Any, model: ModelConfig, num_classes: int, count: Counter[str], dtype: str
) -> list[Any]:
    layers = [keras.layers.Flatten(name="flatten", dtype=dtype)]
    for units in model.dense:
        layers.append(
            keras.layers.Dense(
                units,
                activation=blocks(model)[-1].activation,
                kernel_initializer=_initializer(keras, model),
                name=_layer_name("dense", count),
                dtype=dtype,
            )
        )
        if model.dropout:
            name = _layer_name("dropout", count)
            layers.append(keras.layers.Dropout(model.dropout, name=name, dtype=dtype))
    softmax = keras.layers.Dense(
        num_classes,
        activation="softmax",
        kernel_initializer=_initializer(keras, model),
        name=_layer_name("dense", count),
        # Softmax in half precision loses small probabilities: never that, whatever the rest is.
        dtype="float32" if dtype.startswith("mixed") else dtype,
    )
    return [*layers, softmax]


def _initializer(keras: Any, model: ModelConfig) -> Any:
    """A new initializer for each layer: one object would give every layer the same numbers."""
    if model.initializer == "random_normal":
        return keras.initializers.RandomNormal(stddev=model.initializer_stddev)
    return keras.initializers.get(model.initializer)


def import_keras() -> Any:
    """Import Keras on TensorFlow without TensorFlow's start-up messages, in two thirds of the usual time."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # On takes a quarter off the time, also where TensorFlow leaves it off; it changes the last bits.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _silent_stderr(), _without_detours(), _compiling_annotations_once():
        import keras

    return keras


@contextmanager
def _without_detours() -> Iterator[None]:
    """Hide what Keras imports for wrappers that are not used here; collect no garbage: there is none."""
    hidden = [name for name in HIDDEN_FROM_KERAS if name not in sys.modules]
    collects = gc.isenabled()
    gc.disable()
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        # These half a million objects stay: later collections need not visit them.
        gc.freeze()
        if collects:
            gc.enable()


@contextmanager
def _compiling_annotations_once() -> Iterator[None]:
    """Let `typing` keep what it compiles: TensorFlow has it compile 116 quoted names 18,000 times."""
    names = vars(typing)
    names["compile"] = functools.cache(compile)
    try:
        yield
    finally:
        del names["compile"]


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what C++ code writes; TensorFlow logs before it reads TF_CPP_MIN_LOG_LEVEL."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@functools.cache
def local_response_normalization_class() -> Any:
    """The layer of AlexNet, registered with Keras under `filterscope>LocalResponseNormalization`.

    Each value is divided by (2 + 1e-4 * sum of squares over 5 neighbouring channels) ** 0.75.

    References:
        Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural
        networks, 2012, section 3.3.
    """
    keras = import_keras()
    import numpy as np
    import tensorflow as tf

    @keras.saving.register_keras_serializable(package="filterscope")
    class LocalResponseNormalization(keras.layers.Layer):  # type: ignore[misc,name-defined]
        def call(self, inputs: Any) -> Any:
            wide = tf.cast(inputs, tf.float32)
            channels = np.arange(inputs.shape[-1])
            near = np.abs(np.subtract.outer(channels, channels)) <= 2
            # TensorFlow's own operation takes four times as long on a CPU as this product.
            sums = tf.tensordot(tf.square(wide), tf.constant(near, tf.float32), axes=1)
            root = tf.math.rsqrt(2.0 + 1e-4 * sums)
            return tf.cast(wide * root * tf.sqrt(root), inputs.dtype)

    return LocalResponseNormalization


def load_model(path: Path, input_shape: Shape) -> "keras.Model":
    """Load a saved network for inference, and refuse one that does not fit the data.

    Args:
        path: a `.keras` archive, as stage `train` writes it.
        input_shape: (H, W, C) of the images that it will be given.

    Raises:
        InputError: no such file, not a Keras archive, or made for images of another shape.
    """
    keras = import_keras()
    local_response_normalization_class()
    if not path.is_file():
        raise InputError(f"{path} is missing: run `dvc repro train`, or `dvc pull` if it was pushed")
    try:
        network = keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise InputError(f"{path} cannot be loaded as a Keras model: {first_line}") from None
    received = tuple(network.input_shape[1:])
    if received != tuple(input_shape):
        raise InputError(
            f"{path} takes images of shape {received}, the data has {tuple(input_shape)};"
            " run `dvc repro train` to train on this data"
        )
    return network
