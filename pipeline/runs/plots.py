"""The pictures of a comparison: what they show is read from the revisions, drawn and written."""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.analysis.groups import Group
from pipeline.analysis.weights import colour_limit
from pipeline.base.arrays import Array
from pipeline.network.checkpoint import convolutions, sees_colours
from pipeline.pictures import comparison
from pipeline.pictures.curves import learning_curves
from pipeline.pictures.drawing import write_figure
from pipeline.pictures.kernels import kernels
from pipeline.runs import reading
from pipeline.runs.changes import same_data
from pipeline.runs.reading import or_note

MAX_KERNEL_RUNS, MAX_KERNEL_ROWS = 8, 16
SCORES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def write_plots(root: Path, groups: Sequence[Group], folder: Path) -> list[str]:
    """Write pictures of what differs to a folder, and return a line for what could not be drawn.

    `curves.png`; for each group after the first `confusion_<n>_<name>.png` and
    `classes_<n>_<name>.png`, set against the first; `kernels_<layer>.png`. Other files there stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    _write_curves(root, groups, folder, notes)
    _write_tests(root, groups, folder, notes)
    _write_kernels(root, groups, folder, notes)
    return notes


def _write_curves(root: Path, groups: Sequence[Group], folder: Path, notes: list[str]) -> None:
    read = {
        one.label: [or_note(notes, reading.read_history, root, run) for run in one.runs] for one in groups
    }
    known = {label: [history for history in members if history] for label, members in read.items()}
    if drawn := {label: members for label, members in known.items() if members}:
        write_figure(folder / "curves.png", learning_curves(drawn))


def _write_tests(root: Path, groups: Sequence[Group], folder: Path, notes: list[str]) -> None:
    baseline, *others = [or_note(notes, _test, root, one) for one in groups]
    for number, (one, test) in enumerate(zip(groups[1:], others, strict=True), start=1):
        if baseline is None or test is None:
            continue
        labels = one.label, groups[0].label
        if not same_data(one, groups[0]) or test.classes != baseline.classes:
            notes.append(f"{labels[0]} and {labels[1]} are of other data: no change per class is drawn")
            continue
        name = f"{number}_{re.sub(r'[^A-Za-z0-9._-]+', '_', one.runs[0].name)}.png"
        changes = {key: test.scores[key] - baseline.scores[key] for key in SCORES.values()}
        write_figure(folder / f"classes_{name}", comparison.class_changes(changes, test.classes, *labels))
        difference = test.confusion - baseline.confusion
        figure = comparison.confusion_change(difference, test.classes, *labels)
        write_figure(folder / f"confusion_{name}", figure)


@dataclass(frozen=True)
class Tested:
    """Of the test images: K classes, confusion (K, K), scores (K,) by name; means over a group's runs."""

    classes: list[str]
    confusion: Array
    scores: dict[str, Array]


def _test(root: Path, one: Group) -> Tested:
    tables = [reading.read_table(root, run, "reports/classes.csv") for run in one.runs]
    pairs = [reading.read_table(root, run, "reports/confusion.csv") for run in one.runs]
    classes = [row["class"] for row in tables[0]]
    scores = {
        label: np.mean([[float(row[key]) for row in table] for table in tables], axis=0)
        for key, label in SCORES.items()
    }
    return Tested(classes, np.mean([_count(rows, classes) for rows in pairs], axis=0), scores)


def _count(rows: Sequence[dict[str, str]], classes: Sequence[str]) -> Array:
    """Counts (K, K) of pairs of actual and predicted class."""
    numbers = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)))
    for row in rows:
        counts[numbers[row["actual"]], numbers[row["predicted"]]] += 1
    return counts


def _write_kernels(root: Path, groups: Sequence[Group], folder: Path, notes: list[str]) -> None:
    if len(groups) > MAX_KERNEL_RUNS:
        notes.append(f"kernels are drawn of the first {MAX_KERNEL_RUNS} of {len(groups)}")
    shown = [one.runs[0] for one in groups[:MAX_KERNEL_RUNS]]
    layers: dict[str, dict[str, Array]] = {}
    colours: dict[str, bool] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for run in shown:
            network = or_note(notes, reading.read_network, root, run, Path(scratch)) or []
            for layer in convolutions(network):
                layers.setdefault(layer.name, {})[f"{run.name}, {layer.name}"] = layer.kernel
                colours[layer.name] = colours.get(layer.name, True) and sees_colours(network, layer)
    for name, panels in layers.items():
        figure = kernels(
            panels,
            limit=colour_limit(None, *panels.values()),
            max_rows=MAX_KERNEL_ROWS,
            in_colour=colours[name],
            title="The shapes differ" if len({kernel.shape for kernel in panels.values()}) > 1 else "",
        )
        write_figure(folder / f"kernels_{name}.png", figure)
