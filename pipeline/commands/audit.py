"""Whether a pinned package has a known hole, by a list in this repository and by pip-audit where it can ask.

    python -m pipeline.commands.audit docs/advisories.csv requirements.txt requirements-cluster.txt

`make audit` installs pip-audit, apart from everything else. Exit code 1: a package has a hole that a newer
version mends.
"""

import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError, one_line_errors
from pipeline.base.requirements import pinned

PIP_AUDIT = Path(".venv-audit/bin/pip-audit")
AUDIT_SECONDS = 300


@dataclass(frozen=True)
class Advisory:
    """A known hole: its package, the first version without it (or ""), its id, when noted (ISO), words."""

    package: str
    fixed: str
    id: str
    noted: str
    about: str


def read_advisories(path: Path) -> list[Advisory]:
    """The rows of the list."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [Advisory(**row) for row in csv.DictReader(stream)]


def below(pins: Mapping[str, str], advisories: Sequence[Advisory]) -> list[str]:
    """A line for each pin (version by name) that is older than a first version without a hole."""
    from packaging.version import Version

    return [
        f"{one.package} {pins[one.package]}: {one.about}; expected {one.fixed} or newer"
        for one in advisories
        if one.fixed and one.package in pins and Version(pins[one.package]) < Version(one.fixed)
    ]


def holes(report: Mapping[str, Any], accepted: set[str]) -> tuple[list[str], int]:
    """What pip-audit found, a line for each package, and how many packages it knows: it skips the others.

    Args:
        report: its JSON.
        accepted: ids of holes that are known to have no mend.
    """
    lines = []
    known = [one for one in report["dependencies"] if "skip_reason" not in one]
    for one in known:
        found = [hole for hole in one["vulns"] if not accepted & {hole["id"], *hole["aliases"]}]
        told = [f"{hole['id']} (mended in {', '.join(hole['fix_versions']) or 'none'})" for hole in found]
        lines += [f"{one['name']} {one['version']}: {', '.join(told)}"] if told else []
    return lines, len(known)


def ask(requirements: Path) -> dict[str, Any]:
    """Run pip-audit; `InputError` when it is not installed or has no answer."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(
            [PIP_AUDIT, *options, "--requirement", requirements],
            capture_output=True,
            text=True,
            timeout=AUDIT_SECONDS,
        )
        # Its exit code is 1 both for a hole and for no connection.
        return dict(json.loads(done.stdout))
    except FileNotFoundError:
        raise InputError("pip-audit is not installed") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"pip-audit had no answer after {AUDIT_SECONDS} s") from None
    except ValueError:
        lines = done.stderr.strip().splitlines()
        raise InputError(f"pip-audit had no answer ({lines[-1] if lines else 'nothing'})") from None


def audit(requirements: Path, advisories: Sequence[Advisory]) -> list[str]:
    """Check one file, print what was asked; a line for each hole that can be mended."""
    pins = pinned(requirements.read_text())
    found, accepted = below(pins, advisories), {one.id for one in advisories if not one.fixed}
    as_of = max(one.noted for one in advisories)
    try:
        more, known = holes(ask(requirements), accepted)
        asked = f"pip-audit knows {known} of them" + ("" if known else ", so the list alone was asked")
    except InputError as error:
        more, asked = [], f"{error}, so the list alone was asked"
    print(f"audit: {requirements}: {len(pins)} packages, list as of {as_of}; {asked}")
    return found + more


def main() -> None:
    """Audit the files that the command line names after the list."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    advisories = read_advisories(Path(sys.argv[1]))
    for one in advisories:
        if not one.fixed:
            print(f"audit: known and without a mend: {one.package}, {one.id}: {one.about}")
    found = [line for name in sys.argv[2:] for line in audit(Path(name), advisories)]
    if found:
        raise InputError("; ".join(dict.fromkeys(found)))


if __name__ == "__main__":
    with one_line_errors():
        main()
