"""The result of experiments: read from Git and DVC's cache, written as a table, pictures and a page.

Nothing that is written carries a date or a path, so that equal results are equal bytes.
"""

import csv
import json
import re
import shlex
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.analysis.configurations import configurations, override_values
from pipeline.analysis.groups import Group, Run
from pipeline.base import files
from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.network.checkpoint import convolutions
from pipeline.runs import reading
from pipeline.runs.reading import or_note
from pipeline.runs.revisions import Revision, experiments
from pipeline.sweeps import page, summary

METRICS = (
    *("validation.loss", "validation.accuracy", "test.loss", "test.accuracy"),
    *("epochs", "kept_epoch"),
)
MAX_FACTORS = 4


def experiments_of(root: Path, sweep: str, commit: str | None = None) -> list[Revision]:
    """The experiments of a sweep, of `dvc exp run --queue --name SWEEP` too.

    Args:
        root: of the project.
        sweep: its name, or the full name of one experiment.
        commit: from which they started; None means HEAD, or else the newest that has some.
    """
    own = re.compile(rf"{re.escape(sweep)}(-[0-9a-f]{{8}}|-\d+)?")
    found = [one for one in experiments(root) if own.fullmatch(one.name)]
    if commit is None and found:
        starts = {one.baseline: one.time for one in sorted(found, key=lambda one: one.time)}
        head = git(root, "rev-parse", "HEAD")
        commit = head if head in starts else max(starts, key=lambda start: starts[start])
    return [one for one in found if one.baseline == commit]


def write_result(root: Path, name: str, revisions: Sequence[Revision], failed: Sequence[str] = ()) -> str:
    """Read experiments and write `reports/sweeps/<name>/`, all of it or nothing: table, pages, pictures.

    Args:
        root: of the project.
        name: of the sweep.
        revisions: its experiments.
        failed: a line for each job that has none.

    Returns:
        The result in one paragraph, and the page of it.

    Raises:
        InputError: no experiment has results.
    """
    runs, problems = read_runs(root, revisions)
    if not runs:
        raise InputError(f"{name}: none of {len(revisions)} experiments has results: {'; '.join(problems)}")
    found, problems = configurations(runs), [*failed, *problems]
    folder = root / "reports" / "sweeps" / name
    with files.replaced_folder(folder) as temporary:
        files.write_table(temporary / "results.csv", *results(found))
        pictures = _write_pictures(temporary, found, name, problems)
        files.write_text(temporary / "summary.md", summary.summary(name, found, pictures, problems))
        browser, num_jobs = root / "pipeline" / "page" / "browser", len(revisions) + len(failed)
        files.write_text(temporary / "index.html", page.page(name, found, num_jobs, problems, browser))
    return f"{summary.answer(found)}\n{(folder / 'summary.md').relative_to(root)}"


def check_values(root: Path, name: str, jobs: Collection[list[str]], known: Collection[str]) -> None:
    """Refuse a sweep that would replace a result in which there are other values.

    Args:
        root: of the project.
        name: of the sweep.
        jobs: overrides of each; none of a search, whose result may only be of experiments that are there.
        known: names of these.
    """
    table = root / "reports" / "sweeps" / name / "results.csv"
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines()) if table.exists() else []
    wanted = [override_values(job) for job in jobs]
    for row in rows:
        keys = list(row)[1 : list(row).index("parameters")]
        old = {key: row[key] for key in keys if row[key]}
        if old not in wanted if jobs else row["experiment"] not in known:
            values = " ".join(f"{key}={value}" for key, value in old.items())
            raise InputError(
                f"{table.parent} is the result of another sweep, with {values}: name this one by"
                " hydra.job.name=NAME, or remove that folder"
            )


def accuracy(root: Path, revision: Revision) -> float:
    """Validation accuracy of an experiment."""
    return float(reading.read_json(root, revision, "reports/metrics.json")["validation"]["accuracy"])


def read_runs(root: Path, revisions: Sequence[Revision]) -> tuple[list[Run], list[str]]:
    """What each experiment holds, and a line for each thing that is missing."""
    runs, problems = [], []
    with tempfile.TemporaryDirectory() as folder:
        for revision in revisions:
            run = reading.read_run(root, revision)
            notes = [*run.notes]
            history = or_note(notes, reading.read_history, root, run)
            if notes:
                problems.append(f"`{revision.name}`: {'; '.join(notes)}")
            if not (run.params and run.metrics and history):
                continue
            network = or_note([], reading.read_network, root, revision, Path(folder))
            run = replace(
                run,
                overrides=_overrides(root, revision),
                history=history,
                class_scores=or_note(problems, _read_classes, root, revision) or {},
                kernel=convolutions(network)[0].kernel if network else None,
                seconds=or_note([], _seconds, root, run),
            )
            runs.append(run)
    if without := [run.name for run in runs if run.kernel is None]:
        how = "their models are not in DVC's cache, `dvc exp pull` may bring them"
        problems.append(f"Without kernels, as {how}: {', '.join(without)}.")
    return runs, problems


def _overrides(root: Path, revision: Revision) -> tuple[str, ...]:
    """The overrides of Hydra that a sweep left as the message of an experiment; none of others."""
    words = shlex.split(git(root, "show", "--no-patch", "--format=%B", str(revision.commit)))
    return tuple(words) if all("=" in word or word.startswith("~") for word in words) else ()


def _seconds(root: Path, run: Run) -> float:
    """Seconds of the training, which an experiment has though DVC's cache may have served it."""
    return float(json.loads(reading.read_output(root, run, "reports/timing.json"))["train"]["seconds"])


def _read_classes(root: Path, revision: Revision) -> dict[str, list[Any]]:
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
    """Write the pictures; return a title for each; add to the problems what was left out."""
    # With Matplotlib, which is slow to load.
    from pipeline.pictures import sweep
    from pipeline.pictures.drawing import write_figure

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
