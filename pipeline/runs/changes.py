"""What differs between runs: configurations, code, scores, and whether a score got better or worse.

Nothing here reads a file.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.analysis.groups import DATA, DIGESTS, Estimate, Group, metric_names, score
from pipeline.analysis.uncertainty import CONFIDENCE, different_images, interval, mcnemar, standard_errors

# How far a score may move, by kind, before the change counts.
TOLERANCES = {"accuracy": 0.005, "loss": 0.02}
SIGNS = {"accuracy": 1, "loss": -1}
# Those of images; how sure a balanced accuracy is follows from no number of images alone.
SCORES = {*SIGNS, "balanced_accuracy"}
ABSENT = "–"
OTHER_DATA = "other data"
# The files of `conf/` by their names, and what a forced repetition changes.
CHOSEN = {"data.name", "model.name", "train.name"}
RECORDS = {"reports/made_with.json", "reports/timing.json"}
# Sums of decimal fractions are not exact: 0.925 - 0.92 exceeds 0.005.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Change:
    """A score against the baseline's.

    Attributes:
        difference: score minus baseline.
        margin: half of the 95 % interval of the difference, over images and seeds as far as both are
            known; None where neither is, or where `p` decides.
        verdict: "equal"; "unclear" when images or seeds explain the difference too; "close", within the
            tolerance; beyond it "better" or "worse"; "other data" for scores of other images, which have
            no difference; "" for a number that is neither good nor bad, such as `parameters`.
        p: of McNemar's test, where both predicted the same images.
    """

    difference: float
    margin: float | None
    verdict: str
    p: float | None = None


def changed_params(groups: Sequence[Group]) -> dict[str, list[Any]]:
    """The values, one a group, of each key that differs; of several seeds a list of them.

    Groups whose configuration is missing do not make a difference; their values are `ABSENT`.
    """
    keys = sorted({key for one in groups for run in one.runs for key in run.params} - DIGESTS)
    known = {key: [one for one in groups if _known(one, key)] for key in keys}
    changed = [key for key in keys if _differ([_value(one, key) for one in known[key]])]
    return {key: [_value(one, key) for one in groups] for key in changed}


def _known(one: Group, key: str) -> bool:
    """Whether a missing key is a difference: of an earlier version nobody knows which files were chosen."""
    return key in one.runs[0].params if key in CHOSEN else bool(one.runs[0].params)


def _value(one: Group, key: str) -> Any:
    values = [run.params.get(key, ABSENT) for run in one.runs]
    return values if _differ(values) else values[0]


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values[1:])


def changed_inputs(groups: Sequence[Group]) -> list[str]:
    """Paths of the code and data, behind the scores, that differ between runs which know theirs."""
    known = [one.runs[0].inputs for one in groups if one.runs[0].inputs]
    paths = sorted({path for inputs in known for path in inputs})
    return [path for path in paths if _differ([inputs.get(path) for inputs in known])]


def made_otherwise(groups: Sequence[Group]) -> dict[str, list[Any]]:
    """What runs that differ in their bytes were made with, one value a run, where that differs too."""
    runs = [run for one in groups for run in one.runs if run.made_with and run.outputs]
    if not _differ([{path: run.outputs[path] for path in run.outputs.keys() - RECORDS} for run in runs]):
        return {}
    keys = dict.fromkeys(key for run in runs for key in run.made_with if key != "commit")
    rows = {key: [run.made_with.get(key, ABSENT) for run in runs] for key in keys}
    return {key: row for key, row in rows.items() if _differ(row)}


def kind(metric: str) -> str:
    """The last part of a metric's name: accuracy, loss, parameters, ..."""
    return metric.rsplit(".", 1)[-1]


def change(
    metric: str, new: Estimate | None, baseline: Estimate | None, images: float | None = None
) -> Change:
    """Set a score against the baseline's; where one is lacking, the change is NaN without a verdict.

    Args:
        metric: its name, of which the last part says what is better.
        new: mean and spread over seeds.
        baseline: the same of the baseline.
        images: half of the 95 % interval of the difference over the images, None where that is not known.
    """
    if new is None or baseline is None:
        return Change(math.nan, None, "")
    margins = [margin for margin in (images, _seed_margin(new, baseline)) if margin is not None]
    return _judged(metric, new.mean - baseline.mean, math.hypot(*margins) if margins else None)


def _seed_margin(new: Estimate, baseline: Estimate) -> float | None:
    """Half of the 95 % interval of a difference of means over seeds; None where one has no spread.

    References:
        Welch, The generalization of Student's problem when several different population variances are
        involved, 1947 (the degrees of freedom, rounded down).
    """
    after, before = new.standard_error, baseline.standard_error
    if after is None or before is None:
        return None
    error = math.hypot(after, before)
    if error == 0:
        return 0.0
    freedom = error**4 / (after**4 / (new.count - 1) + before**4 / (baseline.count - 1))
    return standard_errors(1 + int(freedom + ROUNDING)) * error


def change_between(metric: str, new: Group, baseline: Group) -> Change:
    """`change` of a group's score; of a score on other images than the baseline's no difference.

    Two networks that predicted the same test images are set against each other image by image; two groups
    on the same splits split by split, where the images differ too, so that their spread is in that.
    """
    if kind(metric) in SCORES and not same_data(new, baseline):
        return Change(math.nan, None, OTHER_DATA)
    after, before = score(new, metric), score(baseline, metric)
    if after is not None and before is not None:
        difference = after.mean - before.mean
        if (p := _same_images(metric, new, baseline)) is not None:
            return _judged(metric, difference, None, p)
        if (margin := _same_splits(metric, new, baseline)) is not None:
            return _judged(metric, difference, margin)
    return change(metric, after, before, _image_margin(metric, new, baseline))


def _same_images(metric: str, new: Group, baseline: Group) -> float | None:
    """p of McNemar's test on the test images; None where they are not known to be the same, each another."""
    one, other = new.runs[0], baseline.runs[0]
    if metric != "test.accuracy" or len(new.runs) > 1 or len(baseline.runs) > 1:
        return None
    copies = [different_images(run.metrics, "test") != run.metrics.get("test.images") for run in (one, other)]
    known = one.inputs.get(DATA) and one.inputs.get(DATA) == other.inputs.get(DATA)
    if any(copies) or not known or one.right is None or other.right is None:
        return None
    return mcnemar(one.right, other.right) if one.right.shape == other.right.shape else None


def _same_splits(metric: str, new: Group, baseline: Group) -> float | None:
    """Half of the interval of a difference over splits; None where they are not the same or only one."""
    if len(new.splits) == 1 or new.splits.keys() != baseline.splits.keys():
        return None
    before = baseline.split_means(metric)
    differences = [mean - before[seed] for seed, mean in new.split_means(metric).items()]
    error = new.of_splits(differences).standard_error
    return None if error is None else standard_errors(len(differences)) * error


def _image_margin(metric: str, new: Group, baseline: Group) -> float | None:
    """Half of the interval of a difference over the images; None where it is not of accuracies on one split.

    References:
        Newcombe, Interval estimation for the difference between independent proportions, 1998, method 10.
    """
    shares = []
    for one in (new, baseline):
        found, images = score(one, metric), different_images(one.runs[0].metrics, metric.split(".")[0])
        if kind(metric) != "accuracy" or found is None or images is None or len(one.splits) > 1:
            return None
        shares.append((found.mean, images))
    low, high = sorted(shares)
    return math.hypot(interval(*low)[1] - low[0], high[0] - interval(*high)[0])


def same_data(one: Group, other: Group) -> bool:
    """Whether two groups' scores are of the same images, split alike; of several splits at least one alike.

    By the digests of the prepared data; where one is missing, by the section `data` of both configurations;
    where one of those is missing too, nothing speaks against it.
    """
    digests = [{run.inputs.get(DATA) or None for run in group.runs} for group in (one, other)]
    if None in digests[0] | digests[1]:
        return not _changed_data(one, other)
    return not digests[0].isdisjoint(digests[1])


def _changed_data(one: Group, other: Group) -> dict[str, list[Any]]:
    """`changed_params` of the section `data`."""
    return {key: pair for key, pair in changed_params([one, other]).items() if key.startswith("data.")}


def on_other_data(groups: Sequence[Group]) -> list[str]:
    """A line for each group whose scores are of other data than the first one's; names what differs."""
    baseline, *others = groups
    lines = []
    for other in others:
        if not same_data(other, baseline):
            pairs = _changed_data(baseline, other).items()
            what = ", ".join(f"{key} {old!r} -> {new!r}" for key, (old, new) in pairs)
            lines.append(
                f"{other.label} is of other data or another split than {baseline.label}"
                f" ({what or f'the content of {DATA}'}): their scores are not compared"
            )
    return lines


def _judged(metric: str, difference: float, margin: float | None, p: float | None = None) -> Change:
    # Written so that a score that is no number is told apart.
    clear = p < 1 - CONFIDENCE if p is not None else margin is None or not abs(difference) < margin
    return Change(difference, margin, _verdict(kind(metric), difference, clear), p)


def _verdict(kind: str, difference: float, clear: bool) -> str:
    if kind not in SIGNS:
        return ""
    if difference == 0:
        return "equal"
    if not clear:
        return "unclear"
    if abs(difference) <= TOLERANCES[kind] + ROUNDING:
        return "close"
    return "worse" if _is_worse(kind, difference) else "better"


def _is_worse(kind: str, difference: float) -> bool:
    # Written so that a score that is no number is a worse one.
    return not SIGNS[kind] * difference >= -(TOLERANCES[kind] + ROUNDING)


def regressions(groups: Sequence[Group]) -> list[str]:
    """A line for each score on the validation images that is missing, or worse than the first group's.

    A score on other data is neither, see `on_other_data`; nor is one that is unclear, see `not_counted`.
    """
    if not _validation_scores(groups):
        return [f"no revision has a score on the validation images, of {', '.join(g.label for g in groups)}"]
    return [line for line, verdict in _worse(groups) if verdict != "unclear"]


def not_counted(groups: Sequence[Group]) -> list[str]:
    """A line for each worse mean on the validation images that is no regression, because it is unclear."""
    return [line for line, verdict in _worse(groups) if verdict == "unclear"]


def _validation_scores(groups: Sequence[Group]) -> list[str]:
    return [name for name in metric_names(groups) if name.startswith("validation.") and kind(name) in SIGNS]


def _worse(groups: Sequence[Group]) -> list[tuple[str, str]]:
    """A line and the verdict for each score on the validation images that is missing or worse by its mean."""
    baseline, *others = groups
    found = [_worse_mean(name, other, baseline) for name in _validation_scores(groups) for other in others]
    return [pair for pair in found if pair is not None]


def _worse_mean(name: str, other: Group, baseline: Group) -> tuple[str, str] | None:
    before, after = score(baseline, name), score(other, name)
    if before is None or after is None:
        return f"{name} is missing in {(baseline if before is None else other).label}", ""
    change = change_between(name, other, baseline)
    if change.verdict == OTHER_DATA or not _is_worse(kind(name), change.difference):
        return None
    line = (
        f"{name} of {other.label} is {after.mean:.4f}, {abs(change.difference):.4f} worse than"
        f" {before.mean:.4f} of {baseline.label}, tolerance {TOLERANCES[kind(name)]:g}"
    )
    return line, change.verdict


def equal(groups: Sequence[Group]) -> bool:
    """Whether nothing differs: no parameter, no code, no data, no metric; no bytes for another machine."""
    scores = [_differ([score(one, name) for one in groups]) for name in metric_names(groups)]
    return not (changed_params(groups) or changed_inputs(groups) or made_otherwise(groups) or any(scores))
