"""What a revision of this project holds, read without checking it out.

A revision is the workspace, or anything that Git or DVC names: a branch, a tag, a commit, an
experiment. Files that Git tracks come from Git; outputs that DVC tracks from its cache or remote.
"""

import csv
import functools
import io
import json
import shutil
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.analysis.groups import Run, flatten, numbers
from pipeline.base.errors import InputError
from pipeline.base.git import git_bytes
from pipeline.network.checkpoint import Layer, read_layers
from pipeline.runs import earlier
from pipeline.runs.revisions import Revision

# The scores come from the code and data of these stages, but for what they make themselves.
SCORED_BY = ("train", "evaluate")
Found = TypeVar("Found")


def read(root: Path, revision: Revision | Run, path: str) -> bytes:
    """The content of a file that Git tracks (in the workspace: of the file as it is).

    Raises:
        InputError: the revision has no such file.
    """
    with suppress(InputError, OSError):
        if revision.commit is None:
            return (root / path).read_bytes()
        return git_bytes(root, "show", f"{revision.commit}:./{path}")
    raise InputError(_missing(revision, path))


def _missing(revision: Revision | Run, path: str) -> str:
    how = "run `dvc repro`" if revision.commit is None else "run `dvc repro` there and commit what it writes"
    return f"{revision.name} has no {path}: {how}"


def read_output(root: Path, revision: Revision | Run, path: str) -> bytes:
    """The content of a file that Git tracks, or else DVC's cache has (in the workspace: as it is).

    Raises:
        InputError: neither has it.
    """
    with suppress(InputError):
        return read(root, revision, path)
    if revision.commit is not None and (md5 := _md5(root, revision, path)):
        with suppress(FileNotFoundError):
            return (_cache(root) / md5[:2] / md5[2:]).read_bytes()
    raise InputError(_missing(revision, path))


def _md5(root: Path, revision: Revision | Run, path: str) -> str | None:
    """Of an output, as `dvc.lock` records it; a run knows it without reading that again."""
    if isinstance(revision, Run) and path in revision.outputs:
        return revision.outputs[path]
    return _digests((or_note([], _stages, root, revision) or {}).values(), "outs").get(path)


@functools.cache
def _cache(root: Path) -> Path:
    # Takes 0.2 s.
    from dvc.config import Config

    folder = Config(str(root / ".dvc"))["cache"].get("dir") or root / ".dvc" / "cache"
    return Path(folder) / "files" / "md5"


def _text(revision: Revision | Run, path: str, content: bytes) -> str:
    """Text without a conflict that Git left in it."""
    text = content.decode(errors="replace")
    if any(line.startswith("<<<<<<< ") for line in text.splitlines()):
        how = f"edit it, or `git checkout --ours {path}`"
        raise InputError(f"{path} of {revision.name} has a merge conflict: {how}")
    return text


def read_json(root: Path, revision: Revision | Run, path: str) -> Any:
    """A JSON file, from Git or DVC's cache; `InputError` when it is missing or damaged."""
    text = _text(revision, path, read_output(root, revision, path))
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"{path} of {revision.name} cannot be read as JSON: {error}") from None


def read_table(root: Path, revision: Revision | Run, path: str) -> list[dict[str, str]]:
    """The rows of a table with a header, `.csv` or `.tsv`; `InputError` when missing or uneven."""
    separator = "\t" if path.endswith(".tsv") else ","
    text = _text(revision, path, read(root, revision, path))
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        raise InputError(f"{path} of {revision.name} is not a table: {error}") from None
    # DictReader puts surplus values under None, and None where values are lacking.
    if any(None in row or None in row.values() for row in rows):
        raise InputError(f"{path} of {revision.name} is not a table: its rows differ in length")
    return rows


def read_history(root: Path, run: Run) -> dict[str, list[float]]:
    """The columns of a run's `history.tsv`, and `kept`: the epoch whose weights were kept, where known."""
    path = "reports/history.tsv"
    rows = read_table(root, run, path)
    try:
        columns = {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}
    except ValueError as error:
        raise InputError(f"{path} of {run.name} is not a table of numbers: {error}") from None
    kept = [value for name, value in run.metrics.items() if name == "kept_epoch"]
    return {**columns, "kept": kept} if columns else {}


def read_yaml(root: Path, revision: Revision | Run, path: str) -> dict[str, Any]:
    """A mapping in YAML, as DVC reads it; `InputError` when it is missing, damaged or in conflict."""
    text = _text(revision, path, read(root, revision, path))
    try:
        values = YAML(typ="safe").load(text)
    # A date that does not exist is a ValueError.
    except (YAMLError, ValueError) as error:
        raise InputError(f"{path} of {revision.name} cannot be read as YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} of {revision.name} holds a {type(values).__name__}, expected a mapping")
    return {str(key): value for key, value in values.items()}


def fetch_output(root: Path, revision: Revision | Run, path: str, folder: Path) -> Path:
    """A file that DVC tracks, from its cache or remote (in the workspace: the file itself).

    It is written below `folder`, one folder per commit.

    Raises:
        InputError: the revision has no such output, or neither cache nor remote holds it.
    """
    if revision.commit is None:
        if not (root / path).is_file():
            raise InputError(_missing(revision, path))
        return root / path
    target = folder / revision.commit / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(InputError):
        target.write_bytes(read_output(root, revision, path))
        return target
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

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


def read_network(root: Path, revision: Revision | Run, folder: Path) -> list[Layer]:
    """The layers of the best network, fetched to a folder; raises as `fetch_output` and `read_layers` do."""
    return read_layers(fetch_output(root, revision, "models/best.keras", folder), recorded=False)


def or_note(notes: list[str], read: Callable[..., Found], *arguments: Any) -> Found | None:
    """What a reading function gives; when that is an `InputError`, None, and a note of it is appended."""
    try:
        return read(*arguments)
    except InputError as error:
        notes.append(str(error))
        return None


def read_run(root: Path, revision: Revision) -> Run:
    """A revision's configuration, metrics, and the digests of its code and data; what it lacks is a note."""
    notes = [revision.note] if revision.note else []
    params = flatten(or_note(notes, read_yaml, root, revision, "params.yaml") or {})
    scores = or_note(notes, _read_scores, root, revision) or {}
    stages = or_note(notes, _stages, root, revision) or {}
    scored = [stages[name] for name in SCORED_BY if name in stages]
    outputs = _digests(scored, "outs")
    inputs = {path: md5 for path, md5 in _digests(scored, "deps").items() if path not in outputs}
    notes += _outdated(revision.name, params, scored)
    run = Run(revision.name, revision.commit, earlier.params(params), scores, inputs, outputs, notes=notes)
    # Runs of earlier versions have no such record, which is no fault of theirs.
    return replace(run, made_with=flatten(or_note([], read_json, root, run, "reports/made_with.json") or {}))


def _read_scores(root: Path, revision: Revision) -> dict[str, float]:
    return earlier.metrics(numbers(read_json(root, revision, "reports/metrics.json")))


def _stages(root: Path, revision: Revision | Run) -> dict[str, dict[str, Any]]:
    """What `dvc.lock` records of each stage."""
    return dict(read_yaml(root, revision, "dvc.lock").get("stages") or {})


def _digests(stages: Iterable[dict[str, Any]], kind: str) -> dict[str, str]:
    """MD5 by path of what stages of a `dvc.lock` depend on ("deps") or make ("outs")."""
    return {entry["path"]: entry.get("md5", "") for stage in stages for entry in stage.get(kind, [])}


def _outdated(name: str, params: dict[str, Any], stages: Iterable[dict[str, Any]]) -> list[str]:
    """A line when the stages ran with other parameters than `params.yaml` has now."""
    recorded: dict[str, Any] = {}
    for stage in stages:
        recorded |= flatten((stage.get("params") or {}).get("params.yaml") or {})
    keys = [key for key, value in recorded.items() if params and params.get(key) != value]
    if not keys:
        return []
    return [f"{name}: the scores are older than params.yaml ({', '.join(keys)} changed); run `dvc repro`"]
