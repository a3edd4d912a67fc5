"""A comparison as Markdown that reads well on a screen too. Nothing here reads a file or prints."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.analysis.groups import Estimate, Group, Run, metric_names, one_configuration, score
from pipeline.runs.changes import (
    ABSENT,
    STANDARD_ERRORS,
    TOLERANCES,
    Change,
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
    rows = [[name, *_metric_cells(groups, name)] for name in metric_names(groups)]
    if together := one_configuration(groups):
        labels.append(f"mean of {len(together.runs)} seeds")
        rows = [[*row, score_text(row[0], score(together, row[0]))] for row in rows]
    return _oriented("metric", labels, rows)


def _metric_cells(groups: Sequence[Group], name: str) -> list[str]:
    baseline, *others = groups
    cells = [score_text(name, score(baseline, name))]
    for other in others:
        found = change_between(name, other, baseline)
        change = ", ".join(filter(None, [difference_text(name, found), found.verdict]))
        cells.append(score_text(name, score(other, name)) + (f" ({change})" if change else ""))
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
    if found is None:
        return ABSENT
    return number_text(name, found.mean) + _spread_text(name, found.deviation)


def _spread_text(name: str, spread: float | None) -> str:
    """Nothing for a count that is the same for every seed."""
    if spread is None or (spread == 0 and kind(name) not in TOLERANCES):
        return ""
    return f" ± {number_text(name, spread)}"


def number_text(name: str, value: float) -> str:
    """Four decimals for a score, thousands for a count."""
    if kind(name) in TOLERANCES:
        return f"{value:.4f}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def difference_text(name: str, found: Change) -> str:
    """A difference with its sign, and its standard error where seeds tell; nothing when there is none."""
    if math.isnan(found.difference) or found.difference == 0:
        return ""
    sign = "+" if found.difference > 0 else "−"
    return sign + number_text(name, abs(found.difference)) + _spread_text(name, found.error)


def remarks(groups: Sequence[Group]) -> list[str]:
    """Lines about the revisions: seeds of a group, changed code and data, notes."""
    several = [one for one in groups if len(one.runs) > 1]
    lines = [f"{one.label}: {', '.join(map(_run_text, one.runs))}" for one in several]
    if several or one_configuration(groups):
        lines.append(
            "of several seeds: mean ± standard deviation; of their difference: ± standard error, unclear"
            f" below {STANDARD_ERRORS} of them"
        )
    if paths := changed_inputs(groups):
        lines.append(f"code or data behind the scores differs: {', '.join(paths)}")
    if used := made_otherwise(groups):
        lines.append(_made_otherwise_text(used))
    lines += on_other_data(groups)
    lines += [note for one in groups for run in one.runs for note in run.notes]
    if equal(groups):
        lines.append(f"nothing differs between {' and '.join(one.label for one in groups)}")
    return lines


def _made_otherwise_text(used: Mapping[str, Sequence[Any]]) -> str:
    values = {key: " / ".join(dict.fromkeys(map(str, row))) for key, row in used.items()}
    text = "; ".join(f"{key}: {value}" for key, value in values.items())
    return f"not made with the same, which alone changes bytes and, as another seed does, scores: {text}"


def _run_text(run: Run) -> str:
    return f"{run.name} (seed {value_text(run.seed)})"


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
