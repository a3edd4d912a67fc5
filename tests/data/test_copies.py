"""A split by copies parts no images of equal digests, and holds out a share of each class."""

import contextlib
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.data.copies import split

CLASSES = ["cat", "dog", "owl"]
IMAGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=2, max_size=60)


def groups(digests, labels):
    """How many images of each label a digest has."""
    found = defaultdict(Counter)
    for digest, label in zip(digests, labels, strict=True):
        found[digest][label] += 1
    return found


@given(IMAGES, st.floats(0.05, 0.95), st.integers(0, 5))
def test_each_image_is_on_one_side_with_its_copies_and_each_class_on_both(images, fraction, seed):
    digests, labels = [bytes([number]) for number, _ in images], [label for _, label in images]
    if len(set(digests)) == 1 or len(set(labels)) > 1:
        # Else it can always be drawn; here a class may have nothing but copies.
        with contextlib.suppress(InputError):
            check_sides(digests, labels, *split(digests, labels, CLASSES, fraction, seed))
    else:
        check_sides(digests, labels, *split(digests, labels, CLASSES, fraction, seed))


def check_sides(digests, labels, kept, held):
    assert sorted([*kept, *held]) == list(range(len(digests)))
    sides = [{digests[row] for row in rows} for rows in (kept, held)]
    assert not sides[0] & sides[1]
    assert all({labels[row] for row in rows} == set(labels) for rows in (kept, held))


def held_share(digests, labels, fraction, seed):
    _, held = split(digests, labels, CLASSES, fraction, seed)
    totals, chosen = Counter(labels), Counter(labels[row] for row in held)
    return {label: chosen[label] / total for label, total in totals.items()}


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_the_share_of_each_class_is_met_within_one_group_of_copies(fraction, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, 600).tolist()
    # Of each class some sixty different images, and one that is there sixty times.
    digests = [bytes([label, max(0, int(generator.integers(-20, 60)))]) for label in labels]
    largest = max(
        size for digest, group in groups(digests, labels).items() if digest[1] for size in group.values()
    )
    for label, share in held_share(digests, labels, fraction, seed).items():
        assert abs(share - fraction) * labels.count(label) <= largest


def test_a_picture_that_stands_for_many_is_not_what_is_tested():
    digests = [bytes([0]) if row < 400 else row.to_bytes(2, "big") for row in range(600)]
    labels = [row % 2 for row in range(600)]
    for seed in range(20):
        _, held = split(digests, labels, CLASSES, 0.2, seed)
        assert (len(held), held.min() >= 400) == (120, True)


def test_the_draw_is_that_of_its_seed():
    digests = [bytes([row // 3]) for row in range(90)]
    labels = [row % 2 for row in range(90)]
    first, again, other = (split(digests, labels, CLASSES, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert sorted(first) != sorted(other)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 1]])
def test_a_class_that_is_one_picture_is_refused_by_name(labels):
    digests = [b"one" if label else bytes([row]) for row, label in enumerate(labels)]
    with pytest.raises(InputError, match=rf"{labels.count(1)} images of class dog, of which 1 differ"):
        split(digests, labels, CLASSES, 0.5, 1)
