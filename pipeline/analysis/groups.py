"""Runs, and groups of those that differ in nothing but their seed or split. Nothing here reads a file."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.base.arrays import Array

# Of `conf/`: no values that a stage reads.
DIGESTS = {"conf_digest", "config_digest"}
SPLIT_SEED = "data.split_seed"
# Stage `prepare` makes it: the images that scores are of, and how they are split.
DATA = "data/prepared"


@dataclass(frozen=True)
class Run:
    """What one revision holds, as far as it holds it.

    Attributes:
        name: of the revision.
        commit: 40 hexadecimal digits; None for the workspace.
        params: configuration by dotted key.
        metrics: numbers by dotted key.
        inputs: MD5 by path of the code and data that the scores come from.
        outputs: MD5 by path of what was made of them.
        made_with: versions, processor, threads, precision by dotted key, where they were recorded.
        notes: what is missing or doubtful, a line each.
        overrides: of a job of a sweep, those of Hydra, e.g. "model.filters=[8,16]".
        history: columns of `reports/history.tsv`, as far as they were read.
        class_scores: columns of `reports/classes.csv`, as far as they were read.
        kernel: of the first convolution, (height, width, C, F), or None where it was not read.
        right: (N,) bool, which test images are predicted right, in their order, or None where not read.
        seconds: that it took, or None where nobody knows.
    """

    name: str
    commit: str | None
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    made_with: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    overrides: tuple[str, ...] = ()
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    class_scores: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    kernel: Array | None = None
    right: Array | None = None
    seconds: float | None = None

    @property
    def seed(self) -> Any:
        """The seed, None when the configuration is missing."""
        return self.params.get("seed")

    @property
    def split_seed(self) -> Any:
        """The seed of the split, None when the configuration is missing."""
        return self.params.get(SPLIT_SEED)


@dataclass(frozen=True)
class Estimate:
    """Mean of a metric over seeds or splits, its sample standard deviation (None for one), how many they are.

    Attributes:
        overlap: of splits, validation images per training image: two splits have images in common, so
            that their mean varies more than that of independent values.
    """

    mean: float
    deviation: float | None
    count: int
    overlap: float = 0.0

    @property
    def standard_error(self) -> float | None:
        """Standard deviation of the mean; None for one value.

        References:
            Nadeau and Bengio, Inference for the generalization error, 2003 (of splits).
        """
        if self.deviation is None:
            return None
        return self.deviation * math.sqrt(1 / self.count + self.overlap)

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {self.deviation:.4f}"
        return f"{self.mean:.4f}{spread}"


def estimate(values: Sequence[float]) -> Estimate:
    """Mean, sample standard deviation (n - 1) and number of one or more values."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Estimate(statistics.fmean(values), deviation, len(values))


@dataclass(frozen=True)
class Group:
    """Runs of one configuration, code and data with different seeds or splits; mostly one run alone.

    Attributes:
        runs: one or more.
        words: the label, or empty for the first run's name.
        values: of what was swept, by its name, e.g. {"model.filters": [8, 16]}.
    """

    runs: tuple[Run, ...]
    words: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What no other group is called: `words`, or the first run's name and how many seeds when several."""
        count = len(self.runs)
        return self.words or self.runs[0].name + (f" ({count} seeds)" if count > 1 else "")

    @property
    def parameters(self) -> int:
        """Weights and biases of the network."""
        return int(self.runs[0].metrics["parameters"])

    @property
    def filters(self) -> int:
        """Filters of all convolutions together."""
        return sum(self.runs[0].params["model.filters"])

    @property
    def seconds(self) -> float | None:
        """Mean over the runs of which it is known; None where it is of none."""
        known = [run.seconds for run in self.runs if run.seconds is not None]
        return statistics.fmean(known) if known else None

    @property
    def splits(self) -> dict[Any, list[Run]]:
        """The runs by the seed of their split."""
        found: dict[Any, list[Run]] = {}
        for run in self.runs:
            found.setdefault(run.split_seed, []).append(run)
        return found

    def split_means(self, metric: str) -> dict[Any, float]:
        """The mean of a metric on each split, by the seed of the split."""
        values = {seed: [run.metrics[metric] for run in runs] for seed, runs in self.splits.items()}
        return {seed: statistics.fmean(ones) for seed, ones in values.items()}

    def estimate(self, metric: str) -> Estimate:
        """Mean and spread of a metric that every run has, e.g. "validation.accuracy".

        Of several splits the spread is that of their means: runs on one split vary less.
        """
        means = list(self.split_means(metric).values())
        if len(means) == 1:
            return estimate([run.metrics[metric] for run in self.runs])
        return self.of_splits(means)

    def of_splits(self, values: Sequence[float]) -> Estimate:
        """Mean and spread of one value a split."""
        fraction = self.runs[0].params.get("data.validation_fraction", 0)
        return replace(estimate(values), overlap=fraction / (1 - fraction))

    def seed_deviation(self, metric: str) -> float | None:
        """Standard deviation over the seeds on one split, pooled over the splits; None for one seed each."""
        free = len(self.runs) - len(self.splits)
        means = self.split_means(metric)
        squares = [(run.metrics[metric] - means[run.split_seed]) ** 2 for run in self.runs]
        return math.sqrt(sum(squares) / free) if free else None

    def draw(self, run: Run) -> Any:
        """What tells a run from the others: its seed, with that of the split where there are several."""
        return f"{run.seed}, split {run.split_seed}" if len(self.splits) > 1 else run.seed


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
            if same_but_seed(run, members[0]) and run.seed not in [member.seed for member in members]:
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
    alike = all(same_but_seed(run, runs[0]) for run in runs)
    return Group(runs) if alike and len({run.seed for run in runs}) == len(runs) else None


def same_but_seed(one: Run, other: Run) -> bool:
    """Whether two runs are known to be of one configuration, code and data."""
    known = bool(one.params) and bool(other.params)
    first, second = ({**run.params, **dict.fromkeys({"seed", *DIGESTS})} for run in (one, other))
    return known and one.inputs == other.inputs and first == second


def same_but_draw(one: Run, other: Run) -> bool:
    """Whether two runs are known to be of one configuration and code, and of one data set, split anyhow."""
    if None in (one.split_seed, other.split_seed) or one.split_seed == other.split_seed:
        return same_but_seed(one, other)
    return same_but_seed(_without_split(one), _without_split(other))


def _without_split(run: Run) -> Run:
    params = {key: value for key, value in run.params.items() if key != SPLIT_SEED}
    return replace(run, params=params, inputs={path: md5 for path, md5 in run.inputs.items() if path != DATA})


def metric_names(groups: Sequence[Group]) -> list[str]:
    """Every metric of any run, in the order in which they appear."""
    return list(dict.fromkeys(name for one in groups for run in one.runs for name in run.metrics))


def score(one: Group, metric: str) -> Estimate | None:
    """A metric's mean and spread over the runs of a group that have it; None when none has it."""
    runs = tuple(run for run in one.runs if metric in run.metrics)
    return replace(one, runs=runs).estimate(metric) if runs else None
