"""The patches of the images that excite each filter most: what it looks for."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pipeline.analysis.receptive_fields import Fields, ReceptiveField
from pipeline.base.arrays import Array, RowFile
from pipeline.network.batches import batch_size, batches
from pipeline.network.keras_types import Model
from pipeline.network.outputs import extractor

PATCHES = 9


def crop(image: Array, rows: tuple[int, int], columns: tuple[int, int]) -> Array:
    """Part of an image (H, W, C) as float64 in 0..1; NaN where it reaches beyond the image."""
    inside = image[max(0, rows[0]) : rows[1], max(0, columns[0]) : columns[1]] / 255.0
    places = zip((rows, columns), image.shape[:2], strict=True)
    beyond = [(max(0, -first), max(0, end - size)) for (first, end), size in places]
    return np.pad(inside, [*beyond, (0, 0)], constant_values=np.nan)


class Patches(NamedTuple):
    """The strongest outputs of each filter of a layer, at most one per image, the strongest first.

    Attributes:
        activations: float32 (F, P).
        images: int64 (F, P), numbers of the images.
        rows: int64 (F, P), of the output in the feature map.
        columns: likewise.
    """

    activations: Array
    images: Array
    rows: Array
    columns: Array

    def best(self, count: int) -> "Patches":
        """The `count` strongest of each filter; of equal ones the earliest image."""
        order = np.argsort(-self.activations, axis=1, kind="stable")[:, :count]
        return Patches(*(np.take_along_axis(a, order, axis=1) for a in self))

    def joined(self, other: "Patches") -> "Patches":
        """These and those of later images."""
        return Patches(*(np.concatenate(pair, axis=1) for pair in zip(self, other, strict=True)))


def strongest_patches(network: Model, names: Sequence[str], images: Array | RowFile) -> dict[str, Patches]:
    """Where in which images (N, H, W, C) uint8 each filter of some convolutions is excited most.

    One batch is in memory at a time.

    References:
        Zeiler and Fergus, Visualizing and understanding convolutional networks, 2014, section 2.1.
    """
    import tensorflow as tf

    model = extractor(network, names)
    widths = {name: network.get_layer(name).output.shape[2] for name in names}

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def peaks(batch: Any) -> dict[str, Any]:
        outputs = model([batch])
        flat = {n: tf.reshape(outputs[n], (tf.shape(batch)[0], -1, outputs[n].shape[-1])) for n in names}
        return {n: (tf.reduce_max(flat[n], axis=1), tf.argmax(flat[n], axis=1)) for n in names}

    found: dict[str, Patches] = {}
    for rows, batch in batches(images, network):
        for name, pair in peaks(batch).items():
            values, places = (array.numpy().T for array in pair)
            numbers = np.broadcast_to(np.arange(rows.start, rows.stop), values.shape)
            new = Patches(values, numbers, places // widths[name], places % widths[name])
            found[name] = (found[name].joined(new) if name in found else new).best(PATCHES)
    return found


def crops(patches: Patches, fields: Fields, images: Array | RowFile, threshold: float) -> list[list[Array]]:
    """The patches (h, w, C) of each filter, see `crop`; without those that do not exceed a threshold."""
    down, across = fields
    return [
        [
            crop(images[image], down.extent(row), across.extent(column))
            for value, image, row, column in zip(*each, strict=True)
            if value > threshold
        ]
        for each in zip(*patches, strict=True)
    ]


def recomputed(network: Model, name: str, patches: Patches, fields: Fields, images: Array | RowFile) -> Array:
    """The activations (F, P) once more, from the patches alone: all pixels beyond them are set to zero.

    Equal to `patches.activations` when the receptive fields are right.
    """
    model = extractor(network, [name])
    filters = np.indices(patches.images.shape)[0]
    units = np.stack([filters, *patches[1:]], axis=-1).reshape(-1, 4)
    values, size = [], batch_size(network)
    for part in np.split(units, range(size, len(units), size)):
        alone = np.stack([_only_patch(images[n], *fields, row, column) for _, n, row, column in part])
        outputs = np.asarray(model([alone.astype(np.float32) / 255.0])[name])
        number, _, row, column = part.T
        values.append(outputs[np.arange(len(part)), row, column, number])
    return np.concatenate(values).reshape(patches.activations.shape)


def _only_patch(image: Array, down: ReceptiveField, across: ReceptiveField, row: int, column: int) -> Array:
    (top, bottom), (left, right) = down.inside(row, image.shape[0]), across.inside(column, image.shape[1])
    alone = np.zeros_like(image)
    alone[top:bottom, left:right] = image[top:bottom, left:right]
    return alone
