"""What differs between runs, what counts as worse, and which runs are seeds of one configuration."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis import groups as groups_module
from pipeline.analysis.groups import Estimate, Group, Run, flatten, numbers, one_configuration
from pipeline.runs import changes, tables
from pipeline.runs.changes import TOLERANCES

CODE = {"pipeline/network/layers.py": "aa"}


def run(name, accuracy=0.9, *, loss=0.3, seed=42, filters=(32, 64), inputs=CODE, **metrics):
    params = {"model.filters": list(filters), "train.epochs": 10, "seed": seed, "conf_digest": name * 64}
    scores = {"validation.loss": loss, "validation.accuracy": accuracy, **metrics}
    return Run(name, "c" * 40, params, scores, inputs)


def groups(*runs):
    return groups_module.group(runs)


def labels(*runs):
    return [one.label for one in groups(*runs)]


def test_nested_values_get_dotted_keys_and_lists_stay_values():
    nested = {"model": {"filters": [32, 64], "pool": {"size": 2}}, "seed": 1}
    assert flatten(nested) == {"model.filters": [32, 64], "model.pool.size": 2, "seed": 1}


def test_only_numbers_are_metrics():
    values = {"a": {"x": 1, "y": 0.5, "text": "z", "flag": True, "list": [1]}, "n": None}
    assert numbers(values) == {"a.x": 1, "a.y": 0.5}


def test_runs_that_differ_in_nothing_but_the_seed_are_one_group():
    seeds = [run("a", seed=1), run("b", seed=2), run("other", filters=(8, 16)), run("c", seed=3)]
    assert labels(*seeds) == ["a (3 seeds)", "other"]


def test_a_seed_run_twice_is_compared_not_averaged():
    found = groups(run("main"), run("main-1", seed=1), run("branch"), run("branch-1", seed=1))
    assert [[one.name for one in group.runs] for group in found] == [
        ["main", "main-1"],
        ["branch", "branch-1"],
    ]


def test_runs_of_other_code_or_of_unknown_configuration_are_no_group():
    other = run("b", seed=2, inputs={"pipeline/network/layers.py": "bb"})
    unknown = [Run(name, None, {}, {"validation.loss": 1}) for name in "cd"]
    assert labels(run("a", seed=1), other, *unknown) == ["a", "b", "c", "d"]


def test_seeds_alone_are_shown_side_by_side_and_together():
    found = groups(run("a", 0.91, seed=1), run("b", 0.93, seed=2))
    assert [one.label for one in found] == ["a", "b"]
    together = one_configuration(found)
    # Of 0.91 and 0.93: mean 0.92, deviation sqrt((0.01² + 0.01²) / 1).
    score = groups_module.score(together, "validation.accuracy")
    assert (score.mean, score.deviation, score.count) == pytest.approx((0.92, math.sqrt(2e-4), 2))
    header, rows = tables.metrics_table(found, TOLERANCES)
    assert header[-1] == "mean of 2 seeds"
    assert rows[1][-1] == "0.9200 ± 0.0141"
    assert one_configuration(groups(run("a"), run("b"))) is None


def test_mean_and_spread_of_a_group_and_of_the_difference_are_those_by_hand():
    one = Group((run("a", 0.90, seed=1), run("b", 0.92, seed=2), run("c", 0.94, seed=3)))
    score = groups_module.score(one, "validation.accuracy")
    assert (score.mean, score.deviation, score.count) == pytest.approx((0.92, 0.02, 3))
    change = changes.change("validation.accuracy", score, Estimate(0.90, 0.03, 9), TOLERANCES)
    assert change.difference == pytest.approx(0.02)
    assert change.error == pytest.approx(math.sqrt(0.02**2 / 3 + 0.03**2 / 9))
    assert groups_module.score(one, "test.loss") is None


@pytest.mark.parametrize(
    ("metric", "old", "new", "verdict"),
    [
        ("validation.accuracy", 0.92, 0.93, "better"),
        ("validation.accuracy", 0.92, 0.91, "worse"),
        ("validation.accuracy", 0.92, 0.925, "close"),
        ("validation.accuracy", 0.92, 0.915, "close"),
        ("validation.accuracy", 0.92, 0.92, "equal"),
        ("test.loss", 0.3, 0.2, "better"),
        ("test.loss", 0.3, 0.4, "worse"),
        ("test.loss", 0.3, 0.32, "close"),
        ("test.loss", 0.3, math.nan, "worse"),
        ("parameters", 1000, 10, ""),
        ("kept_epoch", 1, 2, ""),
    ],
)
def test_accuracy_is_better_upwards_and_loss_downwards_beyond_the_tolerance(metric, old, new, verdict):
    change = changes.change(metric, Estimate(new, None, 1), Estimate(old, None, 1), TOLERANCES)
    assert change.verdict == verdict


@pytest.mark.parametrize(("difference", "verdict"), [(0.04, "unclear"), (0.06, "better"), (0.004, "close")])
def test_a_difference_below_two_standard_errors_is_unclear_and_worse_all_the_same(difference, verdict):
    # Two seeds each, deviation 0.025: standard error sqrt(2 * 0.025² / 2) = 0.025.
    old, new = Estimate(0.8, 0.025, 2), Estimate(0.8 + difference, 0.025, 2)
    assert changes.change("accuracy", new, old, TOLERANCES).verdict == verdict
    pairs = [(0.80, 0.84), (0.75, 0.83)]
    runs = [
        run(f"{filters}-{seed}", accuracy, seed=seed, filters=(filters,))
        for filters, accuracies in zip((32, 8), pairs, strict=True)
        for seed, accuracy in enumerate(accuracies)
    ]
    found = groups(*runs)
    scores = [groups_module.score(one, "validation.accuracy") for one in found]
    assert changes.change("accuracy", scores[1], scores[0], TOLERANCES).verdict == "unclear"
    assert len(changes.regressions(found, TOLERANCES)) == 1


def on(name, accuracy, *, prepared=None, **params):
    one = run(name, accuracy, inputs={} if prepared is None else {**CODE, "data/prepared": prepared})
    return Run(name, one.commit, {**one.params, **params}, {**one.metrics, "parameters": 7}, one.inputs)


FASHION, DIGITS = {"data.name": "fashion_mnist"}, {"data.name": "digits"}


@pytest.mark.parametrize(
    "runs",
    [
        (on("a", 0.92, prepared="11", **FASHION), on("b", 0.97, prepared="22", **DIGITS)),
        (on("a", 0.92, prepared="11"), on("b", 0.97, prepared="22")),
        (on("a", 0.92, **FASHION), on("b", 0.97, prepared="22", **DIGITS)),
        (on("a", 0.92, **{"data.split_seed": 42}), on("b", 0.97, **{"data.split_seed": 1})),
    ],
)
def test_scores_on_other_data_are_not_compared(runs):
    found = groups(*runs)
    _, rows = tables.metrics_table(found, TOLERANCES)
    assert [row[2] for row in rows] == ["0.3000 (other data)", "0.9700 (other data)", "7"]
    assert changes.regressions(found, TOLERANCES) == []
    (line,) = changes.on_other_data(found)
    assert line.startswith("b is of other data or another split than a (")
    assert line in tables.remarks(found)
    assert all(f"{key} {value!r} -> " in line for key, value in runs[0].params.items() if key[:5] == "data.")
    change = json.loads(tables.as_json(found, TOLERANCES))["metrics"]["validation.accuracy"][1]
    assert (change["difference"], change["verdict"]) == (None, "other data")


def test_the_same_images_under_another_name_are_compared():
    found = groups(
        on("a", 0.9, prepared="11", **{"data.folder": "x"}),
        on("b", 0.8, prepared="11", **{"data.folder": "y"}),
    )
    assert changes.on_other_data(found) == []
    assert len(changes.regressions(found, TOLERANCES)) == 1


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.2))
def test_what_is_better_one_way_is_worse_the_other(old, new, tolerance):
    tolerances = {"accuracy": tolerance, "loss": tolerance}
    one, other = Estimate(old, None, 1), Estimate(new, None, 1)
    opposite = {"better": "worse", "worse": "better", "close": "close", "equal": "equal"}
    forth = changes.change("accuracy", other, one, tolerances).verdict
    assert changes.change("accuracy", one, other, tolerances).verdict == opposite[forth]
    assert changes.change("loss", other, one, tolerances).verdict == opposite[forth]


def test_only_differing_parameters_are_shown_and_never_the_digest():
    found = groups(run("a"), run("b", filters=(8, 16)), Run("empty", None, {}, {}))
    assert changes.changed_params(found) == {"model.filters": [[32, 64], [8, 16], "–"]}


def test_a_key_that_one_configuration_lacks_differs():
    more = Run("b", None, {**run("a").params, "train.warmup": 3}, {})
    assert changes.changed_params(groups(run("a"), more)) == {"train.warmup": ["–", 3]}


def test_seeds_of_a_group_are_listed():
    found = groups(run("a", seed=1), run("b", seed=2), run("c", filters=(8,), seed=1))
    assert changes.changed_params(found)["seed"] == [[1, 2], 1]


def test_changed_code_and_data_are_named():
    inputs = {"pipeline/network/layers.py": "bb", "data/prepared": "dd"}
    assert changes.changed_inputs(groups(run("a"), run("b", inputs=inputs), run("c", inputs={}))) == [
        "data/prepared",
        "pipeline/network/layers.py",
    ]


def test_another_machine_is_named_where_the_bytes_differ():
    def made(name, processor, best):
        used = {"commit": name, "packages.numpy": "2.4.6", "processor": processor}
        return replace(run(name), outputs={"models/best.keras": best}, made_with=used)

    unknown = replace(run("c"), outputs={"models/best.keras": "22"})
    found = groups(made("a", "A", "11"), made("b", "B", "22"), unknown)
    assert changes.made_otherwise(found) == {"processor": ["A", "B"]}
    assert not changes.equal(found)
    (line,) = [line for line in tables.remarks(found) if "made with" in line]
    assert line.endswith("scores: processor: A / B")
    assert json.loads(tables.as_json(found, TOLERANCES))["made_with"] == {"processor": ["A", "B"]}
    for alike in (made("b", "B", "11"), made("b", "A", "22")):
        assert changes.made_otherwise(groups(made("a", "A", "11"), alike)) == {}


def test_regressions_name_the_metric_the_run_and_the_numbers_on_validation_alone():
    worse = run("b", 0.88, filters=(8,), **{"test.accuracy": 0.1})
    found = groups(run("a", 0.9, **{"test.accuracy": 0.9}), worse)
    assert changes.regressions(found, TOLERANCES) == [
        "validation.accuracy of b is 0.8800, 0.0200 worse than 0.9000 of a, tolerance 0.005"
    ]
    assert changes.regressions(found, {"accuracy": 0.03, "loss": 0}) == []


def test_a_group_regresses_by_its_mean():
    new = [
        run(name, accuracy, seed=seed, filters=(8,))
        for name, accuracy, seed in (("b", 0.8, 1), ("c", 1.0, 2))
    ]
    assert changes.regressions(groups(run("a", 0.9), *new), TOLERANCES) == []


def test_missing_scores_do_not_pass_for_no_regression():
    empty = Run("b", None, {}, {"validation.loss": 0.1})
    assert changes.regressions(groups(run("a"), empty), TOLERANCES) == ["validation.accuracy is missing in b"]
    nothing = [Run(name, None, {"seed": 1}, {}) for name in "ab"]
    assert "no revision has a score" in changes.regressions(groups(*nothing), TOLERANCES)[0]


def test_equal_runs_are_said_to_be_equal():
    assert changes.equal(groups(run("a"), run("b")))
    assert "nothing differs between a and b" in tables.remarks(groups(run("a"), run("b")))
    for other in (run("b", 0.91), run("b", seed=1), run("b", inputs={"pipeline/network/layers.py": "bb"})):
        assert not changes.equal(groups(run("a"), other))


def test_a_cell_holds_value_difference_and_verdict():
    found = groups(run("a", 0.9, parameters=333526), run("b", 0.88, filters=(8,), parameters=1250))
    header, rows = tables.metrics_table(found, TOLERANCES)
    assert header == ["metric", "a", "b"]
    assert rows == [
        ["validation.loss", "0.3000", "0.3000 (equal)"],
        ["validation.accuracy", "0.9000", "0.8800 (−0.0200, worse)"],
        ["parameters", "333,526", "1,250 (−332,276)"],
    ]


def test_a_difference_of_means_has_its_standard_error_and_an_equal_count_no_spread():
    old = [
        run(name, value, seed=seed, parameters=9) for name, value, seed in (("a", 0.90, 1), ("b", 0.94, 2))
    ]
    new = [
        run(name, value, seed=seed, filters=(8,), parameters=5)
        for name, value, seed in (("c", 0.80, 1), ("d", 0.84, 2))
    ]
    _, rows = tables.metrics_table(groups(*old, *new), TOLERANCES)
    # Deviations 0.02 * sqrt(2) each; of the difference sqrt(2 * 0.0008 / 2).
    assert rows[1][1:] == ["0.9200 ± 0.0283", "0.8200 ± 0.0283 (−0.1000 ± 0.0283, worse)"]
    assert rows[2][1:] == ["9", "5 (−4)"]


def test_many_revisions_become_the_rows():
    found = groups(*(run(name, filters=(number + 1,)) for number, name in enumerate("abcde")))
    header, rows = tables.params_table(found)
    assert header == ["revision", "model.filters"]
    assert rows == [[name, f"[{number + 1}]"] for number, name in enumerate("abcde")]


def test_markdown_is_a_table_of_as_many_cells_in_each_line():
    found = groups(run("a|b"), run("c", 0.5, filters=(8,)))
    text = tables.as_markdown(found, TOLERANCES)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {4}
    assert "| model.filters | [32, 64] | [8] |" in lines
    assert "| validation.accuracy | 0.9000 | 0.5000 (−0.4000, worse) |" in lines
    assert "0.005 (share of images) in accuracy" in text


def test_json_holds_means_differences_and_verdicts_and_no_nan():
    found = groups(run("a", 0.9), run("b", 0.8, filters=(8,), seed=1), run("c", 0.6, filters=(8,), seed=2))
    found.append(Group((Run("empty", None, {}, {"validation.loss": math.nan}),)))
    content = json.loads(tables.as_json(found, TOLERANCES))
    baseline, seeds, empty = content["metrics"]["validation.accuracy"]
    assert baseline["difference"] == 0
    assert seeds["mean"] == pytest.approx(0.7)
    assert seeds["standard_deviation"] == pytest.approx(math.sqrt(0.02))
    assert (seeds["runs"], seeds["verdict"], empty) == (2, "worse", None)
    assert content["metrics"]["validation.loss"][2]["mean"] is None
    assert [one["label"] for one in content["revisions"]] == ["a", "b (2 seeds)", "empty"]
    assert any(line.startswith("validation.accuracy of b (2 seeds)") for line in content["regressions"])
