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
from pathlib import Path

from pipeline.analysis.groups import Group, group
from pipeline.base.errors import InputError, one_line_errors
from pipeline.runs import changes, reading, revisions
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
    return group(runs)


def fail_on_regression(groups: Sequence[Group]) -> None:
    """Exit with 1 when a score is worse, with 2 when one cannot be compared for it is of other data."""
    worse, other = changes.regressions(groups), changes.on_other_data(groups)
    for line in [*(f"regression: {line}" for line in worse), *(f"not compared: {line}" for line in other)]:
        print(line, file=sys.stderr)
    if worse or other:
        sys.exit(2 if other else 1)


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
        help="exit with 1 when a score on the validation images is worse than the baseline's, with 2 when"
        " one is of other data",
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
