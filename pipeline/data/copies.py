"""Splits in which copies, images of equal pixels, are on one side."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError


def split(
    digests: Sequence[bytes], labels: Sequence[int], classes: Sequence[str], fraction: float, seed: int
) -> tuple[Array, Array]:
    """Hold out a share of each class, as nearly as can be without parting images of equal digests.

    Args:
        digests: of the pixels of N images.
        labels: N places in `classes`.
        classes: K names.
        fraction: of each class that is held out; of each at least one image is, and one is not.
        seed: of the draw.

    Returns:
        Row numbers, in the order of the draw, of what stays and of what is held out.

    Raises:
        InputError: a class cannot be on both sides.
    """
    sizes: dict[bytes, Counter[int]] = defaultdict(Counter)
    for digest, label in zip(digests, labels, strict=True):
        sizes[digest][label] += 1
    generator = np.random.default_rng(seed)
    different = list(sizes)
    drawn = [different[place] for place in generator.permutation(len(different))]
    chosen = {drawn[place] for place in _held_out([sizes[digest] for digest in drawn], classes, fraction)}
    rows = generator.permutation(len(digests))
    held_out = np.array([digests[row] in chosen for row in rows])
    return rows[~held_out], rows[held_out]


def _held_out(groups: Sequence[Counter[int]], classes: Sequence[str], fraction: float) -> list[int]:
    """Places of the groups of copies, of each of which the images of each label are counted."""
    totals: Counter[int] = Counter()
    for group in groups:
        totals.update(group)
    wanted = {label: min(max(1, round(fraction * total)), total - 1) for label, total in totals.items()}
    chosen: list[int] = []
    held: Counter[int] = Counter()
    for place, group in enumerate(groups):
        if all(held[label] + size <= wanted[label] for label, size in group.items()):
            chosen.append(place)
            held.update(group)
    for label in totals:
        if held[label]:
            continue
        # Each of its groups is larger than the share: the smallest that leaves something on the other side.
        left = [
            place
            for place, group in enumerate(groups)
            if group[label] and all(held[other] + size < totals[other] for other, size in group.items())
        ]
        if not left:
            different = sum(label in group for group in groups)
            raise InputError(
                f"data.keep_copies_together: received {totals[label]} images of class {classes[label]}, of"
                f" which {different} differ, expected some for either side of a split; add others"
            )
        chosen.append(min(left, key=lambda place: groups[place].total()))
        held.update(groups[chosen[-1]])
    return chosen
