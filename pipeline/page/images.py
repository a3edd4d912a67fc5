"""Which images go into the page, and what the network made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

import numpy as np

from pipeline.base.arrays import Array


@dataclass(frozen=True)
class Choice:
    """Rows of the test images that the page holds, and why.

    Attributes:
        rows: int64 (M,), without repetition.
        samples: one row a class, of as many classes as there is room for.
        mistakes: the most confident ones first.
    """

    rows: Array
    samples: list[int]
    mistakes: list[int]


def choose(actual: Array, predicted: Array, mistakes: Sequence[int], count: int) -> Choice:
    """Choose test images: one a class, the mistakes given, then the same number of each cell.

    Args:
        actual: (N,) class numbers.
        predicted: likewise.
        mistakes: rows of the most confident ones, in order.
        count: images at most.
    """
    samples = [int(np.flatnonzero(actual == k)[0]) for k in np.unique(actual)]
    wanted = dict.fromkeys(chain(samples, mistakes, _by_turns(actual, predicted)))
    chosen = list(islice(wanted, count))
    kept = ([row for row in rows if row in chosen] for rows in (samples, mistakes))
    return Choice(np.array(chosen, np.int64), *kept)


def _by_turns(actual: Array, predicted: Array) -> Iterator[int]:
    """The first image of each cell of the confusion matrix, mistakes first, then the second of each, ..."""
    cells: dict[tuple[bool, int, int], list[int]] = {}
    for row, (a, p) in enumerate(zip(actual.tolist(), predicted.tolist(), strict=True)):
        cells.setdefault((a == p, a, p), []).append(row)
    for turn in zip_longest(*(cells[key] for key in sorted(cells))):
        yield from (row for row in turn if row is not None)


def background(images: Array) -> int:
    """Level 0..255 of a drawing's paper: the median of the pixels at the images' edges."""
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return int(np.median(np.concatenate([edge.ravel() for edge in edges])))
