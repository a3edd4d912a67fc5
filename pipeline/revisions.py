"""What a revision of this project holds, read without checking it out.

A revision is the workspace, or anything that Git or DVC names: a branch, a tag, a commit, an
experiment. Files that Git tracks come from Git; outputs that DVC tracks from its cache or remote.
"""

import csv
import difflib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pipeline.config import InputError

WORKSPACE = "workspace"
Found = TypeVar("Found")
# DVC keeps each experiment at refs/exps/<2 hex>/<38 hex of its baseline>/<name>.
EXPERIMENT_REF = re.compile(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/(.+)")


@dataclass(frozen=True)
class Revision:
    """A state of the project.

    Attributes:
        name: as given: "workspace", or a branch, tag, commit or experiment.
        commit: 40 hexadecimal digits; None for the workspace.
        note: words for what had to be chosen where the name alone does not tell; else empty.
    """

    name: str
    commit: str | None
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """One DVC experiment: its name, its commit, the commit that it started from, its time (seconds)."""

    name: str
    commit: str
    baseline: str
    time: int


def resolve(root: Path, name: str) -> Revision:
    """Find the revision of a name: the workspace, else what Git knows, else an experiment.

    An experiment's name that several baselines have means the one of the current commit, else the
    newest; `note` says so.

    Raises:
        InputError: nothing has that name; offers the closest names.
    """
    if name == WORKSPACE:
        return Revision(name, None)
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.returncode == 0:
        return Revision(name, found.stdout.decode().strip())
    same = [one for one in experiments(root) if one.name == name]
    if not same:
        raise InputError(_unknown(root, name))
    head = _git(root, "rev-parse", "HEAD").stdout.decode().strip()
    chosen = max(same, key=lambda one: (one.baseline == head, one.time))
    return Revision(name, chosen.commit, _choice(chosen, len(same), head))


def started_from(root: Path, start: str, name: str) -> Revision:
    """The experiment of a name that started from a commit, whatever else has that name.

    Raises:
        InputError: no experiment of that name started there.
    """
    found = _git(root, "rev-parse", "--verify", "--quiet", f"refs/exps/{start[:2]}/{start[2:]}/{name}")
    if found.returncode:
        raise InputError(f"experiment {name}: none of that name started from commit {start[:8]}")
    return Revision(name, found.stdout.decode().strip())


def _choice(chosen: Experiment, count: int, head: str) -> str:
    if count == 1:
        return ""
    why = "the current commit's" if chosen.baseline == head else "the newest"
    return f"{chosen.name}: {count} experiments have this name; taken is {why}, {chosen.commit[:7]}"


def _unknown(root: Path, name: str) -> str:
    inside = _git(root, "rev-parse", "--git-dir")
    if inside.returncode:
        return f"{root}: {inside.stderr.decode().strip()}; expected the folder of this project"
    listed = _git(
        root, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"
    )
    known = [WORKSPACE, *listed.stdout.decode().split(), *(one.name for one in experiments(root))]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return (
        f"revision {name!r}: received a name that is neither workspace nor a branch, tag, commit or"
        f" experiment; {hint}`dvc exp list --all-commits` lists the experiments, `git branch --all` branches"
    )


def experiments(root: Path) -> list[Experiment]:
    """All DVC experiments of the repository, by name."""
    form = "--format=%(objectname) %(committerdate:unix) %(refname)"
    found = []
    for line in _git(root, "for-each-ref", form, "refs/exps").stdout.decode().splitlines():
        commit, time, ref = line.split(" ", 2)
        if match := EXPERIMENT_REF.fullmatch(ref):
            found.append(Experiment(match[3], commit, match[1] + match[2], int(time)))
    return sorted(found, key=lambda one: (one.name, one.time))


def read(root: Path, revision: Revision, path: str) -> bytes:
    """The content of a file that Git tracks (in the workspace: of the file as it is).

    Raises:
        InputError: the revision has no such file.
    """
    if revision.commit is None:
        try:
            return (root / path).read_bytes()
        except OSError:
            raise InputError(_missing(revision, path)) from None
    shown = _git(root, "show", f"{revision.commit}:./{path}")
    if shown.returncode:
        raise InputError(_missing(revision, path))
    return shown.stdout


def _missing(revision: Revision, path: str) -> str:
    how = "run `dvc repro`" if revision.commit is None else "run `dvc repro` there and commit what it writes"
    return f"{revision.name} has no {path}: {how}"


def read_json(root: Path, revision: Revision, path: str) -> Any:
    """A JSON file; `InputError` when it is missing or damaged."""
    try:
        return json.loads(read(root, revision, path))
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{path} of {revision.name} cannot be read as JSON: {error}") from None


def read_table(root: Path, revision: Revision, path: str) -> list[dict[str, str]]:
    """The rows of a table with a header, `.csv` or `.tsv`; `InputError` when missing or uneven."""
    separator = "\t" if path.endswith(".tsv") else ","
    text = io.StringIO(read(root, revision, path).decode(errors="replace"))
    rows = list(csv.DictReader(text, delimiter=separator))
    # DictReader puts surplus values under None, and None where values are lacking.
    if any(None in row or None in row.values() for row in rows):
        raise InputError(f"{path} of {revision.name} is not a table: its rows differ in length")
    return rows


def read_columns(root: Path, revision: Revision, path: str) -> dict[str, list[float]]:
    """The columns of a table of numbers by name; `InputError` when missing or not of numbers."""
    rows = read_table(root, revision, path)
    try:
        return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}
    except ValueError as error:
        raise InputError(f"{path} of {revision.name} is not a table of numbers: {error}") from None


def read_params(root: Path, revision: Revision, path: str = "params.yaml") -> dict[str, Any]:
    """The configuration that the revision ran with, as nested mappings."""
    try:
        text = read(root, revision, path).decode()
        values = OmegaConf.to_container(OmegaConf.create(text), resolve=True)
    except InputError:
        raise
    except (YAMLError, OmegaConfBaseException, ValueError) as error:
        raise InputError(f"{path} of {revision.name} cannot be read as YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} of {revision.name} holds a {type(values).__name__}, expected sections")
    return {str(key): value for key, value in values.items()}


def fetch_output(root: Path, revision: Revision, path: str, folder: Path) -> Path:
    """A file that DVC tracks, from its cache or remote (in the workspace: the file itself).

    Importing DVC takes half a second, each revision 0.3 s.

    Args:
        root: of the project.
        revision: whose file it is.
        path: of the output, e.g. "models/best.keras".
        folder: to write to, one folder per commit.

    Returns:
        The file's path.

    Raises:
        InputError: the revision has no such output, or neither cache nor remote holds it.
    """
    if revision.commit is None:
        if not (root / path).is_file():
            raise InputError(_missing(revision, path))
        return root / path
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    target = folder / revision.commit / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(DVCFileSystem(str(root), rev=revision.commit)) as system:
            system.get_file(path, str(target))
    except (DvcException, OSError) as error:
        shutil.rmtree(folder / revision.commit)
        raise InputError(
            f"{path} of {revision.name} is neither in DVC's cache nor in its remote ({error}); for a branch"
            " `dvc fetch --all-branches` gets it, for an experiment `dvc exp pull`"
        ) from None
    return target


def or_note(notes: list[str], read: Callable[..., Found], *arguments: Any) -> Found | None:
    """What a reading function gives; when that is an `InputError`, None, and a note of it is appended."""
    try:
        return read(*arguments)
    except InputError as error:
        notes.append(str(error))
        return None


def _git(root: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
