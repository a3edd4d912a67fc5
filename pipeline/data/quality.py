"""What looks wrong with the images of the splits: copies, look-alikes, flat images, an unused range.

Images come by chunks of rows, so that they need not fit into memory. Row numbers are those of a split.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.base.arrays import Array, RowFile, chunks

# A side of the reduced images that are compared with each other.
SIDE = 8
MAX_PAIRS = 10**9
# Root mean square differences, in steps of 255; a pair closer than the larger one is a look-alike.
CLOSE, CLOSEST = 8, 3
SHOWN_PAIRS = 20
# Pairs of a chunk that are compared at full size; where there are more, the nearest of each image alone.
MAX_CANDIDATES = 200_000
CHUNK = 4096
Splits = Mapping[str, Array | RowFile]


@dataclass(frozen=True)
class Scan:
    """What one pass over a split finds.

    Attributes:
        digests: (N,) uint64, equal for pixel-equal images.
        flat: (N,) bool, whether all pixels of the image are equal.
        reduced: (N, D) float32, whose distances are at most the root mean square differences of the images.
        lowest: value of all pixels, 0 to 255.
        highest: value of all pixels, 0 to 255.
    """

    digests: Array
    flat: Array
    reduced: Array
    lowest: int
    highest: int


def digests(images: Array) -> Array:
    """(N,) uint64 of images (N, H, W, C): equal for equal pixels."""
    hashes = (hashlib.blake2b(image.data, digest_size=8).digest() for image in np.ascontiguousarray(images))
    return np.frombuffer(b"".join(hashes), np.uint64)


def scan(images: Array | RowFile) -> Scan:
    """One pass over images (N, H, W, C) uint8."""
    parts = [_scan(part) for part in chunks(images)]
    every = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("digests", "flat", "reduced")
    }
    lowest, highest = min(part.lowest for part in parts), max(part.highest for part in parts)
    return Scan(**every, lowest=lowest, highest=highest)


def _scan(images: Array) -> Scan:
    pixels = images.reshape(len(images), -1, images.shape[3])
    flat = (pixels == pixels[:, :1]).all(axis=(1, 2))
    return Scan(digests(images), flat, reduced(images), int(images.min()), int(images.max()))


def reduced(images: Array) -> Array:
    """Means of blocks of images (N, H, W, C), at most 8x8 of them, as (N, D) float32.

    Each is weighted by the root of its share of the image: by Jensen's inequality the distance of two rows is
    then at most the root mean square difference of the two images.
    """
    height, width, channels = images.shape[1:]
    tops, lefts = _edges(height), _edges(width)
    sums = np.add.reduceat(np.add.reduceat(images.astype(np.float32), tops, axis=1), lefts, axis=2)
    areas = np.outer(np.diff([*tops, height]), np.diff([*lefts, width]))
    weights = 1 / np.sqrt(areas * (height * width * channels), dtype=np.float32)
    return np.ascontiguousarray((sums * weights[None, :, :, None]).reshape(len(images), -1))


def _edges(length: int) -> Array:
    return np.unique(np.linspace(0, length, min(length, SIDE) + 1)[:-1].astype(int))


def copies(scans: Mapping[str, Scan], labels: Mapping[str, Array]) -> dict[str, int]:
    """How many images are pixel-equal copies.

    Returns:
        By split, how many are copies of another one in it (of three equal ones, two);
        `validation_in_train` and `test_in_others`, how many are also there; `with_two_labels`, how many
        are somewhere else with another label.
    """
    seen = {name: one.digests for name, one in scans.items()}
    found = {name: len(values) - len(np.unique(values)) for name, values in seen.items()}
    found["validation_in_train"] = int(np.isin(seen["validation"], seen["train"]).sum())
    others = np.concatenate([seen["train"], seen["validation"]])
    found["test_in_others"] = int(np.isin(seen["test"], others).sum())
    _, groups = np.unique(np.concatenate(list(seen.values())), return_inverse=True)
    every = np.concatenate([labels[name] for name in seen])
    pairs = np.unique(np.stack([groups, every]), axis=1)[0]
    found["with_two_labels"] = int(np.isin(groups, np.flatnonzero(np.bincount(pairs) > 1)).sum())
    return found


def look_alikes(scans: Mapping[str, Scan], images: Splits) -> dict[str, Any]:
    """Test images that have a nearly equal one outside the test split; pixel-equal ones are not counted.

    Every pair is compared at a reduced size, whose distance is at most that at full size, and those
    closer than `CLOSE` at full size.

    Returns:
        `closer_than_3` and `closer_than_8`: how many test images; `pairs`: the closest, each as
        [test row, split, row, distance]; `test_images_compared`: all, or a fixed sample of them.
    """
    count = len(scans["train"].digests) + len(scans["validation"].digests)
    size = min(len(scans["test"].digests), max(1, MAX_PAIRS // count))
    rows = np.sort(np.random.default_rng(0).permutation(len(scans["test"].digests))[:size])
    nearest: dict[int, tuple[float, str, int]] = {}
    for split in ("train", "validation"):
        for test_row, row in _candidates(scans["test"].reduced[rows], scans[split].reduced):
            place = int(rows[test_row])
            if scans["test"].digests[place] != scans[split].digests[row]:
                one = _difference(images["test"][place], images[split][row]), split, int(row)
                nearest[place] = min(one, nearest.get(place, one))
    close = sorted((one[0], place, *one[1:]) for place, one in nearest.items() if one[0] < CLOSE)
    return {
        f"closer_than_{CLOSEST}": sum(one[0] < CLOSEST for one in close),
        f"closer_than_{CLOSE}": len(close),
        "pairs": [[place, split, row, round(far, 3)] for far, place, split, row in close[:SHOWN_PAIRS]],
        "test_images_compared": size,
    }


def _candidates(test: Array, others: Array) -> Array:
    """Pairs (P, 2) of rows that may be closer than `CLOSE`."""
    found, centre = [np.zeros((0, 2), np.int64)], others.mean(axis=0)
    left = test - centre
    # |a - b|² as one product of (|a|², 1, a) and (1, |b|², -2b).
    left = np.column_stack([(left**2).sum(axis=1), np.ones(len(left), np.float32), left])
    for start in range(0, len(others), CHUNK):
        right = others[start : start + CHUNK] - centre
        right = np.column_stack([np.ones(len(right), np.float32), (right**2).sum(axis=1), -2 * right])
        squares = left @ right.T
        near = squares < CLOSE**2 + 1
        pairs = np.argwhere(near) if np.count_nonzero(near) <= MAX_CANDIDATES else _nearest(squares)
        found.append(pairs + np.array([0, start]))
    return np.concatenate(found)


def _nearest(squares: Array) -> Array:
    """Pairs (P, 2) of each row and the column of its smallest value."""
    return np.column_stack([np.arange(len(squares)), squares.argmin(axis=1)])


def _difference(image: Array, other: Array) -> float:
    """Root mean square difference of two images uint8."""
    return float(np.sqrt(((image.astype(np.float32) - other) ** 2).mean()))
