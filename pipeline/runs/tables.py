"""A comparison in words: rows for a table, Markdown, JSON. Nothing here reads or prints."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.analysis.groups import Estimate, Group, Run, metric_names, one_configuration, score
from pipeline.runs.changes import (
    ABSENT,
    STANDARD_ERRORS,
    TOLERANCES,
    UNITS,
    Change,
    change_between,
    changed_inputs,
    changed_params,
    equal,
    kind,
    made_otherwise,
    on_other_data,
    regressions,
)

Table = tuple[list[str], list[list[str]]]
# More revisions than that become the rows, so that a table stays narrower than a screen.
MAX_COLUMNS = 4


def params_table(groups: Sequence[Group]) -> Table:
    """Header and rows of the parameters that differ; no rows when none does."""
    rows = [[key, *map(value_text, values)] for key, values in changed_params(groups).items()]
    return _oriented("parameter", [one.label for one in groups], rows)


def metrics_table(groups: Sequence[Group], tolerances: Mapping[str, float]) -> Table:
    """Header and rows of the metrics, each with its change against the first group."""
    labels = [one.label for one in groups]
    rows = [[name, *_metric_cells(groups, name, tolerances)] for name in metric_names(groups)]
    if together := one_configuration(groups):
        labels.append(f"mean of {len(together.runs)} seeds")
        rows = [[*row, score_text(row[0], score(together, row[0]))] for row in rows]
    return _oriented("metric", labels, rows)


def _metric_cells(groups: Sequence[Group], name: str, tolerances: Mapping[str, float]) -> list[str]:
    baseline, *others = groups
    cells = [score_text(name, score(baseline, name))]
    for other in others:
        found = change_between(name, other, baseline, tolerances)
        words = [difference_text(name, found), found.verdict]
        told = ", ".join(word for word in words if word)
        cells.append(score_text(name, score(other, name)) + (f" ({told})" if told else ""))
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
    return value if isinstance(value, str) else json.dumps(value)


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


def tolerance_text(tolerances: Mapping[str, float]) -> str:
    """What counts as better or worse."""
    parts = [f"{value:g} ({UNITS[name]}) in {name}" for name, value in tolerances.items()]
    return "A change up to " + ", ".join(parts) + " is close, not better or worse."


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
    told = "; ".join(f"{key}: {text}" for key, text in values.items())
    return f"not made with the same, which alone changes bytes and, as another seed does, scores: {told}"


def _run_text(run: Run) -> str:
    return f"{run.name} (seed {value_text(run.seed)})"


def as_markdown(groups: Sequence[Group], tolerances: Mapping[str, float]) -> str:
    """The comparison as Markdown, for a pull request."""
    tables = {"Parameters": params_table(groups), "Metrics": metrics_table(groups, tolerances)}
    parts = [f"### {title}\n\n{markdown_table(*table)}" for title, table in tables.items() if table[1]]
    if tables["Metrics"][1]:
        parts.append(tolerance_text(tolerances))
    if lines := remarks(groups):
        parts.append("\n".join(f"- {line}" for line in lines))
    return "\n\n".join(parts)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def as_json(groups: Sequence[Group], tolerances: Mapping[str, float]) -> str:
    """The comparison as JSON: revisions, parameters, metrics (lists in the revisions' order), ..."""
    content = {
        "baseline": groups[0].label,
        "revisions": [{"label": one.label, "runs": [_run_json(run) for run in one.runs]} for one in groups],
        "parameters": changed_params(groups),
        "inputs": changed_inputs(groups),
        "made_with": made_otherwise(groups),
        "metrics": {
            name: [_score_json(name, one, groups[0], tolerances) for one in groups]
            for name in metric_names(groups)
        },
        "seeds": _seeds_json(groups),
        "tolerances": dict(tolerances),
        "regressions": regressions(groups, tolerances),
        "on_other_data": on_other_data(groups),
        "equal": equal(groups),
    }
    return json.dumps(content, indent=2, allow_nan=False)


def _run_json(run: Run) -> dict[str, Any]:
    return {"name": run.name, "commit": run.commit, "seed": run.seed, "notes": list(run.notes)}


def _seeds_json(groups: Sequence[Group]) -> dict[str, Any] | None:
    """Mean and spread by metric when all runs are of one configuration."""
    together = one_configuration(groups)
    if together is None:
        return None
    found = {name: score(together, name) for name in metric_names(groups)}
    return {name: _estimate_json(one) for name, one in found.items() if one is not None}


def _score_json(
    name: str, one: Group, baseline: Group, tolerances: Mapping[str, float]
) -> dict[str, Any] | None:
    found = score(one, name)
    if found is None:
        return None
    against = change_between(name, one, baseline, tolerances)
    return {
        **_estimate_json(found),
        "difference": _finite(against.difference),
        "standard_error": against.error,
        "verdict": against.verdict,
    }


def _estimate_json(found: Estimate) -> dict[str, Any]:
    return {"mean": _finite(found.mean), "standard_deviation": found.deviation, "runs": found.count}


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
