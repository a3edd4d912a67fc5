"""The results of a sweep: read from its experiments, written as a table, pictures and a page.

Nothing that is written carries a date or a path, so that equal results are equal bytes.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.analysis.configurations import configurations, override_values
from pipeline.analysis.groups import Group, Run
from pipeline.base import files
from pipeline.base.errors import InputError
from pipeline.network.checkpoint import convolutions
from pipeline.pictures import sweep
from pipeline.pictures.drawing import write_figure
from pipeline.runs import reading, revisions
from pipeline.runs.reading import or_note
from pipeline.sweeps import page, summary
from pipeline.sweeps.summary import Job

METRICS = (
    *("validation.loss", "validation.accuracy", "test.loss", "test.accuracy"),
    *("epochs", "best_epoch"),
)
MAX_FACTORS = 4


def write_answer(root: Path, name: str, start: str, jobs: Sequence[Job]) -> Path:
    """Read every job's experiment and write `reports/sweeps/<name>/`, all of it or nothing.

    Args:
        root: of the project.
        name: of the sweep.
        start: commit from which its experiments started; one that started elsewhere is none of them.
        jobs: one without an experiment or without results, as of a failed job, is named on the page and left
            out.

    Returns:
        The folder: `results.csv`, `summary.md`, `index.html`, pictures.

    Raises:
        InputError: no job has results; an earlier run's answer then says so, see `outdate`.
    """
    runs, problems = read_runs(root, start, jobs)
    if not runs:
        outdate(root, name, len(jobs))
        raise InputError(
            f"sweep {name}: none of {len(jobs)} jobs has results ({problems[0] if problems else 'no jobs'});"
            " expected at least one finished experiment"
        )
    found = configurations(runs)
    folder = root / "reports" / "sweeps" / name
    with files.replaced_folder(folder) as temporary:
        files.write_table(temporary / "results.csv", *results(found))
        pictures = _write_pictures(temporary, found, name, problems)
        files.write_text(temporary / "summary.md", summary.summary(name, found, jobs, pictures, problems))
        browser = root / "pipeline" / "page" / "browser"
        files.write_text(temporary / "index.html", page.page(name, found, len(jobs), problems, browser))
    return folder


def outdate(root: Path, name: str, num_jobs: int) -> Path | None:
    """Say in the answer of an earlier run of a sweep that the last run has none.

    Returns:
        The folder with that answer, or None if there is none.
    """
    folder = root / "reports" / "sweeps" / name
    for file, outdated in (("index.html", page.outdated), ("summary.md", summary.outdated)):
        if (folder / file).is_file():
            files.write_text(folder / file, outdated((folder / file).read_text(encoding="utf-8"), num_jobs))
    return folder if (folder / "summary.md").is_file() else None


def read_runs(root: Path, start: str, jobs: Sequence[Job]) -> tuple[list[Run], list[str]]:
    """What each experiment holds, each experiment once, and a line for each thing that is missing."""
    runs, problems = [], []
    named = {experiment: (overrides, seconds) for experiment, overrides, seconds in jobs}
    experiments = {one.name: one for one in revisions.experiments(root) if one.baseline == start}
    with tempfile.TemporaryDirectory() as folder:
        for experiment, (overrides, seconds) in named.items():
            job = f"`{experiment}` ({' '.join(overrides)})"
            revision = experiments.get(experiment)
            if revision is None:
                problems.append(f"{job}: no such experiment, its job failed")
                continue
            run = replace(reading.read_run(root, revision), overrides=tuple(overrides), seconds=seconds)
            notes = [*run.notes]
            history = or_note(notes, reading.read_history, root, run)
            classes = or_note(notes, _read_classes, root, revision)
            if notes:
                problems.append(f"{job}: {'; '.join(notes)}")
            if not (run.params and run.metrics and history):
                continue
            network = or_note([], reading.read_network, root, revision, Path(folder))
            kernel = convolutions(network)[0].kernel if network else None
            runs.append(replace(run, history=history, class_scores=classes or {}, kernel=kernel))
    if without := [run.name for run in runs if run.kernel is None]:
        how = "their models are not in DVC's cache, `dvc exp pull` may bring them"
        problems.append(f"Without kernels, as {how}: {', '.join(without)}.")
    return runs, problems


def _read_classes(root: Path, revision: revisions.Revision) -> dict[str, list[Any]]:
    """Columns of the scores of each class on the test images."""
    path = "reports/classes.csv"
    rows = reading.read_table(root, revision, path)
    try:
        scores = {name: [float(row[name]) for row in rows] for name in page.CLASS_SCORES}
        return {"class": [row["class"] for row in rows], **scores}
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} of {revision.name} is no table of scores: {error}") from None


def results(found: Sequence[Group]) -> tuple[list[str], list[list[str]]]:
    """The table of all runs: experiment, a column for each override, size, metrics, seconds.

    Returns:
        Header and rows, in the order of the configurations and their seeds.
    """
    runs = [(one, run) for one in found for run in one.runs]
    keys = list(dict.fromkeys(key for _, run in runs for key in override_values(run.overrides)))
    header = ["experiment", *keys, "parameters", "total_filters", *METRICS, "seconds"]
    return header, [
        [
            run.name,
            *(override_values(run.overrides).get(key, "") for key in keys),
            str(one.parameters),
            str(one.filters),
            *(f"{run.metrics[metric]:.6g}" for metric in METRICS),
            "" if run.seconds is None else f"{run.seconds:.1f}",
        ]
        for one, run in runs
    ]


def _write_pictures(folder: Path, found: Sequence[Group], name: str, problems: list[str]) -> dict[str, str]:
    """Write the pictures; return words for each; add to the problems what was left out."""
    pictures = {"accuracy_parameters.png": "Validation accuracy against the number of parameters"}
    drawn = [sweep.accuracy_parameters(found, name)]
    for factor in list(found[0].values)[:MAX_FACTORS]:
        short = sweep.short(factor)
        pictures[f"accuracy_{short}.png"] = f"Validation and test accuracy against {short}"
        drawn.append(sweep.accuracy_factor(found, factor, name))
    pictures["curves.png"] = "Training and validation loss over the epochs"
    drawn.append(sweep.curves(found, name))
    if kernels := sweep.kernels(found, name):
        pictures["kernels.png"] = "Kernels of the first convolution of every run"
        drawn.append(kernels)
    for file, figure in zip(pictures, drawn, strict=True):
        write_figure(folder / file, figure)
    if rest := list(found[0].values)[MAX_FACTORS:]:
        problems.append(f"Not drawn, of {len(found[0].values)} values that differ: {', '.join(rest)}.")
    return pictures
