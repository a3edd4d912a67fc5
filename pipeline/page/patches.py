"""The parts of images that excite each filter most, cut out for the page."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.analysis.receptive_fields import ReceptiveField, receptive_fields
from pipeline.base.arrays import Array
from pipeline.page.material import Material


def patches(given: Material) -> dict[str, Array]:
    """Of each convolution's filter F, the strongest P patches: pixels, and where they lie.

    Returns:
        `patches/<layer>/pixels` (F, P, h, w, C) uint8, the part of the field that lies in the image, moved
        to the upper left; `patches/<layer>/places` (F, P, 4) int16, its first and last row and column in
        the field (ends excluded); `patches/<layer>/activations` float32 (F, P).
    """
    arrays: dict[str, Array] = {}
    fields = receptive_fields(given.trained)
    for name, row in given.reports["explain"]["patches"]["layers"].items():
        pixels, places = _crops(given, row, *fields[name])
        arrays[f"patches/{name}/pixels"] = pixels
        arrays[f"patches/{name}/places"] = places
        arrays[f"patches/{name}/activations"] = np.array(row["activations"], np.float32)
    return arrays


def _crops(
    given: Material, row: Mapping[str, Any], down: ReceptiveField, across: ReceptiveField
) -> tuple[Array, Array]:
    numbers = np.array(row["images"], np.int64)
    height, width, channels = given.dataset["shape"]
    tall, wide = min(down.size, height), min(across.size, width)
    pixels = np.zeros((*numbers.shape, tall, wide, channels), np.uint8)
    places = np.zeros((*numbers.shape, 4), np.int16)
    needed, inverse = np.unique(numbers, return_inverse=True)
    sources = given.validation_images[needed][inverse.ravel()]
    outputs = zip(np.ravel(row["rows"]).tolist(), np.ravel(row["columns"]).tolist(), strict=True)
    for place, source, (r, c) in zip(np.ndindex(numbers.shape), sources, outputs, strict=True):
        (top, bottom), (left, right) = down.inside(r, height), across.inside(c, width)
        pixels[place][: bottom - top, : right - left] = source[top:bottom, left:right]
        first_row, first_column = down.extent(r)[0], across.extent(c)[0]
        places[place] = top - first_row, bottom - first_row, left - first_column, right - first_column
    return pixels, places
