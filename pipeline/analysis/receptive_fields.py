"""Which pixels of the image a value of a feature map sees."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.shapes import window_padding
from pipeline.network.checkpoint import Layer


@dataclass(frozen=True)
class ReceptiveField:
    """Pixels, along one axis, that an output depends on: output u on `size` pixels from start + u * jump."""

    size: int = 1
    jump: int = 1
    start: int = 0

    def extent(self, output: int) -> tuple[int, int]:
        """First pixel, and the one after the last, of that output; may lie outside of the image."""
        first = self.start + output * self.jump
        return first, first + self.size

    def inside(self, output: int, size: int) -> tuple[int, int]:
        """The part of `extent` that lies in an image of `size` pixels."""
        first, end = self.extent(output)
        return max(0, first), min(size, end)


# Down and across.
Fields = tuple[ReceptiveField, ReceptiveField]


def widened(field: ReceptiveField, size: int, window: int, stride: int, padding: str) -> ReceptiveField:
    """The receptive field after one more window, of a convolution or a pooling, over `size` pixels.

    References:
        Araujo, Norris and Sim, Computing receptive fields of convolutional neural networks, Distill,
        2019.
    """
    before, _ = window_padding(size, window, stride, padding)
    wider = field.size + (window - 1) * field.jump
    return ReceptiveField(wider, field.jump * stride, field.start - before * field.jump)


def receptive_fields(network: Sequence[Layer]) -> dict[str, Fields]:
    """Receptive field down and across of each layer up to `Flatten`, by layer name."""
    fields: dict[str, Fields] = {}
    current = (ReceptiveField(), ReceptiveField())
    for layer in network:
        if layer.kind == "Flatten":
            break
        windows = layer.config.get("kernel_size", layer.config.get("pool_size"))
        if windows is not None:
            sizes = zip(current, layer.input_shape[:2], windows, layer.config["strides"], strict=True)
            down, across = (widened(*size, layer.config["padding"]) for size in sizes)
            current = down, across
        fields[layer.name] = current
    return fields
