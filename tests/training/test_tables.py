"""What an epoch shows: pure functions of seed and epoch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.training.plan import permutation, plan

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS, epoch=st.integers(0, 1000), count=st.integers(1, 200))
def test_an_epoch_shows_each_image_once_in_an_order_of_its_own(seed, epoch, count):
    order = permutation(seed, epoch, count)
    assert sorted(order) == list(range(count))
    np.testing.assert_array_equal(order, permutation(seed, epoch, count))


def test_epochs_and_seeds_have_different_orders():
    orders = {tuple(permutation(seed, epoch, 50)) for seed in (1, 2) for epoch in (0, 1)}
    assert len(orders) == 4


def mirrored_rows(seed, epoch, count):
    drawn = plan(seed, epoch, count=count, steps=1, flip=True, shift=0)
    return set(drawn.order[drawn.mirrored])


@given(seed=SEEDS, epoch=st.integers(0, 50), count=st.integers(2, 99))
def test_each_image_is_mirrored_in_every_other_epoch_and_half_of_them_in_each(seed, epoch, count):
    now, then = mirrored_rows(seed, epoch, count), mirrored_rows(seed, epoch + 1, count)
    assert now | then == set(range(count))
    assert not now & then
    assert abs(len(now) - len(then)) <= 1
    assert now == mirrored_rows(seed, epoch + 2, count)


def test_other_seeds_mirror_other_halves():
    assert mirrored_rows(1, 0, 60) != mirrored_rows(2, 0, 60)


def test_nothing_is_mirrored_or_moved_when_both_are_off():
    drawn = plan(3, 1, count=7, steps=2, flip=False, shift=0)
    assert not drawn.mirrored.any()
    assert drawn.shifts.tolist() == [[0, 0], [0, 0]]
    np.testing.assert_array_equal(drawn.order, permutation(3, 1, 7))


def test_shifts_take_every_value_up_to_the_largest_and_differ_between_epochs():
    first, second = (plan(3, epoch, count=900, steps=900, flip=False, shift=2).shifts for epoch in (0, 1))
    assert set(first[:, 0]) == set(first[:, 1]) == {-2, -1, 0, 1, 2}
    assert (first != second).any()
    # Down and right are drawn apart from each other.
    assert abs(np.corrcoef(first.T)[0, 1]) < 0.1
