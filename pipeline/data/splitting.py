"""How rows are split: as scikit-learn draws them, with every class on both sides, copies together or not."""

import math
from collections.abc import Sequence

import numpy as np

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError


def held_out(
    labels: Array,
    fraction: float,
    seed: int,
    *,
    key: str,
    classes: Sequence[str],
    copies: Array | None = None,
    needed: int = 2,
) -> tuple[Array, Array]:
    """Hold out a share of each class, as scikit-learn's stratified `train_test_split` draws it.

    A class of which that draw would leave nothing on one side keeps one image there.

    Args:
        labels: (N,) uint8.
        fraction: to hold out, between 0 and 1.
        seed: `random_state` of the draw.
        key: the value of the configuration that `fraction` is, for the error.
        classes: K names.
        copies: (N,) equal numbers for pixel-equal images, which are kept on one side; None keeps none
            together.
        needed: images that each class has at least.

    Returns:
        Two int64 arrays of row numbers in the order of the draw: kept, held out.

    Raises:
        InputError: a class has fewer images, or fewer different ones; names it.
    """
    from sklearn.model_selection import train_test_split

    first, group = _firsts(len(labels), copies)
    counts = np.bincount(labels[first], minlength=len(classes))
    for name, count in zip(classes, counts.tolist(), strict=True):
        if count < needed:
            kind = "images" if copies is None else "different images"
            raise InputError(
                f"{key}: received {count} {kind} of class {name!r}, expected {needed} or more: add some, or"
                " leave the class out"
            )
    # Of each class one image at least, which scikit-learn checks of the whole.
    size = min(max(math.ceil(fraction * len(first)), len(classes)), len(first) - len(classes))
    kept, held = train_test_split(
        np.arange(len(first)), test_size=size, random_state=seed, stratify=labels[first]
    )
    kept, held = _with_every_class(kept, held, labels[first])
    return _members(kept, group), _members(held, group)


def _firsts(count: int, copies: Array | None) -> tuple[Array, Array]:
    """The first row of each group of copies (G,), and the number of the group of each row (N,)."""
    if copies is None:
        return np.arange(count), np.arange(count)
    _, first, group = np.unique(copies, return_index=True, return_inverse=True)
    # In the order of the rows, not of the digests.
    rank = np.argsort(np.argsort(first))
    return np.sort(first), rank[group]


def _members(groups: Array, group: Array) -> Array:
    """All rows of some groups, group by group."""
    rank = np.full(group.max() + 1, -1)
    rank[groups] = np.arange(len(groups))
    rows = np.flatnonzero(rank[group] >= 0)
    return rows[np.argsort(rank[group[rows]], kind="stable")]


def _with_every_class(kept: Array, held: Array, labels: Array) -> tuple[Array, Array]:
    """Move the last drawn image of a class to the side that has none of it."""
    for label in np.unique(labels):
        if not (labels[held] == label).any():
            kept, held = _moved(kept, held, labels, label)
        if not (labels[kept] == label).any():
            held, kept = _moved(held, kept, labels, label)
    return kept, held


def _moved(giving: Array, taking: Array, labels: Array, label: int) -> tuple[Array, Array]:
    place = np.flatnonzero(labels[giving] == label)[-1]
    return np.delete(giving, place), np.append(taking, giving[place])
