import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from pipeline.analysis.uncertainty import interval, mcnemar, standard_errors


@pytest.mark.parametrize(("right", "images"), [(0, 9), (5, 9), (9, 9), (9151, 10_000)])
def test_the_interval_is_wilsons(right, images):
    wilson = binomtest(right, images).proportion_ci(method="wilson")
    assert interval(right / images, images) == pytest.approx((wilson.low, wilson.high))


def test_the_interval_is_where_wilsons_equation_holds():
    low, high = interval(0.6, 15)
    for share in (low, high):
        assert abs(0.6 - share) == pytest.approx(1.959964 * math.sqrt(share * (1 - share) / 15), rel=1e-5)


def test_mcnemar_counts_all_ways_in_which_the_disagreements_could_have_fallen():
    right = np.array([True] * 7 + [False] * 1 + [True] * 4)
    other = np.array([False] * 7 + [True] * 1 + [True] * 4)
    ways = [sum(way) for way in product((0, 1), repeat=8)]
    as_uneven = sum(abs(count - 4) >= 3 for count in ways) / len(ways)
    assert mcnemar(right, other) == pytest.approx(as_uneven)


def test_networks_that_are_right_on_the_same_images_do_not_differ():
    right = np.array([True, False, True])
    assert mcnemar(right, right) == 1


def test_few_means_need_more_standard_errors():
    # From the tables of Student's t.
    assert [round(standard_errors(count), 3) for count in (2, 3, 5, 11)] == [12.706, 4.303, 2.776, 2.228]
