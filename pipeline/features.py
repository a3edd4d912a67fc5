"""What the network makes of images: probabilities, feature maps and how often each filter fires."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.arrays import RowFile
from pipeline.files import Array
from pipeline.training import EVALUATION_BATCH, batches

if TYPE_CHECKING:
    import keras

RARE = 0.001
ALWAYS_ON = 0.999


@dataclass(frozen=True)
class Step:
    """What one layer makes of one image.

    Attributes:
        name: of the layer.
        kind: Keras' class name, e.g. "Conv2D".
        activation: its name, or None when the layer has none (or a linear one).
        before: float32 output before the activation, or None without one.
        output: float32, what the next layer gets: (H, W, F), or (U,) from `Flatten` on.
        kernel: the convolution's (height, width, C, F), or None.
    """

    name: str
    kind: str
    activation: str | None
    before: Array | None
    output: Array
    kernel: Array | None

    @property
    def half(self) -> str:
        """Which half of the network the layer belongs to: "feature extraction" or "classification"."""
        return "feature extraction" if self.output.ndim == 3 else "classification"

    @property
    def arrays(self) -> list[Array]:
        """The outputs before (when there is an activation) and after the activation."""
        return [self.output] if self.before is None else [self.before, self.output]


def probabilities(network: "keras.Model", images: Array | RowFile) -> Array:
    """Class probabilities, float32 (N, K), of images (N, H, W, C) uint8."""
    inputs = batches(images, EVALUATION_BATCH)
    return np.asarray(network.predict(inputs, verbose=0))


def logits_and_probabilities(network: "keras.Model", images: Array | RowFile) -> tuple[Array, Array]:
    """What the last layer gives before and after its softmax, float32 (N, K) each.

    Args:
        network: a Sequential one that ends with softmax.
        images: (N, H, W, C) uint8.
    """
    import keras

    apart = separated(network)
    both = keras.Model(apart.inputs, [layer.output for layer in apart.layers[-2:]])
    parts = [both([batch]) for batch in batches(images, EVALUATION_BATCH)]
    logits, shares = (np.concatenate(part) for part in zip(*parts, strict=True))
    return logits, shares


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
    """The outputs of some layers for one image.

    Args:
        network: the trained network.
        names: of its layers.
        image: (H, W, C) uint8.

    Returns:
        float32 array by layer name, without the batch: (H', W', F) for a convolution.
    """
    batch = (image[np.newaxis] / 255.0).astype(np.float32)
    outputs = extractor(network, names)([batch])
    return {name: np.asarray(outputs[name])[0] for name in names}


def separated(network: "keras.Model") -> "keras.Model":
    """The same network with each activation as a layer of its own: `conv2d` -> `conv2d`, `conv2d_relu`.

    Args:
        network: a Sequential one.

    Returns:
        A new Sequential network with copies of the weights; a linear activation adds no layer.
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


def walk(network: "keras.Model", image: Array) -> list[Step]:
    """One image's way through the network, layer by layer.

    Args:
        network: a Sequential one.
        image: (H, W, C) uint8.

    Returns:
        One step per layer, in order; the last one's output are the class probabilities.
    """
    apart = separated(network)
    outputs = feature_maps(apart, [layer.name for layer in apart.layers], image)
    return [_step(layer, outputs) for layer in network.layers]


def _step(layer: "keras.Layer", outputs: dict[str, Array]) -> Step:
    kind, name, activation = type(layer).__name__, layer.name, activation_name(layer)
    kernel = layer.kernel.numpy() if kind == "Conv2D" else None
    if activation is None:
        return Step(name, kind, None, None, outputs[name], kernel)
    return Step(name, kind, activation, outputs[name], outputs[f"{name}_{activation}"], kernel)


def describe_step(step: Step) -> dict[str, Any]:
    """JSON values: shape, minimum and maximum of a layer's output, and those before its activation."""
    about = {"shape": list(step.output.shape), **_extremes(step.output)}
    return about if step.before is None else {**about, "before_activation": _extremes(step.before)}


def _extremes(values: Array) -> dict[str, float]:
    return {"min": float(values.min()), "max": float(values.max())}


def firing_threshold(network: "keras.Model", name: str) -> float:
    """Output of a layer's activation for input zero, above which a filter counts as firing."""
    return 0.5 if network.get_layer(name).activation.__name__ == "sigmoid" else 0.0


def fire_rates(network: "keras.Model", names: Sequence[str], images: Array) -> dict[str, Array]:
    """Share of each filter's outputs that are above its activation's value at zero.

    Args:
        network: the trained network.
        names: of convolution layers.
        images: (N, H, W, C) uint8.

    Returns:
        float64 (F,) by layer name: fired positions / all positions, over all images.
    """
    import tensorflow as tf

    model = extractor(network, names)
    thresholds = {name: firing_threshold(network, name) for name in names}

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def count(batch: Any) -> dict[str, Any]:
        outputs = model([batch])
        return {n: tf.math.count_nonzero(outputs[n] > thresholds[n], axis=(0, 1, 2)) for n in names}

    fired = [count(batch) for batch in batches(images, EVALUATION_BATCH)]
    shapes = {name: network.get_layer(name).output.shape for name in names}
    return {
        n: sum(row[n].numpy() for row in fired) / (len(images) * shapes[n][1] * shapes[n][2]) for n in names
    }


def firing_kind(rate: float) -> str:
    """Word for a fire rate: dead (0), rare (below 0.1 %), always-on (above 99.9 %), else normal."""
    if rate == 0:
        return "dead"
    if rate < RARE:
        return "rare"
    return "always-on" if rate > ALWAYS_ON else "normal"


def describe_rates(rates: Array) -> dict[str, Any]:
    """JSON values: the fire rates (F,) and the numbers of the dead, rare and always-on filters."""
    kinds = [firing_kind(rate) for rate in rates]
    unusual = {
        kind.replace("-", "_"): [i for i, k in enumerate(kinds) if k == kind]
        for kind in ("dead", "rare", "always-on")
    }
    return {"fire_rates": [float(rate) for rate in rates], **unusual}
