"""The networks' layers, weights and filters as the page holds them, and the patches that excite these."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.analysis.receptive_fields import Fields, receptive_fields
from pipeline.analysis.weights import colour_limit, initializer_limit
from pipeline.base.arrays import Array
from pipeline.network.checkpoint import Layer, convolutions
from pipeline.page.material import Material

CONFIGURED = ("activation", "filters", "kernel_size", "padding", "pool_size", "rate", "strides", "units")


def described(layer: Layer) -> dict[str, Any]:
    """What the browser's engine needs to know of a layer, and the shapes to show."""
    return {
        "kind": layer.kind,
        "name": layer.name,
        "config": {key: layer.config[key] for key in CONFIGURED if key in layer.config},
        "input_shape": list(layer.input_shape),
        "output_shape": list(layer.output_shape),
        "parameters": layer.parameters,
    }


def filters(material: Material, kernel_limit: float | None) -> dict[str, Any]:
    """Numbers of each filter, as JSON values by the name of its convolution; arguments are as in `export`."""
    features, explained = material.reports["features"], material.reports["explain"]
    found = {}
    pairs = zip(convolutions(material.trained), convolutions(material.untrained), strict=True)
    for after, before in pairs:
        words, limit = initializer_limit(before)
        found[after.name] = {
            **features["layers"][after.name],
            "fire_rate_images": features["images"],
            "accuracy_lost": explained["importance"]["layers"][after.name]["accuracy_lost"],
            "accuracy_images": explained["importance"]["images"],
            "patch_images": explained["patches"]["images"],
            "cosine": material.reports["compare_untrained"][after.name]["cosine"],
            "initializer": {"words": words, "limit": limit},
            "colour_limit": colour_limit(kernel_limit, after.kernel, before.kernel),
        }
    return found


def weights(material: Material) -> dict[str, Array]:
    """Trained weights as they are; of the untrained network, which no result rests on, 16 bits each.

    Returns:
        Arrays named `trained/<layer>/kernel`, `untrained/<layer>/bias`, `epochs/<layer>/kernel` (E, ...), ...
    """
    trained = {f"trained/{name}": array for name, array in _variables(material.trained)}
    halves = {f"untrained/{name}": array.astype(np.float16) for name, array in _variables(material.untrained)}
    last = _variables(convolutions(material.trained))
    epochs = {f"epochs/{name}": material.epochs[name].astype(np.float16) for name, _ in last}
    return trained | halves | epochs


def _variables(layers: Sequence[Layer]) -> Iterator[tuple[str, Array]]:
    """Each kernel and bias, named `<layer>/kernel` and `<layer>/bias`."""
    for layer in layers:
        for kind, array in zip(("kernel", "bias"), layer.variables, strict=False):
            yield f"{layer.name}/{kind}", array


def patches(material: Material) -> dict[str, Array]:
    """Of each convolution's filter F, the strongest P patches: pixels, and where they lie.

    Returns:
        `patches/<layer>/pixels` (F, P, h, w, C) uint8, the part of the field that lies in the image, moved
        to the upper left; `patches/<layer>/places` (F, P, 4) int16, its first and last row and column in
        the field (ends excluded); `patches/<layer>/activations` float32 (F, P).
    """
    arrays: dict[str, Array] = {}
    fields = receptive_fields(material.trained)
    for name, row in material.reports["explain"]["patches"]["layers"].items():
        crops = _crops(material, row, fields[name])
        arrays[f"patches/{name}/pixels"], arrays[f"patches/{name}/places"] = crops
        arrays[f"patches/{name}/activations"] = np.array(row["activations"], np.float32)
    return arrays


def _crops(material: Material, row: Mapping[str, Any], fields: Fields) -> tuple[Array, Array]:
    down, across = fields
    numbers = np.array(row["images"], np.int64)
    height, width, channels = material.dataset.shape
    tall, wide = min(down.size, height), min(across.size, width)
    pixels = np.zeros((*numbers.shape, tall, wide, channels), np.uint8)
    places = np.zeros((*numbers.shape, 4), np.int16)
    needed, inverse = np.unique(numbers, return_inverse=True)
    sources = material.validation_images[needed][inverse.ravel()]
    outputs = zip(np.ravel(row["rows"]).tolist(), np.ravel(row["columns"]).tolist(), strict=True)
    for place, source, (r, c) in zip(np.ndindex(numbers.shape), sources, outputs, strict=True):
        (top, bottom), (left, right) = down.inside(r, height), across.inside(c, width)
        pixels[place][: bottom - top, : right - left] = source[top:bottom, left:right]
        first_row, first_column = down.extent(r)[0], across.extent(c)[0]
        places[place] = top - first_row, bottom - first_row, left - first_column, right - first_column
    return pixels, places
