"""The page's contents: JSON values and named arrays; and what gives way when they are too large."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.base.arrays import Array

# At least the first and the last epoch.
MIN_EPOCHS = 2


@dataclass(frozen=True)
class Contents:
    """What the page is made of.

    Attributes:
        values: JSON values.
        arrays: by name; float32, float16, uint8 or int16.
    """

    values: dict[str, Any]
    arrays: dict[str, Array]

    @property
    def characters(self) -> int:
        """Size of the arrays in the page: Base64 writes three bytes as four characters."""
        return sum(math.ceil(array.nbytes / 3) * 4 for array in self.arrays.values())

    def without(self, prefix: str) -> "Contents":
        """The same without the arrays whose names begin so."""
        return replace(self, arrays={n: a for n, a in self.arrays.items() if not n.startswith(prefix)})

    def extended(self, **values: Any) -> "Contents":
        """The same with more JSON values."""
        return replace(self, values={**self.values, **values})


def fitted(contents: Contents, limit: int) -> Contents:
    """Contents of at most that many characters, if leaving out helps.

    Args:
        contents: arrays `epochs/...` (E, ...) have one entry an epoch of the values `epochs`, those
            of the networks are `trained/...` and `untrained/...`, those of the patches `patches/...`.
        limit: characters of the arrays.

    Returns:
        The first of `_smaller` that fits, or the smallest.
    """
    for smaller in _smaller(contents):
        if smaller.characters <= limit:
            return smaller
    return smaller


def _smaller(contents: Contents) -> Iterator[Contents]:
    """Fewer epochs, then none, then no patches; then no network, with patches and without.

    The value `live` says whether the page can run the network, `patches` whether there are any.
    """
    for count in range(len(contents.values["epochs"]), MIN_EPOCHS - 1, -1):
        yield _thinned(contents, count).extended(live=True, patches=True)
    bare = contents.without("epochs/").extended(epochs=[])
    yield bare.extended(live=True, patches=True)
    yield bare.without("patches/").extended(live=True, patches=False)
    dead = bare.without("trained/").without("untrained/")
    yield dead.extended(live=False, patches=True)
    yield dead.without("patches/").extended(live=False, patches=False)


def _thinned(contents: Contents, count: int) -> Contents:
    """Only some of the epochs, evenly spread from the first to the last, with the kept one among them."""
    epochs = contents.values["epochs"]
    if count >= len(epochs):
        return contents
    places = {round(place) for place in np.linspace(0, len(epochs) - 1, count)}
    if (kept := contents.values["kept_epoch"]) in epochs:
        last = len(epochs) - 1
        # The first and the last stay as long as there are others.
        nearest = min(places - {0, last} or {last}, key=lambda place: abs(epochs[place] - kept))
        places = places - {nearest} | {epochs.index(kept)}
    rows = sorted(places)
    arrays = {n: a[rows] if n.startswith("epochs/") else a for n, a in contents.arrays.items()}
    return Contents({**contents.values, "epochs": [epochs[row] for row in rows]}, arrays)
