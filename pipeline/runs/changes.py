"""What differs between runs: configurations, code, scores, and whether a score got better or worse.

Nothing here reads a file.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.analysis.groups import DIGESTS, Estimate, Group, metric_names, score

# How far a score may move, by kind, before the change counts; spread over seeds is about half of it.
TOLERANCES = {"accuracy": 0.005, "loss": 0.02}
SIGNS = {"accuracy": 1, "loss": -1}
ABSENT = "–"
# Stage `prepare` makes it: the images that scores are of, and how they are split.
DATA = "data/prepared"
OTHER_DATA = "other data"
STANDARD_ERRORS = 2
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
        error: standard error of the difference of two means; None where a mean is of one run.
        verdict: "equal"; "close", within the tolerance; beyond it "better" or "worse", or "unclear"
            when the seeds' spread explains the difference too (two standard errors); "other data" for
            scores of other images, which have no difference; "" for a number that is neither good nor
            bad, such as `parameters`.
    """

    difference: float
    error: float | None
    verdict: str


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
    if key == "seed" and len(one.runs) > 1:
        return [run.seed for run in one.runs]
    return one.runs[0].params.get(key, ABSENT)


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


def change(metric: str, new: Estimate | None, baseline: Estimate | None) -> Change:
    """Set a score against the baseline's; where one is lacking, the change is NaN without a verdict."""
    if new is None or baseline is None:
        return Change(math.nan, None, "")
    difference = new.mean - baseline.mean
    error = None
    if new.standard_error is not None and baseline.standard_error is not None:
        error = math.hypot(new.standard_error, baseline.standard_error)
    return Change(difference, error, _verdict(kind(metric), difference, error))


def change_between(metric: str, new: Group, baseline: Group) -> Change:
    """`change` of a group's score; of a score on other images than the baseline's no difference."""
    if kind(metric) in SIGNS and not same_data(new, baseline):
        return Change(math.nan, None, OTHER_DATA)
    return change(metric, score(new, metric), score(baseline, metric))


def same_data(one: Group, other: Group) -> bool:
    """Whether two groups' scores are of the same images, split alike.

    The digests of the prepared data tell; where one is missing, the section `data` of both
    configurations; where one of those is missing too, nothing speaks against it.
    """
    digests = [group.runs[0].inputs.get(DATA) for group in (one, other)]
    return digests[0] == digests[1] if all(digests) else not _changed_data(one, other)


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


def _verdict(kind: str, difference: float, error: float | None) -> str:
    if kind not in SIGNS:
        return ""
    if difference == 0:
        return "equal"
    if abs(difference) <= TOLERANCES[kind] + ROUNDING:
        return "close"
    if error is not None and abs(difference) < STANDARD_ERRORS * error:
        return "unclear"
    return "worse" if _is_worse(kind, difference) else "better"


def _is_worse(kind: str, difference: float) -> bool:
    # Written so that a score that is no number is a worse one.
    return not SIGNS[kind] * difference >= -(TOLERANCES[kind] + ROUNDING)


def regressions(groups: Sequence[Group]) -> list[str]:
    """A line for each score on the validation images that is missing, or worse than the first group's.

    A score on other data is neither, see `on_other_data`. The means and the tolerance decide alone: that
    the spread might explain a loss is no excuse.
    """
    names = [name for name in metric_names(groups) if name.startswith("validation.") and kind(name) in SIGNS]
    if not names:
        return [f"no revision has a score on the validation images, of {', '.join(g.label for g in groups)}"]
    pairs = [_regression(name, other, groups[0]) for name in names for other in groups[1:]]
    return [line for line in pairs if line]


def _regression(name: str, other: Group, baseline: Group) -> str:
    """A line, or "" when there is none."""
    before, after = score(baseline, name), score(other, name)
    if before is None or after is None:
        return f"{name} is missing in {(baseline if before is None else other).label}"
    change = change_between(name, other, baseline)
    if change.verdict == OTHER_DATA or not _is_worse(kind(name), change.difference):
        return ""
    return (
        f"{name} of {other.label} is {after.mean:.4f}, {abs(change.difference):.4f} worse than"
        f" {before.mean:.4f} of {baseline.label}, tolerance {TOLERANCES[kind(name)]:g}"
    )


def equal(groups: Sequence[Group]) -> bool:
    """Whether nothing differs: no parameter, no code, no data, no metric; no bytes for another machine."""
    scores = [_differ([score(one, name) for one in groups]) for name in metric_names(groups)]
    found = changed_params(groups) or changed_inputs(groups) or made_otherwise(groups)
    return not found and not any(scores)
