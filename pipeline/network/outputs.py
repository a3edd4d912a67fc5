"""What the layers of a network make of images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.base.arrays import Array, RowFile
from pipeline.network.batches import batches

if TYPE_CHECKING:
    import keras


def probabilities(network: "keras.Model", images: Array | RowFile) -> Array:
    """Class probabilities, float32 (N, K), of images (N, H, W, C) uint8."""
    return logits_and_probabilities(network, images)[1]


def logits_and_probabilities(network: "keras.Model", images: Array | RowFile) -> tuple[Array, Array]:
    """What a Sequential network makes of images (N, H, W, C) uint8 before and after a softmax.

    Returns:
        float32 (N, K) each.
    """
    import keras

    apart = separated(network)
    logits, last = logits_of(apart), apart.layers[-1].output
    shares = keras.activations.softmax(logits) if logits is last else last
    both = keras.Model(apart.inputs, [logits, shares])
    parts = [both([batch]) for _, batch in batches(images, network)]
    before, after = (np.concatenate(part) for part in zip(*parts, strict=True))
    return before, after


def logits_of(apart: "keras.Model") -> "keras.KerasTensor":
    """What a network with separated activations makes before its softmax; its output if it has none."""
    last = apart.layers[-1]
    return last.input if activation_name(last) == "softmax" else last.output


def convolution_names(network: "keras.Model") -> list[str]:
    """Names of the convolution layers, in order."""
    return [layer.name for layer in network.layers if type(layer).__name__ == "Conv2D"]


def extractor(network: "keras.Model", names: Sequence[str]) -> "keras.Model":
    """A model from the network's input to a dict of the outputs of the layers of those names.

    References:
        Chollet, Deep Learning with Python, 3rd ed., chapter 10, visualizing intermediate activations.
    """
    import keras

    return keras.Model(network.inputs, {name: network.get_layer(name).output for name in names})


def feature_maps(network: "keras.Model", names: Sequence[str], image: Array) -> dict[str, Array]:
    """The outputs of the layers of those names for one image (H, W, C) uint8.

    Returns:
        float32 array by layer name, without the batch: (H', W', F) for a convolution.
    """
    batch = (image[np.newaxis] / 255.0).astype(np.float32)
    outputs = extractor(network, names)([batch])
    return {name: np.asarray(outputs[name])[0] for name in names}


def separated(network: "keras.Model") -> "keras.Model":
    """The same network with each activation as a layer of its own: `conv2d` -> `conv2d`, `conv2d_relu`.

    Of a Sequential network a new one with copies of the weights; a linear activation adds no layer.
    """
    import keras

    layers = [keras.Input(network.input_shape[1:])]
    for layer in network.layers:
        name = activation_name(layer)
        linear = {} if name is None else {"activation": "linear"}
        layers.append(type(layer).from_config({**layer.get_config(), **linear}))
        if name is not None:
            layers.append(keras.layers.Activation(name, name=f"{layer.name}_{name}"))
    copy = keras.Sequential(layers)
    copy.set_weights(network.get_weights())
    return copy


def activation_name(layer: "keras.Layer") -> str | None:
    """Name of a layer's activation; None when it has none or a linear one."""
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return None if name == "linear" else name
