"""Compare runs: the workspace, branches, tags, commits, experiments.

    filterscope compare                        # HEAD against the workspace
    filterscope compare main hazy-sail --plot comparison
    filterscope compare main --fail-on-regression

Prints Markdown. The first revision is the baseline; one alone is compared with the workspace. Nothing is
checked out. Revisions that differ in nothing but their seed are shown as one, with mean and standard
deviation.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.analysis.groups import Group, Run, group
from pipeline.base.arrays import Array
from pipeline.base.errors import InputError, one_line_errors
from pipeline.runs import changes, reading, revisions
from pipeline.runs.reading import or_note
from pipeline.runs.tables import as_markdown


def compare(root: Path, names: Sequence[str]) -> list[Group]:
    """Read the revisions and group those that differ in nothing but their seed.

    Args:
        root: of the project.
        names: of the revisions, the baseline first; one is compared with the workspace, none means
            HEAD and the workspace.

    Raises:
        InputError: a revision is not there, or none holds anything to compare.
    """
    compared = [*(names or ["HEAD"]), *([revisions.WORKSPACE] if len(names) < 2 else [])]
    runs = [reading.read_run(root, revisions.resolve(root, name)) for name in compared]
    if not any(run.params or run.metrics for run in runs):
        raise InputError("; ".join(note for run in runs for note in run.notes))
    # Runs of which it is missing or damaged are compared without: by how many images there are.
    return group([replace(run, right=or_note([], _right, root, run)) for run in runs])


def _right(root: Path, run: Run) -> Array:
    """Which test images a run predicts right, in their order."""
    path = "reports/confusion.csv"
    rows = reading.read_table(root, run, path)
    if not rows or not {"actual", "predicted"} <= rows[0].keys():
        raise InputError(f"{path} of {run.name} is no table of actual and predicted classes")
    return np.array([row["actual"] == row["predicted"] for row in rows])


def fail_on_regression(groups: Sequence[Group]) -> None:
    """Exit with 1 when a score is worse, with 2 when one cannot be compared for it is of other data.

    That a mean is worse does not count where the verdict on it is "unclear"; a line says so.
    """
    lines = {
        "regression": changes.regressions(groups),
        "not compared": changes.on_other_data(groups),
        "unclear, so not counted": changes.not_counted(groups),
    }
    for name, found in lines.items():
        for line in found:
            print(f"{name}: {line}", file=sys.stderr)
    if lines["regression"] or lines["not compared"]:
        sys.exit(2 if lines["not compared"] else 1)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="filterscope compare", description="Compare runs, the first being the baseline."
    )
    parser.add_argument(
        "revisions", nargs="*", metavar="REV", help="workspace, branch, tag, commit or experiment"
    )
    parser.add_argument("--plot", type=Path, metavar="DIR", help="write pictures there")
    parser.add_argument(
        "--fail-on-regression",
        action="store_true",
        help="exit with 1 when a score on the validation images is worse than the baseline's by more than"
        " images and seeds explain, with 2 when one is of other data",
    )
    return parser.parse_args()


def main() -> None:
    """Compare, print, plot; fail on a regression when asked to."""
    asked = arguments()
    groups = compare(Path(), asked.revisions)
    print(as_markdown(groups))
    if asked.plot:
        # Matplotlib takes half of the time of a comparison without pictures.
        from pipeline.runs import plots

        for note in plots.write_plots(Path(), groups, asked.plot):
            print(f"--plot: {note}", file=sys.stderr)
    if asked.fail_on_regression:
        fail_on_regression(groups)


if __name__ == "__main__":
    with one_line_errors():
        main()
