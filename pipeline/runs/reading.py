"""What a revision of this project holds, read without checking it out.

A revision is the workspace, or anything that Git or DVC names: a branch, a tag, a commit, an
experiment. Files that Git tracks come from Git; outputs that DVC tracks from its cache or remote.
"""

import csv
import io
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf

from pipeline.analysis.groups import Run, flatten, numbers
from pipeline.base.errors import InputError
from pipeline.network.checkpoint import Layer, read_layers
from pipeline.runs.revisions import Revision, run_git

# What the scores come from: these stages' code and data, apart from what they make themselves.
SCORED_BY = ("train", "evaluate")
Found = TypeVar("Found")


def read(root: Path, revision: Revision | Run, path: str) -> bytes:
    """The content of a file that Git tracks (in the workspace: of the file as it is).

    Raises:
        InputError: the revision has no such file.
    """
    if revision.commit is None:
        with suppress(OSError):
            return (root / path).read_bytes()
    elif not (shown := run_git(root, "show", f"{revision.commit}:./{path}")).returncode:
        return shown.stdout
    raise InputError(_missing(revision, path))


def _missing(revision: Revision | Run, path: str) -> str:
    how = "run `dvc repro`" if revision.commit is None else "run `dvc repro` there and commit what it writes"
    return f"{revision.name} has no {path}: {how}"


def read_json(root: Path, revision: Revision | Run, path: str) -> Any:
    """A JSON file; `InputError` when it is missing or damaged."""
    content = read(root, revision, path)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} of {revision.name} cannot be read as JSON: {error}") from None


def read_table(root: Path, revision: Revision | Run, path: str) -> list[dict[str, str]]:
    """The rows of a table with a header, `.csv` or `.tsv`; `InputError` when missing or uneven."""
    separator = "\t" if path.endswith(".tsv") else ","
    text = io.StringIO(read(root, revision, path).decode(errors="replace"))
    try:
        rows = list(csv.DictReader(text, delimiter=separator))
    except csv.Error as error:
        raise InputError(f"{path} of {revision.name} is not a table: {error}") from None
    # DictReader puts surplus values under None, and None where values are lacking.
    if any(None in row or None in row.values() for row in rows):
        raise InputError(f"{path} of {revision.name} is not a table: its rows differ in length")
    return rows


def read_columns(root: Path, revision: Revision | Run, path: str) -> dict[str, list[float]]:
    """The columns of a table of numbers by name; `InputError` when missing or not of numbers."""
    rows = read_table(root, revision, path)
    try:
        return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}
    except ValueError as error:
        raise InputError(f"{path} of {revision.name} is not a table of numbers: {error}") from None


def read_history(root: Path, run: Run) -> dict[str, list[float]]:
    """The columns of a run's `history.tsv`, and `kept`: the epoch whose weights are, where it is known."""
    columns = read_columns(root, run, "reports/history.tsv")
    kept = [value for name, value in run.metrics.items() if name == "best_epoch"]
    return {**columns, "kept": kept} if columns else {}


def read_params(root: Path, revision: Revision | Run, path: str = "params.yaml") -> dict[str, Any]:
    """The configuration that the revision ran with, as nested mappings."""
    content = read(root, revision, path)
    try:
        values = OmegaConf.to_container(OmegaConf.create(content.decode()), resolve=True)
    # OmegaConf hands on what Python's own constructors say of a value, as in `config.params`.
    except Exception as error:
        raise InputError(f"{path} of {revision.name} cannot be read as YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} of {revision.name} holds a {type(values).__name__}, expected sections")
    return {str(key): value for key, value in values.items()}


def fetch_output(root: Path, revision: Revision | Run, path: str, folder: Path) -> Path:
    """A file that DVC tracks, from its cache or remote (in the workspace: the file itself).

    It is written below `folder`, one folder per commit. Importing DVC takes half a second, each revision
    0.3 s.

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
    params = or_note(notes, read_params, root, revision) or {}
    scores = or_note(notes, _read_scores, root, revision) or {}
    lock = or_note(notes, read_params, root, revision, "dvc.lock") or {}
    flat, inputs, outputs = flatten(params), {}, {}
    try:
        stages = [(lock.get("stages") or {}).get(stage) or {} for stage in SCORED_BY]
        outputs = _digests(stages, "outs")
        inputs = {path: md5 for path, md5 in _digests(stages, "deps").items() if path not in outputs}
        notes += _outdated(revision.name, flat, stages)
    # Any part of it may be of another kind.
    except (AttributeError, KeyError, TypeError, ValueError):
        notes.append(f"dvc.lock of {revision.name} is none that DVC wrote; run `dvc repro`")
    # Runs of earlier versions have no such record, which is no fault of theirs.
    used = or_note([], read_json, root, revision, "reports/made_with.json")
    used = flatten(used) if isinstance(used, dict) else {}
    return Run(revision.name, revision.commit, flat, scores, inputs, outputs, used, notes)


def _read_scores(root: Path, revision: Revision) -> dict[str, float]:
    path = "reports/metrics.json"
    found = read_json(root, revision, path)
    if not isinstance(found, dict):
        raise InputError(f"{path} of {revision.name} holds no scores by name; run `dvc repro evaluate`")
    return numbers(found)


def _digests(stages: Sequence[dict[str, Any]], kind: str) -> dict[str, str]:
    """MD5 by path of what stages of a `dvc.lock` depend on ("deps") or make ("outs")."""
    return {
        str(entry["path"]): str(entry.get("md5", "")) for stage in stages for entry in stage.get(kind, [])
    }


def _outdated(name: str, params: dict[str, Any], stages: Sequence[dict[str, Any]]) -> list[str]:
    """A line when the stages ran with other parameters than `params.yaml` has now."""
    recorded: dict[str, Any] = {}
    for stage in stages:
        recorded |= flatten((stage.get("params") or {}).get("params.yaml") or {})
    keys = [key for key, value in recorded.items() if params and params.get(key) != value]
    if not keys:
        return []
    return [f"{name}: the scores are older than params.yaml ({', '.join(keys)} changed); run `dvc repro`"]
