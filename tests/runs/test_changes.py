"""What differs between runs, what counts as worse, and which runs are seeds of one configuration."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis import groups as groups_module
from pipeline.analysis.groups import Estimate, Group, Run, flatten, numbers, one_configuration
from pipeline.runs import changes, tables

CODE = {"pipeline/network/layers.py": "aa"}
ACCURACY = "validation.accuracy"


def run(name, accuracy=0.9, *, loss=0.3, seed=42, filters=(32, 64), inputs=CODE, **metrics):
    params = {"model.filters": list(filters), "train.epochs": 10, "seed": seed, "conf_digest": name * 64}
    scores = {"validation.loss": loss, ACCURACY: accuracy, **metrics}
    return Run(name, "c" * 40, params, scores, inputs)


def groups(*runs):
    return groups_module.group(runs)


def labels(*runs):
    return [one.label for one in groups(*runs)]


def test_nested_values_get_dotted_keys_and_only_numbers_are_metrics():
    nested = {"model": {"filters": [32, 64], "pool": {"size": 2, "kind": "max", "same": True}}, "seed": 1.5}
    assert flatten(nested) == {
        **{"model.filters": [32, 64], "model.pool.size": 2, "model.pool.kind": "max"},
        **{"model.pool.same": True, "seed": 1.5},
    }
    assert numbers(nested) == {"model.pool.size": 2, "seed": 1.5}


def test_runs_that_differ_in_nothing_but_the_seed_are_one_group():
    seeds = [run("a", seed=1), run("b", seed=2), run("other", filters=(8, 16)), run("c", seed=3)]
    assert labels(*seeds) == ["a (3 seeds)", "other"]
    assert changes.changed_params(groups(*seeds))["seed"] == [[1, 2, 3], 42]
    # A seed that was run twice is compared, not averaged.
    twice = [run("main"), run("main-1", seed=1), run("branch"), run("branch-1", seed=1)]
    assert labels(*twice) == ["main (2 seeds)", "branch (2 seeds)"]
    unknown = [Run(name, None, {}, {"validation.loss": 1}) for name in "cd"]
    assert labels(run("a", seed=1), run("b", seed=2, inputs={}), *unknown) == ["a", "b", "c", "d"]


def test_seeds_alone_are_shown_side_by_side_and_together():
    found = groups(run("a", 0.91, seed=1), run("b", 0.93, seed=2))
    assert [one.label for one in found] == ["a", "b"]
    header, rows = tables.metrics_table(found)
    assert header[-1] == "mean of 2 seeds"
    # Of 0.91 and 0.93: mean 0.92, deviation sqrt((0.01² + 0.01²) / 1).
    assert rows[1][-1] == "0.9200 ± 0.0141"
    assert one_configuration(groups(run("a"), run("b"))) is None


def test_mean_and_spread_of_a_group_and_of_the_difference_are_those_by_hand():
    one = Group((run("a", 0.90, seed=1), run("b", 0.92, seed=2), run("c", 0.94, seed=3)))
    score = groups_module.score(one, ACCURACY)
    assert (score.mean, score.deviation, score.count) == pytest.approx((0.92, 0.02, 3))
    change = changes.change(ACCURACY, score, Estimate(0.90, 0.03, 9))
    assert change.difference == pytest.approx(0.02)
    # Welch's 5.4 degrees of freedom: (4/3 + 1)² / ((4/3)² / 2 + 1² / 8); Student's t of 5 is 2.5706.
    assert change.margin == pytest.approx(2.5706 * math.sqrt(0.02**2 / 3 + 0.03**2 / 9), rel=1e-4)


@pytest.mark.parametrize(
    ("metric", "old", "new", "verdict"),
    [
        (ACCURACY, 0.92, 0.93, "better"),
        (ACCURACY, 0.92, 0.91, "worse"),
        (ACCURACY, 0.92, 0.925, "close"),
        (ACCURACY, 0.92, 0.92, "equal"),
        ("test.loss", 0.3, 0.2, "better"),
        ("test.loss", 0.3, 0.32, "close"),
        ("test.loss", 0.3, math.nan, "worse"),
        ("kept_epoch", 1, 2, ""),
    ],
)
def test_accuracy_is_better_upwards_and_loss_downwards_beyond_the_tolerance(metric, old, new, verdict):
    assert changes.change(metric, Estimate(new, None, 1), Estimate(old, None, 1)).verdict == verdict


@pytest.mark.parametrize(
    ("difference", "spread", "verdict"),
    [(0.03, 0.025, "unclear"), (0.06, 0.025, "better"), (0.004, 0.025, "unclear"), (0.004, 0.001, "close")],
)
def test_a_difference_that_the_spread_over_seeds_explains_is_unclear_before_it_is_close(
    difference, spread, verdict
):
    # Five seeds each, spread 0.025: standard error sqrt(2 * 0.025² / 5) = 0.0158, of which 2.306 are 0.0365.
    old, new = Estimate(0.8, spread, 5), Estimate(0.8 + difference, spread, 5)
    assert changes.change("accuracy", new, old).verdict == verdict


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_is_better_one_way_is_worse_the_other(old, new):
    one, other = Estimate(old, None, 1), Estimate(new, None, 1)
    opposite = {"better": "worse", "worse": "better", "close": "close", "equal": "equal"}
    for kind in ("accuracy", "loss"):
        forth, back = changes.change(kind, other, one), changes.change(kind, one, other)
        assert back.verdict == opposite[forth.verdict]


def on(name, accuracy, *, prepared=None, **params):
    one = run(name, accuracy, inputs={} if prepared is None else {**CODE, "data/prepared": prepared})
    return Run(name, one.commit, {**one.params, **params}, {**one.metrics, "parameters": 7}, one.inputs)


def of_images(name, right, images, split="validation", **more):
    """A run with so many images right, all different."""
    counts = {f"{split}.images": images, f"{split}.different_images": images}
    return replace(run(name, **more), metrics={f"{split}.accuracy": right / images, **counts})


@pytest.mark.parametrize(
    ("right", "other", "images", "verdict"),
    [
        (9, 12, 15, "unclear"),
        (900, 1200, 1500, "better"),
        # Both shares by Wald's formula have the standard error 0.
        (0, 1, 1, "unclear"),
        (9000, 9020, 10_000, "unclear"),
        (900_000, 902_000, 1_000_000, "close"),
    ],
)
def test_the_fewer_images_the_larger_a_difference_must_be(right, other, images, verdict):
    found = groups(of_images("a", right, images), of_images("b", other, images, filters=(8,)))
    assert changes.change_between(ACCURACY, found[1], found[0]).verdict == verdict
    runs = [replace(one.runs[0], metrics={ACCURACY: one.runs[0].metrics[ACCURACY]}) for one in found]
    assert changes.change_between(ACCURACY, *groups(*reversed(runs))).verdict in ("better", "close")


def test_of_many_images_the_margin_is_that_of_the_normal_distribution():
    found = groups(of_images("a", 9000, 10_000), of_images("b", 9100, 10_000, filters=(8,)))
    change = changes.change_between(ACCURACY, found[1], found[0])
    assert change.margin == pytest.approx(1.96 * math.sqrt((0.9 * 0.1 + 0.91 * 0.09) / 10_000), rel=2e-3)


def test_images_and_seeds_add_up_as_the_sides_of_a_right_angle():
    seeds = [of_images(name, 880 + 10 * n, 1000, seed=n) for n, name in enumerate("abc")]
    others = [of_images(name, 890 + 10 * n, 1000, seed=n, filters=(8,)) for n, name in enumerate("def")]
    one, other = groups(*seeds, *others)
    both = changes.change_between(ACCURACY, other, one).margin
    alone = [groups(of_images("a", 890, 1000), of_images("b", 900, 1000, filters=(8,)))]
    images = changes.change_between(ACCURACY, *alone[0]).margin
    luck = 2.7764 * math.sqrt(2 * 0.01**2 / 3)
    assert both == pytest.approx(math.hypot(images, luck), rel=1e-4)


def predicted(name, right, digest="11", **more):
    one = of_images(name, sum(right), len(right), split="test", inputs={"data/prepared": digest}, **more)
    return replace(one, right=np.array(right, bool))


def test_networks_on_the_same_images_are_set_against_each_other_image_by_image():
    old, new = [1] * 900 + [0] * 100, [1] * 912 + [0] * 88
    found = groups(predicted("a", old), predicted("b", new, filters=(8,)))
    change = changes.change_between("test.accuracy", found[1], found[0])
    # Twelve images alone tell them apart, all one way: two of 2¹² ways.
    assert (change.p, change.margin, change.verdict) == (pytest.approx(2 / 2**12), None, "better")
    swapped = groups(predicted("a", old), predicted("b", new[::-1], filters=(8,)))
    assert changes.change_between("test.accuracy", swapped[1], swapped[0]).verdict == "unclear"
    assert any("McNemar" in line for line in tables.remarks(found))


def test_without_the_same_images_each_another_there_is_no_test_of_pairs():
    old = predicted("a", [1, 1, 0])
    other = {"filters": (8,)}
    copies = predicted("b", [1, 0, 0], **other)
    copies = replace(copies, metrics={**copies.metrics, "test.different_images": 2})
    shorter = replace(predicted("b", [1, 0], **other), metrics=old.metrics)
    unread = replace(predicted("b", [1, 0, 0], **other), right=None)
    seeds = [predicted("b", [1, 0, 0], **other), predicted("c", [1, 0, 0], seed=1, **other)]
    for runs in ([copies], [shorter], [unread], seeds):
        found = groups(old, *runs)
        assert changes.change_between("test.accuracy", found[1], found[0]).p is None
    for digest in ("", "22"):
        found = groups(predicted("a", [1, 1, 0], digest), predicted("b", [1, 0, 0], **other))
        assert changes.change_between("test.accuracy", found[1], found[0]).p is None


def test_a_worse_mean_that_is_unclear_is_no_regression_and_named():
    old, new = of_images("a", 12, 15), of_images("b", 9, 15, filters=(8,))
    found = groups(old, new)
    assert changes.regressions(found) == []
    (line,) = changes.not_counted(found)
    assert "b is 0.6000, 0.2000 worse" in line
    assert changes.not_counted(groups(new, old)) == []
    many = groups(of_images("a", 1200, 1500), of_images("b", 900, 1500, filters=(8,)))
    assert (len(changes.regressions(many)), changes.not_counted(many)) == (1, [])


def test_every_share_has_four_digits_and_a_balanced_one_is_of_no_other_data():
    metrics = {"test.balanced_accuracy": 0.5, "majority": 0.25, "test.images": 1000}
    one, other = on("a", 0.9, prepared="11"), on("b", 0.9, prepared="22")
    found = groups(*(replace(one, metrics=metrics) for one in (one, other)))
    assert [row[1:] for row in tables.metrics_table(found)[1]] == [
        ["0.5000", "0.5000 (other data)"],
        ["0.2500", "0.2500"],
        ["1,000", "1,000"],
    ]


FASHION, DIGITS = {"data.source.kind": "fashion_mnist"}, {"data.source.kind": "digits"}


@pytest.mark.parametrize(
    "runs",
    [
        (on("a", 0.92, prepared="11"), on("b", 0.97, prepared="22")),
        (on("a", 0.92, **FASHION), on("b", 0.97, prepared="22", **DIGITS)),
        (on("a", 0.92, **{"data.split_seed": 42}), on("b", 0.97, **{"data.split_seed": 1})),
    ],
)
def test_scores_on_other_data_are_not_compared(runs):
    found = groups(*runs)
    change = changes.change_between(ACCURACY, found[1], found[0])
    assert (change.verdict, math.isnan(change.difference)) == ("other data", True)
    assert changes.change_between("parameters", found[1], found[0]).difference == 0
    assert changes.regressions(found) == []
    (line,) = changes.on_other_data(found)
    assert line in tables.remarks(found)
    assert "b is of other data" in line


def test_by_equal_digests_images_are_the_same_under_any_name():
    runs = [on(name, 0.9, prepared="11", **{"data.folder": name}) for name in "ab"]
    assert changes.on_other_data(groups(*runs)) == []


def test_only_differing_parameters_code_and_data_are_named_and_never_the_digest():
    found = groups(run("a"), run("b", filters=(8, 16)), Run("empty", None, {}, {}))
    assert changes.changed_params(found) == {"model.filters": [[32, 64], [8, 16], "–"]}
    more = Run("b", None, {**run("a").params, "train.warmup": 3}, {})
    assert changes.changed_params(groups(run("a"), more)) == {"train.warmup": ["–", 3]}
    inputs = {"pipeline/network/layers.py": "bb", "data/prepared": "dd"}
    found = groups(run("a"), run("b", inputs=inputs), run("c", inputs={}))
    assert changes.changed_inputs(found) == ["data/prepared", "pipeline/network/layers.py"]


def test_another_machine_is_named_where_the_bytes_differ():
    def made(name, processor, best):
        used = {"commit": name, "packages.numpy": "2.4.6", "processor": processor}
        # The record differs in any case: it holds the commit.
        outputs = {"models/best.keras": best, "reports/made_with.json": name}
        return replace(run(name), outputs=outputs, made_with=used)

    unknown = replace(run("c"), outputs={"models/best.keras": "22"})
    found = groups(made("a", "A", "11"), made("b", "B", "22"), unknown)
    assert changes.made_otherwise(found) == {"processor": ["A", "B"]}
    assert not changes.equal(found)
    assert any("processor: A / B" in line for line in tables.remarks(found))
    for alike in (made("b", "B", "11"), made("b", "A", "22")):
        assert changes.made_otherwise(groups(made("a", "A", "11"), alike)) == {}


def test_regressions_are_of_validation_alone_by_the_mean_and_a_missing_score_is_one():
    worse = run("b", 0.88, filters=(8,), **{"test.accuracy": 0.1})
    (line,) = changes.regressions(groups(run("a", 0.9, **{"test.accuracy": 0.9}), worse))
    assert all(part in line for part in (ACCURACY, "b is 0.8800", "0.0200 worse", "0.9000 of a", "0.005"))
    seeds = [run(name, 0.8 + 0.2 * seed, seed=seed, filters=(8,)) for seed, name in enumerate("bc")]
    assert changes.regressions(groups(run("a", 0.9), *seeds)) == []
    empty = Run("b", None, {}, {"validation.loss": 0.1})
    assert changes.regressions(groups(run("a"), empty)) == [f"{ACCURACY} is missing in b"]
    assert len(changes.regressions(groups(*(Run(name, None, {"seed": 1}, {}) for name in "ab")))) == 1


def test_runs_are_equal_only_without_any_difference():
    assert changes.equal(groups(run("a"), run("b")))
    for other in (run("b", 0.91), run("b", seed=1), run("b", inputs={"x": "bb"})):
        assert not changes.equal(groups(run("a"), other))


def test_a_cell_holds_value_difference_and_verdict():
    small = [
        run(name, 0.8 + 0.04 * seed, seed=seed, filters=(8,), parameters=5) for seed, name in enumerate("cd")
    ]
    header, rows = tables.metrics_table(groups(run("a", 0.9, parameters=333526), *small))
    assert header == ["metric", "a", "c (2 seeds)"]
    # Of 0.80 and 0.84: deviation 0.02 * sqrt(2).
    assert rows == [
        ["validation.loss", "0.3000", "0.3000 ± 0.0000 (equal)"],
        [ACCURACY, "0.9000", "0.8200 ± 0.0283 (−0.0800, worse)"],
        ["parameters", "333,526", "5 (−333,521)"],
    ]


def test_markdown_is_aligned_with_many_revisions_as_rows():
    header, rows = tables.params_table(groups(*(run(n, filters=(k,)) for k, n in enumerate("abcde"))))
    assert (header, rows[1]) == (["revision", "model.filters"], ["b", "[1]"])
    text = tables.as_markdown(groups(run("a|b"), run("c", 0.5, filters=(8,))))
    for part in text.split("###")[1:]:
        lines = [line for line in part.splitlines() if line.startswith("|")]
        assert {line.replace("\\|", "").count("|") for line in lines} == {4}
        assert len({len(line.replace("\\|", "|")) for line in lines}) == 1
    assert [cell.strip() for cell in lines[3].split("|")[1:4]] == [
        ACCURACY,
        "0.9000",
        "0.5000 (−0.4000, worse)",
    ]
