"""Reading and writing, all of it atomic: a file is complete or not there, also after a power cut.

Nothing written here carries a date, a time or a memory address, so that equal content is equal bytes.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pipeline.base.errors import UNFINISHED, InputError, message


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; the file or folder written there takes its place on success.

    A killed process leaves it; the next one that writes `path` removes it, and Git ignores it.

    Raises:
        InputError: the disk is full, or cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The end of the name is kept: Keras and NumPy look at it.
    temporary = path.with_name(UNFINISHED + path.name)
    remove(temporary)
    try:
        yield temporary
        for written in (*temporary.rglob("*"), temporary):
            if written.is_file():
                with written.open("rb+") as stream:
                    os.fsync(stream.fileno())
        if path.is_dir():
            remove(path)
        temporary.replace(path)
    except Exception as raised:
        if (refused := _refused(raised)) is None:
            raise
        raise InputError(message(refused, path)) from None
    finally:
        remove(temporary)


def _refused(raised: BaseException | None) -> OSError | None:
    """What the system refused behind another error: `zipfile`, say, then complains of its own open handle."""
    if raised is None or isinstance(raised, InputError):
        return None
    if isinstance(raised, OSError) and raised.errno is not None:
        return raised
    return _refused(raised.__cause__ or raised.__context__)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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


def open_regular(path: Path) -> IO[bytes]:
    """Open a regular file to read; a pipe, which could wait for ever, a device or a folder is refused.

    Raises:
        InputError: it is something else, or cannot be opened.
        FileNotFoundError: it is not there.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: received a folder, a pipe or a device, expected a regular file")
        return path.open("rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(message(error, path)) from None


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes whole.

    Raises:
        InputError: it has more, is no regular file, or cannot be read.
        FileNotFoundError: it is not there.
    """
    with open_regular(path) as stream:
        try:
            # Python makes room for as many bytes as are asked for, be the file ever so small.
            content = stream.read(min(limit, os.fstat(stream.fileno()).st_size) + 1)
        except OSError as error:
            raise InputError(message(error, path)) from None
    if len(content) > limit:
        raise InputError(f"{path}: received more than {limit:,} bytes, expected no more")
    return content


def read_text(path: Path) -> str:
    """Read a text file that a stage wrote; where it is missing, `InputError` says what makes it."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(missing(path)) from None


def read_json(path: Path) -> Any:
    """Read JSON that a stage wrote."""
    return json.loads(read_text(path))


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a table of comma-separated values that a stage wrote, by the names of its columns."""
    return list(csv.DictReader(io.StringIO(read_text(path), newline="")))


def read_columns(path: Path) -> dict[str, list[float]]:
    """Read a tab-separated table of numbers that a stage wrote as columns by name."""
    header, *rows = [line.split("\t") for line in read_text(path).splitlines()]
    return {name: [float(row[place]) for row in rows] for place, name in enumerate(header)}


def missing(path: Path) -> str:
    """The message for a file that is not there, with what makes it."""
    return f"{path} is missing: run `dvc repro`, which makes what a stage needs before the stage"
