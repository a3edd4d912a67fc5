"""The network's Keras layers, built from the configuration."""

import contextlib
import functools
import io
import os
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.config.model import ModelConfig

if TYPE_CHECKING:
    import keras
from pipeline.config.shapes import Shape, blocks, layer_name, trace_shapes
from pipeline.network.start import import_keras


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
    for kind, name, settings in _specified(keras, model, num_classes):
        # Softmax in half precision loses small probabilities: never that, whatever the rest is.
        full = settings.get("activation") == "softmax" and dtype.startswith("mixed")
        layers.append(kind(**settings, name=layer_name(name, count), dtype="float32" if full else dtype))
    return keras.Sequential(layers, name="network")


def _specified(keras: Any, model: ModelConfig, num_classes: int) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """Class, name and arguments of each layer; initializers draw their seeds in turn, as layers are made."""
    for block in blocks(model):
        settings = {
            "filters": block.filters,
            "kernel_size": block.kernel_size,
            "strides": block.strides,
            "padding": block.padding,
            "activation": block.activation,
            "kernel_initializer": _initializer(keras, model),
        }
        yield keras.layers.Conv2D, "conv2d", settings
        if block.local_response_normalization:
            yield local_response_normalization_class(), "local_response_normalization", {}
        if block.pool != "none":
            pooling = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
            settings = {"pool_size": block.pool_size, "strides": block.pool_strides}
            yield pooling[block.pool], f"{block.pool}_pooling2d", settings
    yield keras.layers.Flatten, "flatten", {}
    hidden = [(units, blocks(model)[-1].activation) for units in model.dense]
    for units, activation in [*hidden, (num_classes, "softmax")]:
        initializer = _initializer(keras, model)
        settings = {"units": units, "activation": activation, "kernel_initializer": initializer}
        yield keras.layers.Dense, "dense", settings
        if model.dropout and activation != "softmax":
            yield keras.layers.Dropout, "dropout", {"rate": model.dropout}


def _initializer(keras: Any, model: ModelConfig) -> Any:
    """A new initializer for each layer: one object would give every layer the same numbers."""
    if model.initializer == "random_normal":
        return keras.initializers.RandomNormal(stddev=model.initializer_stddev)
    return keras.initializers.get(model.initializer)


def summary(network: "keras.Sequential") -> str:
    """Keras' summary of a network, 80 columns wide whatever the terminal is and can show."""
    lines: list[str] = []
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        # What prints the table asks the screen which characters it has.
        with contextlib.redirect_stdout(io.StringIO()):
            network.summary(line_length=80, print_fn=lines.append)
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before
    return "\n".join(lines).strip() + "\n"


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
