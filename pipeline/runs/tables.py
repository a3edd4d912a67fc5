"""A comparison as Markdown that reads well on a screen too. Nothing here reads a file or prints."""

import json
import math
from collections.abc import Sequence
from typing import Any

from pipeline.analysis.groups import Estimate, Group, metric_names, one_configuration, score
from pipeline.analysis.uncertainty import CONFIDENCE
from pipeline.runs.changes import (
    ABSENT,
    SCORES,
    TOLERANCES,
    change_between,
    changed_inputs,
    changed_params,
    equal,
    kind,
    made_otherwise,
    on_other_data,
)

Table = tuple[list[str], list[list[str]]]
# More revisions than that become the rows, so that a table stays narrower than a screen.
MAX_COLUMNS = 4
# Of an accuracy's interval, which the verdict on it takes into account.
BOUNDS = {"accuracy_low", "accuracy_high"}
TOLERANCE_TEXT = (
    f"A change up to {TOLERANCES['accuracy']} (share of images) in accuracy, {TOLERANCES['loss']} (nats) in"
    " loss is close, not better or worse."
)


def params_table(groups: Sequence[Group]) -> Table:
    """Header and rows of the parameters that differ; no rows when none does."""
    rows = [[key, *map(value_text, values)] for key, values in changed_params(groups).items()]
    return _oriented("parameter", [one.label for one in groups], rows)


def metrics_table(groups: Sequence[Group]) -> Table:
    """Header and rows of the metrics, each with its change against the first group."""
    labels = [one.label for one in groups]
    names = [name for name in metric_names(groups) if kind(name) not in BOUNDS]
    rows = [[name, *_metric_cells(groups, name)] for name in names]
    if together := one_configuration(groups):
        labels.append(f"mean of {len(together.runs)} seeds")
        rows = [[*row, score_text(row[0], score(together, row[0]))] for row in rows]
    return _oriented("metric", labels, rows)


def _metric_cells(groups: Sequence[Group], name: str) -> list[str]:
    baseline, *others = groups
    cells = [score_text(name, score(baseline, name))]
    for other in others:
        change = change_between(name, other, baseline)
        none = math.isnan(change.difference) or change.difference == 0
        difference = "" if none else _number_text(name, change.difference, change.margin, sign="+")
        p = "" if none or change.p is None else f"p = {change.p:.2g}"
        about = ", ".join(filter(None, [difference, p, change.verdict]))
        cells.append(score_text(name, score(other, name)) + (f" ({about})" if about else ""))
    return cells


def _oriented(corner: str, labels: Sequence[str], rows: list[list[str]]) -> Table:
    """One column per label, or one row per label when they are many."""
    table = [[corner, *labels], *rows]
    if len(labels) > MAX_COLUMNS and rows:
        table = [list(column) for column in zip(*table, strict=True)]
        table[0][0] = "revision"
    return table[0], table[1:]


def value_text(value: Any) -> str:
    """A parameter's value as one writes it in YAML."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def score_text(name: str, found: Estimate | None) -> str:
    """A score with its spread: 0.9214 ± 0.0021; a count with its thousands."""
    return ABSENT if found is None else _number_text(name, found.mean, found.deviation)


def _number_text(name: str, value: float, spread: float | None, sign: str = "") -> str:
    """Four decimals for a score, thousands for a count, and no spread where each seed has the same count."""
    is_score = kind(name) in SCORES
    digits = 4 if is_score or name == "majority" else 0 if float(value).is_integer() else 1
    text = f"{value:{sign},.{digits}f}".replace("-", "−")
    return f"{text} ± {_number_text(name, spread, None)}" if spread or (is_score and spread == 0) else text


def remarks(groups: Sequence[Group]) -> list[str]:
    """Lines about the revisions: seeds of a group, what is unclear, changed code and data, notes."""
    lines = [
        f"{one.label}: {', '.join(f'{run.name} (seed {value_text(run.seed)})' for run in one.runs)}"
        for one in groups
        if len(one.runs) > 1
    ]
    if lines or one_configuration(groups):
        lines.append("of several seeds: mean ± standard deviation")
    known = [change_between(name, one, groups[0]) for name in metric_names(groups) for one in groups[1:]]
    if any(one.margin is not None for one in known):
        lines.append("of a difference: ± half of its 95 % interval, over images and seeds; below it unclear")
    if any(one.p is not None for one in known):
        limit = f"{1 - CONFIDENCE:.2g}"
        lines.append(f"p: of McNemar's exact test on the same test images; from {limit} on unclear")
    if paths := changed_inputs(groups):
        lines.append(f"code or data behind the scores differs: {', '.join(paths)}")
    if used := made_otherwise(groups):
        values = [f"{key}: {' / '.join(dict.fromkeys(map(str, row)))}" for key, row in used.items()]
        why = "which alone changes bytes and, as another seed does, scores"
        lines.append(f"not made with the same, {why}: {'; '.join(values)}")
    lines += on_other_data(groups)
    lines += [note for one in groups for run in one.runs for note in run.notes]
    if equal(groups):
        lines.append(f"nothing differs between {' and '.join(one.label for one in groups)}")
    return lines


def as_markdown(groups: Sequence[Group]) -> str:
    """The comparison: what differs in the parameters, the metrics, and remarks."""
    tables = {"Parameters": params_table(groups), "Metrics": metrics_table(groups)}
    parts = [f"### {title}\n\n{_aligned_table(*table)}" for title, table in tables.items() if table[1]]
    lines = [" ".join(line.split()) for line in remarks(groups)]
    return "\n\n".join(
        [*parts, TOLERANCE_TEXT, *(["\n".join(f"- {line}" for line in lines)] if lines else [])]
    )


def _aligned_table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (header, *rows)]
    return markdown_table(padded[0], padded[1:])


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["-" * max(3, len(cell)) for cell in header], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
