"""How often each filter fires."""

from collections.abc import Sequence
from typing import Any

from pipeline.base.arrays import Array, RowFile
from pipeline.network.batches import batches
from pipeline.network.keras_types import Model
from pipeline.network.outputs import extractor

RARE = 0.001
ALWAYS_ON = 0.999


def firing_threshold(network: Model, name: str) -> float:
    """Output of a layer's activation for input zero, above which a filter counts as firing."""
    return 0.5 if network.get_layer(name).activation.__name__ == "sigmoid" else 0.0


def fire_rates(network: Model, names: Sequence[str], images: Array | RowFile, count: int) -> dict[str, Array]:
    """Share of each filter's outputs above its activation's value at zero.

    Args:
        network: the trained network.
        names: of convolution layers.
        images: (N, H, W, C) uint8.
        count: of images to use, the first.

    Returns:
        float64 (F,) by layer name: fired positions / all positions, over these images.
    """
    import tensorflow as tf

    model = extractor(network, names)
    thresholds = {name: firing_threshold(network, name) for name in names}

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def fired(batch: Any) -> dict[str, Any]:
        outputs = model([batch])
        return {n: tf.math.count_nonzero(outputs[n] > thresholds[n], axis=(0, 1, 2)) for n in names}

    parts = [fired(batch) for _, batch in batches(images, network, count)]
    shapes = {name: network.get_layer(name).output.shape for name in names}
    return {n: sum(row[n].numpy() for row in parts) / (count * shapes[n][1] * shapes[n][2]) for n in names}


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
