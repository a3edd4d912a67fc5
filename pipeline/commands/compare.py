"""Compare runs: the workspace, branches, tags, commits, experiments.

    python -m pipeline.commands.compare                        # HEAD against the workspace
    python -m pipeline.commands.compare main hazy-sail --plot comparison
    python -m pipeline.commands.compare main --markdown --fail-on-regression

The first revision is the baseline; one alone is compared with the workspace. Nothing is checked out.
Revisions that differ in nothing but their seed are shown as one, with mean and standard deviation.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.analysis.groups import Group, group
from pipeline.base.errors import InputError, one_line_errors
from pipeline.runs import changes, reading, revisions
from pipeline.runs.tables import as_json, as_markdown, metrics_table, params_table, remarks, tolerance_text

NOT_COMPARABLE = 2
STYLES = {"better)": "bold blue", "worse)": "bold dark_orange"}


def compare(root: Path, names: Sequence[str]) -> list[Group]:
    """Read the revisions and group those that differ in nothing but their seed.

    Args:
        root: of the project.
        names: of the revisions, the baseline first; one is compared with the workspace, none means
            HEAD and the workspace.

    Raises:
        InputError: a revision is not there, or none holds anything to compare.
    """
    given = [*(names or ["HEAD"]), *([revisions.WORKSPACE] if len(names) < 2 else [])]
    runs = [reading.read_run(root, revisions.resolve(root, name)) for name in given]
    if not any(run.params or run.metrics for run in runs):
        raise InputError("; ".join(note for run in runs for note in run.notes))
    seen: Counter[str] = Counter()
    for number, run in enumerate(runs):
        seen[run.name] += 1
        if seen[run.name] > 1:
            runs[number] = replace(run, name=f"{run.name} ({seen[run.name]})")
    return group(runs)


def show(groups: Sequence[Group], tolerances: Mapping[str, float]) -> None:
    """Print what differs as tables, better in blue and worse in orange."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    tables = params_table(groups), metrics_table(groups, tolerances)
    for header, rows in tables:
        if not rows:
            continue
        table = Table()
        for number, label in enumerate(header):
            table.add_column(Text(label), overflow="fold", no_wrap=number == 0)
        for row in rows:
            table.add_row(*(Text(cell, STYLES.get(cell.split(" ")[-1], "")) for cell in row))
        console.print(table)
    for line in [*remarks(groups), tolerance_text(tolerances)]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def read_tolerances(given: Sequence[str]) -> dict[str, float]:
    """The tolerances by kind: "0.01" for every kind, "loss=0.05" for one.

    Raises:
        InputError: an unknown kind, or not a number of 0 or more.
    """
    tolerances = dict(changes.TOLERANCES)
    for entry in given:
        kind, _, text = entry.rpartition("=")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if (kind and kind not in tolerances) or not (math.isfinite(value) and value >= 0):
            expected = f"a number of 0 or more, or KIND=NUMBER with KIND one of {', '.join(tolerances)}"
            raise InputError(f"--tolerance: received {entry!r}, expected {expected}")
        tolerances.update({kind: value} if kind else dict.fromkeys(tolerances, value))
    return tolerances


def fail_on_regression(groups: Sequence[Group], tolerances: Mapping[str, float]) -> None:
    """Exit with 1 when a score is worse, with 2 when one cannot be told for it is of other data."""
    worse, other = changes.regressions(groups, tolerances), changes.on_other_data(groups)
    for line in [*(f"regression: {line}" for line in worse), *(f"not compared: {line}" for line in other)]:
        print(line, file=sys.stderr)
    if worse or other:
        sys.exit(NOT_COMPARABLE if other else 1)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.commands.compare", description="Compare runs, the first being the baseline."
    )
    parser.add_argument(
        "revisions", nargs="*", metavar="REV", help="workspace, branch, tag, commit or experiment"
    )
    parser.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="[KIND=]VALUE",
        help="largest change that is neither better nor worse; default"
        f" {', '.join(f'{kind}={value:g}' for kind, value in changes.TOLERANCES.items())}",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON instead of tables")
    form.add_argument("--markdown", action="store_true", help="print Markdown instead of tables")
    parser.add_argument("--plot", type=Path, metavar="DIR", help="write pictures there")
    parser.add_argument(
        "--fail-on-regression",
        action="store_true",
        help="exit with 1 when a score on the validation images is worse than the baseline's, with 2 when"
        " one is of other data",
    )
    return parser.parse_args()


def main() -> None:
    """Compare, print, plot; fail on a regression when asked to."""
    given = arguments()
    tolerances = read_tolerances(given.tolerance)
    root = Path()
    groups = compare(root, given.revisions)
    if given.json:
        print(as_json(groups, tolerances))
    elif given.markdown:
        print(as_markdown(groups, tolerances))
    else:
        show(groups, tolerances)
    if given.plot:
        # Matplotlib takes half of the time of a comparison without pictures.
        from pipeline.runs import plots

        for note in plots.write_plots(root, groups, given.plot):
            print(f"--plot: {note}", file=sys.stderr)
    if given.fail_on_regression:
        fail_on_regression(groups, tolerances)


if __name__ == "__main__":
    with one_line_errors():
        main()
