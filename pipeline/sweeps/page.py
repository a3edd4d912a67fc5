"""The page of a sweep: what it shows, from the runs that were read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.analysis.configurations import (
    ACCURACY,
    as_good_as_the_best,
    best_of,
    cost_of,
    kind_of,
    levels_of,
    pareto_front,
    smallest_as_good,
    words,
)
from pipeline.analysis.groups import Group, Run
from pipeline.analysis.weights import colour_limit
from pipeline.base.arrays import Array
from pipeline.page.contents import Contents
from pipeline.page.render import SWEEP, render
from pipeline.runs.changes import on_other_data
from pipeline.sweeps import summary

CLASS_SCORES = ("precision", "recall", "f1", "images")
COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
# Attributes of a configuration.
COSTS = ("parameters", "filters", "seconds")
# That the kernels may take in all: where they would take more, every run shows its first filters.
KERNEL_CHARACTERS = 400_000


def page(name: str, found: Sequence[Group], num_jobs: int, problems: Sequence[str], browser: Path) -> str:
    """The whole page as HTML, equal for equal runs; arguments are as in `summary`.

    `browser` is the folder with template, style, words and scripts.
    """
    runs = [run for one in found for run in one.runs]
    kernels = _kernels(runs)
    values = {
        "name": name,
        "language": runs[0].params.get("page.language", "en"),
        "jobs": num_jobs,
        "problems": list(problems),
        "factors": list(found[0].values),
        "axes": [*_costs(found), *(_factor(found, factor) for factor in found[0].values)],
        "configurations": [_configuration(one, kernels) for one in found],
        **_answer(found),
        **_scale(runs),
    }
    return render(Contents(values, kernels), browser, SWEEP)


def _answer(found: Sequence[Group]) -> dict[str, Any]:
    """Numbers of the configurations that the answer names."""
    number = {id(one): place for place, one in enumerate(found)}
    comparable = not on_other_data(found)
    small, top = smallest_as_good(found), best_of(found).estimate(ACCURACY)
    return {
        "best": number[id(best_of(found))] if comparable else None,
        "as_good": [number[id(one)] for one in as_good_as_the_best(found)] if comparable else [],
        "smallest": number[id(small)] if comparable and small is not None else None,
        "enough": top.mean - top.standard_error if comparable and top.standard_error is not None else None,
        "cost": cost_of(found),
        "uncertain": bool(summary.doubt(found)),
    }


def _costs(found: Sequence[Group]) -> list[dict[str, Any]]:
    """What a configuration costs, each an axis with its Pareto front; seconds where some are known."""
    axes = []
    for name in COSTS:
        places = [getattr(one, name) for one in found]
        known = [(place, value) for place, value in enumerate(places) if value is not None]
        if not known:
            continue
        gains = [found[place].estimate(ACCURACY).mean for place, _ in known]
        front = [] if on_other_data(found) else pareto_front([value for _, value in known], gains)
        axes.append(
            {"name": name, "kind": "cost", "places": places, "front": [known[row][0] for row in front]}
        )
    return axes


def _factor(found: Sequence[Group], factor: str) -> dict[str, Any]:
    """What was swept as an axis: numbers where they are, others side by side in their order."""
    levels = levels_of(found, factor)
    kind, rank = kind_of(levels), {str(level): row for row, level in enumerate(levels)}
    places = [one.values[factor] if kind == "number" else rank[str(one.values[factor])] for one in found]
    texts = {place: words(one.values[factor]) for place, one in zip(places, found, strict=True)}
    return {"name": factor, "kind": kind, "places": places, "texts": [texts[place] for place in places]}


def _configuration(one: Group, kernels: dict[str, Array]) -> dict[str, Any]:
    estimate = one.estimate(ACCURACY)
    return {
        "label": one.label,
        "values": [summary.written(value) for value in one.values.values()],
        "told": summary.numbers(one),
        "accuracy": estimate.mean,
        "deviation": estimate.deviation,
        "no_better": bool(summary.no_better(one)),
        "chosen": summary.representative(one).name,
        "runs": [_run(run, one.draw(run), kernels) for run in one.runs],
    }


def _run(run: Run, seed: Any, kernels: dict[str, Array]) -> dict[str, Any]:
    return {
        "name": run.name,
        "seed": seed,
        "told": summary.numbers(Group((run,))),
        "accuracy": run.metrics[ACCURACY],
        "seconds": run.seconds,
        "history": {name: list(run.history[name]) for name in COLUMNS if name in run.history},
        "classes": {name: list(column) for name, column in run.class_scores.items()},
        "filters": None if run.kernel is None else run.kernel.shape[-1],
        "kernel": f"kernel/{run.name}" if f"kernel/{run.name}" in kernels else None,
    }


def _kernels(runs: Sequence[Run]) -> dict[str, Array]:
    """Kernels (height, width, C, F) float16 as `kernel/<run>`, of as many filters as there is room for."""
    read = {f"kernel/{run.name}": run.kernel.astype(np.float16) for run in runs if run.kernel is not None}
    for count in range(max((kernel.shape[-1] for kernel in read.values()), default=1), 0, -1):
        cut = {name: kernel[..., :count] for name, kernel in read.items()}
        if Contents({}, cut).characters <= KERNEL_CHARACTERS:
            break
    return cut


def _scale(runs: Sequence[Run]) -> dict[str, Any]:
    """The colours of the kernels, as those of the sweep's picture: the first run's `kernel_limit`."""
    read = [(run, run.kernel) for run in runs if run.kernel is not None]
    if not read:
        return {"kernel_limit": None, "kernel_largest": None, "in_colour": False}
    configured, kernels = read[0][0].params.get("visualize.kernel_limit"), [kernel for _, kernel in read]
    return {
        "kernel_limit": colour_limit(configured, *kernels),
        "kernel_largest": max(float(np.abs(kernel).max()) for kernel in kernels),
        "in_colour": all(kernel.shape[2] == 3 for kernel in kernels),
    }
