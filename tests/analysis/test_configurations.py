"""What a sweep's runs say together, against sums by hand and brute force."""

from dataclasses import replace
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweeps_by_hand import grid, override, run, search, splits

from pipeline.analysis.configurations import (
    as_good_as_the_best,
    best_of,
    configurations,
    cost_of,
    override_values,
    pareto_front,
    smallest_as_good,
)
from pipeline.analysis.groups import estimate

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30)


@given(POINTS)
def test_the_pareto_front_is_every_point_that_no_point_beats(points):
    costs, gains = zip(*points, strict=True)
    expected = {
        i
        for i, (cost, gain) in enumerate(points)
        if not any(c <= cost and g >= gain and (c < cost or g > gain) for c, g in points)
    }
    front = pareto_front(costs, gains)
    assert set(front) == expected
    assert len(front) == len(expected)
    assert [costs[i] for i in front] == sorted(costs[i] for i in front)


def test_runs_that_differ_in_their_seed_alone_are_one_configuration():
    found = configurations(list(reversed(grid())))
    assert [one.label for one in found] == ["8-16", "16-32", "32-64", "64-128"]
    assert [[member.seed for member in one.runs] for one in found] == [[1, 2, 3]] * 4


def test_runs_that_differ_in_split_and_seed_are_one_configuration_of_several_splits():
    found = configurations(list(reversed(splits())))
    assert [one.label for one in found] == ["8-16", "16-32"]
    draws = [(split, seed) for split in (1, 2, 3) for seed in (1, 2)]
    assert [[(run.split_seed, run.seed) for run in one.runs] for one in found] == [draws] * 2
    assert len({found[0].draw(run) for run in found[0].runs}) == 6


def test_other_code_or_other_data_of_one_split_is_another_configuration():
    runs = splits(choices=[(8, 16)])
    for other in ({"pipeline/network": "bb"}, {"data/prepared": "another"}):
        changed = replace(runs[-1], inputs={**runs[-1].inputs, **other})
        assert [len(one.runs) for one in configurations([*runs[:-1], changed])] == [5, 1]


def test_the_spread_over_splits_is_that_of_their_means_and_apart_from_the_seeds():
    one = configurations(splits())[0]
    # On each split 0.7 + 0.002 and 0.004 more.
    means = [0.703 + 0.03 * split for split in (1, 2, 3)]
    found = one.estimate("validation.accuracy")
    assert (found.mean, found.deviation, found.count) == pytest.approx((fmean(means), stdev(means), 3))
    # A fifth of the images validates, so that there are 0.25 of them per training image.
    assert found.standard_error == pytest.approx(0.03 * (1 / 3 + 0.25) ** 0.5)
    assert one.seed_deviation("validation.accuracy") == pytest.approx(0.002 / 2**0.5)
    single = configurations(splits(seeds=(1,)))[0]
    assert single.seed_deviation("validation.accuracy") is None
    seeds = configurations(splits(splits=(1,)))[0]
    assert seeds.estimate("validation.accuracy").deviation == pytest.approx(0.002 / 2**0.5)


def test_mean_deviation_and_error_are_those_by_hand():
    # deviations -0.02, 0, 0.02: variance 0.0008 / 2
    found = estimate([0.90, 0.92, 0.94])
    assert found.mean == pytest.approx(0.92)
    assert found.deviation == pytest.approx(0.02)
    assert found.standard_error == pytest.approx(0.02 / 3**0.5)
    assert str(found) == "0.9200 ± 0.0200"


def test_one_seed_has_no_spread():
    found = estimate([0.9])
    assert (found.mean, found.deviation, found.standard_error, found.count) == (0.9, None, None, 1)
    assert str(found) == "0.9000"


def test_a_seed_that_comes_twice_counts_once():
    runs = [run("model=cnn", "seed=1"), run(override([8, 16]), "seed=1"), run("model=cnn", "seed=2", seed=2)]
    (one,) = configurations(runs)
    assert [member.seed for member in one.runs] == [1, 2]


def test_runs_with_equal_overrides_and_other_parameters_are_told_apart_by_these():
    runs = [run("seed=1", train__epochs=3), run("seed=1", train__epochs=9)]
    found = configurations(runs)
    assert [dict(one.values) for one in found] == [{"train.epochs": 3}, {"train.epochs": 9}]


def test_a_group_of_values_is_called_by_its_name():
    runs = [run("model=lenet", filters=[6, 16]), run("model=cnn", filters=[32, 64])]
    assert [one.label for one in configurations(runs)] == ["lenet", "cnn"]


def test_an_override_that_all_runs_share_is_no_part_of_the_label():
    runs = [run("data=digits", override(f), filters=f) for f in ([4, 8], [8, 16])]
    assert [one.label for one in configurations(runs)] == ["4-8", "8-16"]


def test_values_that_agree_in_three_digits_are_told_apart_by_more():
    rates = [0.00123401, 0.00123402]
    runs = [run(f"train.learning_rate={rate}", train__learning_rate=rate) for rate in rates]
    assert len({one.label for one in configurations(runs)}) == 2


def test_configurations_are_ordered_by_size_then_by_what_was_swept():
    runs = [
        run(override(f), f"train.learning_rate={rate}", filters=f, train__learning_rate=rate)
        for f in ([16, 32], [8, 16])
        for rate in (0.01, 0.0001)
    ]
    labels = [one.label for one in configurations(runs)]
    assert labels == ["8-16, 0.0001", "8-16, 0.01", "16-32, 0.0001", "16-32, 0.01"]


def three(accuracies, **more):
    return [run(accuracy=value, seed=seed, **more) for seed, value in enumerate(accuracies)]


def test_the_cheapest_within_one_standard_error_is_the_one_with_the_fewest_filters():
    # Best: mean 0.94, standard deviation 0.02, standard error 0.01155, so 0.92845 and more will do.
    runs = [
        *three([0.92, 0.94, 0.96], filters=[64, 128]),
        *three([0.929, 0.929, 0.929], filters=[16, 32]),
        *three([0.928, 0.928, 0.928], filters=[8, 16]),
    ]
    found = configurations(runs)
    assert best_of(found).label == "64-128"
    assert [one.label for one in as_good_as_the_best(found)] == ["16-32", "64-128"]
    assert smallest_as_good(found).label == "16-32"


def test_with_one_seed_nobody_says_what_is_as_good():
    found = configurations(search())
    assert as_good_as_the_best(found) == []
    assert smallest_as_good(found) is None


def test_where_all_networks_are_of_one_size_there_is_nothing_to_save():
    runs = [
        run(f"train.learning_rate={rate}", f"seed={seed}", seed=seed, train__learning_rate=rate)
        for rate in (0.001, 0.01)
        for seed in (1, 2)
    ]
    found = configurations(runs)
    assert cost_of(found) is None
    assert smallest_as_good(found) is None


def test_overrides_are_read_as_hydra_writes_them():
    given = ["model.filters=[8,16]", "+a.b=x=y", "~c", "seed=1"]
    assert override_values(given) == {"model.filters": "[8,16]", "a.b": "x=y", "seed": "1"}
