"""Runs, and groups of those that differ in nothing but their seed. Nothing here reads a file."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Run:
    """What one revision holds, as far as it holds it.

    Attributes:
        name: of the revision.
        commit: 40 hexadecimal digits; None for the workspace.
        params: configuration by dotted key.
        metrics: numbers by dotted key.
        inputs: MD5 by path of the code and data that the scores come from.
        notes: words for what is missing or doubtful.
    """

    name: str
    commit: str | None
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    inputs: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def seed(self) -> Any:
        """The seed, None when the configuration is missing."""
        return self.params.get("seed")


@dataclass(frozen=True)
class Group:
    """Runs of one configuration, code and data with different seeds; mostly one run alone."""

    runs: tuple[Run, ...]

    @property
    def label(self) -> str:
        """The first run's name, and how many seeds there are when several."""
        count = len(self.runs)
        return self.runs[0].name + (f" ({count} seeds)" if count > 1 else "")


@dataclass(frozen=True)
class Score:
    """A metric over the runs of a group.

    Attributes:
        mean: over the runs that have it.
        deviation: standard deviation of the sample (n - 1), None for one run.
        count: of those runs.
    """

    mean: float
    deviation: float | None
    count: int


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings by dotted key; lists stay values."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat.update(flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value})
    return flat


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among nested values, by dotted key."""
    return {key: value for key, value in flatten(values).items() if type(value) in (int, float)}


def group(runs: Sequence[Run]) -> list[Group]:
    """Put runs together that differ in nothing but their seed.

    When that leaves one group, its runs are what is to be compared: each becomes a group of its own.
    A seed occurs in a group once, so that a rerun is set against the run instead of averaged with it.
    """
    groups: list[list[Run]] = []
    for run in runs:
        for members in groups:
            if _same_but_seed(run, members[0]) and run.seed not in [member.seed for member in members]:
                members.append(run)
                break
        else:
            groups.append([run])
    if len(groups) == 1:
        groups = [[run] for run in runs]
    return [Group(tuple(members)) for members in groups]


def one_configuration(groups: Sequence[Group]) -> Group | None:
    """All runs together when they differ in nothing but their seed, and each has a seed of its own."""
    runs = tuple(run for one in groups for run in one.runs)
    alike = all(_same_but_seed(run, runs[0]) for run in runs)
    return Group(runs) if alike and len({run.seed for run in runs}) == len(runs) else None


def _same_but_seed(one: Run, other: Run) -> bool:
    known = bool(one.params) and bool(other.params)
    return known and one.inputs == other.inputs and _without_seed(one) == _without_seed(other)


def _without_seed(run: Run) -> dict[str, Any]:
    return {key: value for key, value in run.params.items() if key not in ("seed", "conf_digest")}


def metric_names(groups: Sequence[Group]) -> list[str]:
    """Every metric of any run, in the order in which they appear."""
    return list(dict.fromkeys(name for one in groups for run in one.runs for name in run.metrics))


def score(one: Group, metric: str) -> Score | None:
    """A metric's mean and spread over a group; None when no run has it."""
    values = [run.metrics[metric] for run in one.runs if metric in run.metrics]
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Score(statistics.fmean(values), deviation, len(values))
