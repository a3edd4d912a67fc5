"""The result of a sweep as Markdown: it opens with what was asked, then table and pictures."""

import itertools
import re
import shlex
from collections.abc import Mapping, Sequence

from pipeline.analysis.configurations import (
    ACCURACY,
    as_good_as_the_best,
    best_of,
    cost_of,
    front_of,
    override_values,
    smallest_as_good,
    words,
)
from pipeline.analysis.groups import Group, Run
from pipeline.analysis.uncertainty import different_images, interval
from pipeline.runs.changes import change_between, on_other_data
from pipeline.runs.tables import markdown_table

PAGE = (
    "[Look closer](index.html): one offline page with the runs behind each point, and any of them side by"
    " side: curves, first kernels, scores of each class. A hosting site shows its source; open the file."
)
ONE_SEED = "Every configuration ran with one seed, so how much of a difference is luck is not known:"


def summary(
    name: str,
    found: Sequence[Group],
    pictures: Mapping[str, str],
    problems: Sequence[str],
) -> str:
    """The whole page as Markdown.

    Args:
        name: of the sweep.
        found: its configurations.
        pictures: a title for each picture by its file name.
        problems: a line for each job without result and for what had to be left out.
    """
    parts = [f"# Sweep {name}", answer(found), table(found), PAGE]
    if problems:
        parts.append("## What is missing\n\n" + "\n".join(f"- {' '.join(line.split())}" for line in problems))
    parts += [f"![{text}]({file})" for file, text in pictures.items()]
    chosen = smallest_as_good(found) or best_of(found)
    parts += ["## Use it", _use(representative(chosen), chosen), "## Repeat it", repeat(name, found)]
    return "\n\n".join(parts) + "\n"


def answer(found: Sequence[Group]) -> str:
    """The result in one paragraph: how little is enough, against which best, and whether that may be luck."""
    head, rest = _by_means(found)
    reason = doubt(found)
    return f"**Uncertain: {reason}.** By the means alone: {head}{rest}" if reason else f"**{head}**{rest}"


def doubt(found: Sequence[Group]) -> str:
    """Why images, seeds or splits are too few for what the means say; "" where they are not.

    That little is enough is doubtful where still less may be as good, or where nothing can be told from
    the best; that one is the best, where any other may be as good.
    """
    if len(found) == 1 or on_other_data(found):
        return ""
    best, small, cost = best_of(found), smallest_as_good(found), cost_of(found)
    if reason := no_better(best):
        return f"the best, {_given(best)}, is {reason} ({best.runs[0].metrics['majority']:.3f})"
    rivals = [one for one in found if one is not best and not _told_apart(one, best)]
    who = f"{len(rivals)} of {len(found) - 1} others cannot"
    if len(rivals) == len(found) - 1:
        who = "no other can"
    elif small is not None and cost is not None:
        rivals = [one for one in rivals if getattr(one, cost) < getattr(small, cost)]
        who = f"{len(rivals)} with fewer {cost} cannot"
    return f"{who} be told from the best by {_evidence(best)}" if rivals else ""


def _told_apart(one: Group, best: Group) -> bool:
    change = change_between(ACCURACY, one, best)
    return change.margin is None or abs(change.difference) > change.margin


def _evidence(one: Group) -> str:
    """What a configuration's accuracy is measured on."""
    images, evidence = different_images(one.runs[0].metrics, "validation"), []
    if images is not None and len(one.splits) == 1:
        low, high = interval(one.estimate(ACCURACY).mean, images)
        evidence.append(f"{images:,} validation images (95 % interval of its accuracy {low:.3f}–{high:.3f})")
    if len(one.runs) > 1 or not evidence:
        evidence.append(_repetitions(one))
    return " and ".join(evidence)


def no_better(one: Group) -> str:
    """That the largest class alone may give the same accuracy; "" where not, or its share is not known."""
    majority = one.runs[0].metrics.get("majority")
    images = different_images(one.runs[0].metrics, "validation")
    accuracy = one.estimate(ACCURACY).mean
    if majority is None or (interval(accuracy, images)[0] if images else accuracy) > majority:
        return ""
    how = "no better" if accuracy <= majority else "not clearly better"
    return f"{how} than always answering the largest class"


def _by_means(found: Sequence[Group]) -> tuple[str, str]:
    """The result as far as means and standard errors say it: what is recommended, and the rest."""
    best, cost = best_of(found), cost_of(found)
    if on_other_data(found):
        return "The configurations are of different data or splits, so none of them is called the best.", ""
    if len(found) == 1:
        return f"One configuration, {_given(best)}", f" ({_size(best)}): {_scores(best)}."
    small, near = smallest_as_good(found), as_good_as_the_best(found)
    if small is not None and cost is not None:
        head = f"Fewest {cost} within one standard error of the best: {_given(small)}"
        rest = f" ({_size(small)}), {_scores(small)}."
        if small is best:
            return head, f"{rest} It is the best itself; nothing smaller comes within one standard error."
        share = best.parameters / small.parameters
        return head, (
            f"{rest} The best, {_given(best)} ({_size(best)}), has {_scores(best)},"
            f" with {share:.2g} times the parameters."
        )
    head = f"Best: {_given(best)}"
    if near:
        others = "; ".join(_given(one) for one in near if one is not best) or "no other"
        return head, f", {_scores(best)}. Within one standard error of it: {others}."
    text = (
        ONE_SEED
        if all(len(one.runs) == 1 for one in found)
        else "It ran with one seed, so how much of that is luck is not known:"
    )
    front = "; ".join(f"{_given(one)} ({one.estimate(ACCURACY)})" for one in front_of(found))
    few = f" None is both smaller and more accurate than these: {front}." if cost is not None else ""
    return head, f" ({_size(best)}), {_scores(best)}. {text} `seed=1,2,3` would tell.{few}"


def _scores(one: Group) -> str:
    accuracy, test = _spread(one, ACCURACY), _spread(one, "test.accuracy")
    return f"validation accuracy {accuracy}, test {test} (n = {_repetitions(one)})"


def _spread(one: Group, metric: str) -> str:
    """Mean and spread over the seeds; of several splits over their means, and apart from it over seeds."""
    text, seeds = str(one.estimate(metric)), one.seed_deviation(metric)
    if len(one.splits) == 1:
        return text
    return f"{text} over splits" + ("" if seeds is None else f", ± {seeds:.4f} over seeds")


def _repetitions(one: Group) -> str:
    """How often it ran: 3 seeds; 5 splits × 1 seed."""
    seeds = _seeds(one)
    return f"{seeds} seed" if seeds.split()[-1] == "1" else f"{seeds} seeds"


def _seeds(one: Group) -> str:
    """How many seeds, on each split where there are several: 3; 5 splits × 1; or 5 splits × 2–3."""
    counts = sorted({len(runs) for runs in one.splits.values()})
    several = str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"
    return several if len(one.splits) == 1 else f"{len(one.splits)} splits × {several}"


def _size(one: Group) -> str:
    return f"{one.filters:,} filters, {one.parameters:,} parameters"


def table(found: Sequence[Group]) -> str:
    """A row for each configuration: what was swept, size, mean ± standard deviation, seconds."""
    header = [
        *(f"`{name}`" for name in found[0].values),
        *("filters", "parameters", "validation accuracy", "validation loss", "test accuracy"),
        *("kept epoch", "seconds", "seeds", ""),
    ]
    rows = [[*map(_cell, one.values.values()), *_cells(one), _remarks(one, found)] for one in found]
    splits = any(len(one.splits) > 1 for one in found)
    over = "the means of each split, and over seeds on one split" if splits else "seeds"
    note = (
        f"Mean ± standard deviation over {over}; P: on the Pareto front, none is both smaller and more"
        " accurate on the validation images. The test images choose nothing."
    )
    return f"{markdown_table(header, rows)}\n\n{note}"


def _given(one: Group) -> str:
    """The swept values as overrides."""
    values = {name: written(value).replace("`", "'") for name, value in one.values.items()}
    return " ".join(f"`{name}={value}`" for name, value in values.items())


def _cell(value: object) -> str:
    """A value as text in a table, of which no letter is Markdown's or HTML's."""
    return re.sub(r"[|`*_<&\\]", lambda found: f"&#{ord(found[0])};", written(value))


def written(value: object) -> str:
    """A swept value as in an override."""
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else words(value, 6)


def numbers(one: Group) -> dict[str, str]:
    """Size, scores, epochs, seconds and seeds of a configuration as text, by name."""
    return {
        "filters": f"{one.filters:,}",
        "parameters": f"{one.parameters:,}",
        "accuracy": _spread(one, ACCURACY),
        "loss": _spread(one, "validation.loss"),
        "test": _spread(one, "test.accuracy"),
        "kept_epoch": _rounded(one, "kept_epoch"),
        "epochs": _rounded(one, "epochs"),
        "seconds": "" if one.seconds is None else f"{one.seconds:.0f}",
        "seeds": _seeds(one),
    }


def _cells(one: Group) -> list[str]:
    cells = numbers(one)
    cells["kept_epoch"] += f" of {cells.pop('epochs')}"
    return list(cells.values())


def _rounded(one: Group, metric: str) -> str:
    return f"{one.estimate(metric).mean:.1f}".removesuffix(".0")


def _remarks(one: Group, found: Sequence[Group]) -> str:
    comparable = not on_other_data(found)
    remarks = {
        "P": comparable and one in front_of(found),
        "best": comparable and one is best_of(found),
        "smallest as good": comparable and one is smallest_as_good(found),
        no_better(one): True,
    }
    return ", ".join(text for text, holds in remarks.items() if text and holds)


def representative(one: Group) -> Run:
    """The run of a configuration whose validation accuracy is highest; among equals the first."""
    return max(one.runs, key=lambda run: run.metrics[ACCURACY])


def _use(run: Run, one: Group) -> str:
    """How to have a run here: its values alone are set, so that no later commit is undone."""
    if run.overrides:
        values = " ".join(f"-S {shlex.quote(one)}" for one in run.overrides)
        command = f"dvc exp run {values}"
    else:
        command = f"dvc exp branch {run.name} BRANCH\ngit show BRANCH:params.yaml > params.yaml\ndvc repro"
    return (
        f"```\n{command}\n```\n\nsets the values of `{run.name}` (seed {one.draw(run)}), takes from"
        " DVC's cache what was trained with them, and draws what a sweep leaves out: feature maps,"
        " explanations, ..."
        " `dvc exp apply` would put back all files of the commit that the experiment started from."
        " The experiments in `results.csv` are in the Git repository where the sweep ran, not in a clone of"
        " it: `dvc exp push REMOTE NAME` there and `dvc exp pull REMOTE NAME` here bring one; else repeat it."
    )


def repeat(name: str, found: Sequence[Group]) -> str:
    """The command that runs the same jobs again, if they are all combinations of some values."""
    rows = [override_values(run.overrides) for one in found for run in one.runs]
    values = {key: list(dict.fromkeys(row.get(key) for row in rows)) for key in rows[0]}
    combinations = set(itertools.product(*values.values()))
    given = {tuple(row.get(key) for key in values) for row in rows}
    if not values or any(set(row) != set(values) for row in rows) or combinations != given:
        return "The runs are not all combinations of some overrides, as in a search; `results.csv` has each."
    swept = [f"{key}={','.join(map(str, choices))}" for key, choices in values.items()]
    return f"```\n{shlex.join(['filterscope', 'sweep', f'hydra.job.name={name}', *swept])}\n```"
