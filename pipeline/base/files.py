"""Reading and writing, all of it atomic: a file is complete or not there.

Nothing written here carries a date, a time or a memory address, so that equal content is equal bytes.
"""

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there takes its place on success.

    Works for a file and for a folder (created empty when the block makes none). On an exception the
    temporary one is removed and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        # The suffix is kept: Keras and NumPy look at it.
        temporary = Path(folder) / path.name
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """`replaced` for a folder, which exists and is empty inside the block."""
    with replaced(path) as temporary:
        temporary.mkdir()
        yield temporary


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends."""
    with replaced(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON with two spaces of indent; NaN and infinity, which JSON lacks, raise ValueError."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_table(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], separator: str = ","
) -> None:
    """Write a table of separated values, one row a line; a value with the separator is quoted."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows([header, *rows])
    write_text(path, text.getvalue())


def read_json(path: Path) -> Any:
    """Read JSON; a missing or damaged file raises `InputError`."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(missing(path)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from None


def read_columns(path: Path) -> dict[str, list[float]]:
    """Read a tab-separated table of numbers as columns by name; a missing or damaged file raises."""
    try:
        header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
        columns = zip(*[map(float, row) for row in rows], strict=True)
        return dict(zip(header, map(list, columns), strict=True))
    except FileNotFoundError:
        raise InputError(missing(path)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a tab-separated table of numbers: {error}") from None


def missing(path: Path) -> str:
    """Words for a file that is not there, with what makes it."""
    return f"{path} is missing: run `dvc repro`, which makes what a stage needs before the stage"
