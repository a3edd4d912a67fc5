"""What a branch, tag, commit or experiment is, by its name."""

import difflib
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.git import git

WORKSPACE = "workspace"
# DVC keeps each experiment at refs/exps/<2 hex>/<38 hex of its baseline>/<name>.
EXPERIMENT_REF = re.compile(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/(.+)")


@dataclass(frozen=True)
class Revision:
    """A state of the project.

    Attributes:
        name: as given: "workspace", or a branch, tag, commit or experiment.
        commit: 40 hexadecimal digits; None for the workspace.
        note: words for what had to be chosen where the name alone does not tell; else empty.
        baseline: of an experiment, the commit that it started from; else empty.
        time: of an experiment, when it was committed, in seconds since 1970; else 0.
    """

    name: str
    commit: str | None
    note: str = ""
    baseline: str = ""
    time: int = 0


def resolve(root: Path, name: str) -> Revision:
    """Find the revision of a name: the workspace, else what Git knows, else an experiment.

    An experiment's name that several baselines have means the one of the current commit, else the
    newest; `note` says so.

    Raises:
        InputError: nothing has that name; offers the closest names.
    """
    if name == WORKSPACE:
        return Revision(name, None)
    with suppress(InputError):
        commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return Revision(name, commit)
    same = [one for one in experiments(root) if one.name == name]
    if not same:
        raise InputError(_unknown(root, name))
    head = git(root, "rev-parse", "HEAD")
    chosen = max(same, key=lambda one: (one.baseline == head, one.time))
    if len(same) == 1:
        return chosen
    why = "the current commit's" if chosen.baseline == head else "the newest"
    note = f"{name}: {len(same)} experiments have this name; taken is {why}, {chosen.commit:.7}"
    return replace(chosen, note=note)


def _unknown(root: Path, name: str) -> str:
    branches = git(
        root, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"
    )
    known = [WORKSPACE, *branches.split(), *(one.name for one in experiments(root))]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        hint += "this clone is shallow: `git fetch --unshallow` gets earlier commits; "
    return (
        f"revision {name!r}: received a name that is neither workspace nor a branch, tag, commit or"
        f" experiment; {hint}`dvc exp list --all-commits` lists the experiments, `git branch --all` branches"
    )


def experiments(root: Path) -> list[Revision]:
    """All DVC experiments of the repository, by name."""
    form = "--format=%(objectname) %(committerdate:unix) %(refname)"
    found = []
    for line in git(root, "for-each-ref", form, "refs/exps").splitlines():
        commit, time, ref = line.split(" ", 2)
        if match := EXPERIMENT_REF.fullmatch(ref):
            found.append(Revision(match[3], commit, baseline=match[1] + match[2], time=int(time)))
    return sorted(found, key=lambda one: (one.name, one.time))
