"""One image's way through the network, layer by layer."""

from dataclasses import dataclass
from typing import Any

from pipeline.base.arrays import Array
from pipeline.network.keras_types import Layer, Model
from pipeline.network.outputs import activation_name, feature_maps, separated


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


def walk(network: Model, image: Array) -> list[Step]:
    """The way of one image (H, W, C) uint8 through a Sequential network.

    Returns:
        One step per layer, in order; the last one's output are the class probabilities.
    """
    apart = separated(network)
    outputs = feature_maps(apart, [layer.name for layer in apart.layers], image)
    return [_step(layer, outputs) for layer in network.layers]


def _step(layer: Layer, outputs: dict[str, Array]) -> Step:
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
