"""Reading and writing, all of it atomic: a file is complete or not there, also after a power cut.

Nothing written here carries a date, a time or a memory address, so that equal content is equal bytes.
"""

import contextlib
import csv
import fcntl
import glob
import io
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pipeline.base.errors import InputError, words

# What `temporary_folder` makes ends like this; ignored by Git.
UNFINISHED = ".unfinished"
MAX_TEXT_BYTES = 256 * 2**20
Described = Mapping[str, tuple[Callable[[Any], bool], str]]
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


@contextmanager
def temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    """Give an empty folder below `parent` that goes with the block, and remove those of killed processes.

    Each is locked while it is in use: one that can be locked by another process is a left one.

    Args:
        parent: is made when it is not there.
        name: what those have in common that are for the same thing.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(parent, name)
    folder = Path(tempfile.mkdtemp(prefix=f".{name}-", suffix=UNFINISHED, dir=parent))
    with opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_unfinished(parent: Path, name: str) -> None:
    """Remove the temporary folders of that name that killed processes left below `parent`."""
    for left in parent.glob(f".{glob.escape(name)}-*{UNFINISHED}"):
        # One that is in use cannot be locked.
        with contextlib.suppress(OSError), opened(left, os.O_NOFOLLOW | os.O_DIRECTORY) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def opened(path: Path, flags: int = 0) -> Iterator[int]:
    """The descriptor of a file or a folder, open to read, for calls that Python's files do not have."""
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def replaced_together(*paths: Path) -> Iterator[list[Path]]:
    """Give a temporary path for each; once all are written, and on disk, they take their places together.

    Each may become a file or a folder. On an exception the temporary ones are removed and all the
    others stay as they were.

    Raises:
        InputError: a disk is full or cannot be written to.
    """
    with contextlib.ExitStack() as stack, _one_line(paths):
        # Beside the path, so that it can be renamed; the suffix is kept: Keras and NumPy look at it.
        folders = [stack.enter_context(temporary_folder(path.parent, path.name)) for path in paths]
        pairs = [(folder / path.name, path) for folder, path in zip(folders, paths, strict=True)]
        yield [temporary for temporary, _ in pairs]
        for temporary, _ in pairs:
            for written in (*temporary.rglob("*"), temporary):
                sync(written)
        _take_places(pairs)
        for folder in {path.parent for path in paths}:
            sync(folder)


@contextmanager
def _one_line(paths: Sequence[Path]) -> Iterator[None]:
    """Tell what the system refuses with the path that was meant, not that of a temporary file."""
    try:
        yield
    except InputError:
        raise
    except Exception as raised:
        error = _refused(raised)
        if error is None:
            raise
        unnamed = paths[0] if error.filename is None else None
        meant = next((path for path in paths if f".{path.name}-" in str(error.filename)), unnamed)
        if meant is None:
            raise error from None
        raise InputError(words(OSError(error.errno, error.strerror), meant)) from None


def _refused(raised: BaseException | None) -> OSError | None:
    """The error of the system behind another: `zipfile`, say, then complains of its own open handle."""
    if raised is None or (isinstance(raised, OSError) and raised.errno is not None):
        return raised
    return _refused(raised.__cause__ or raised.__context__)


def _take_places(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Rename each first path to its second; when one cannot be, put back what the others replaced."""
    done: list[tuple[Path, Path]] = []
    try:
        for temporary, path in pairs:
            aside = temporary.with_name("earlier")
            # One file alone is replaced in a single step.
            if len(pairs) > 1 or path.is_dir():
                _keep(path, aside)
                done.append((aside, path))
            temporary.replace(path)
    except OSError:
        for aside, path in done:
            _put_back(aside, path)
        raise


def _keep(path: Path, aside: Path) -> None:
    """Have what is at `path`, if anything, at `aside` too; a folder there alone, being in one place only."""
    if path.is_dir() and not path.is_symlink():
        path.replace(aside)
    elif path.exists():
        try:
            aside.hardlink_to(path)
        except OSError:
            # A file system without hard links.
            path.replace(aside)


def _put_back(aside: Path, path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    if aside.exists():
        aside.replace(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have one file, or the names in one folder, on disk before returning."""
    with opened(path) as descriptor:
        os.fsync(descriptor)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there takes its place on success.

    Works for a file and for a folder; see `replaced_together`.
    """
    with replaced_together(path) as [temporary]:
        yield temporary


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
        # Not to wait for whoever writes into a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(words(error, path) if isinstance(error, OSError) else f"{path}: {error}") from None
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        received = KINDS.get(stat.S_IFMT(kind), "no file")
        raise InputError(f"{path}: received {received}, expected a regular file")
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes whole.

    Raises:
        InputError: it has more, is no regular file, or cannot be read.
        FileNotFoundError: it is not there.
    """
    with open_regular(path) as stream:
        try:
            content = stream.read(limit + 1)
        except OSError as error:
            raise InputError(words(error, path)) from None
    if len(content) > limit:
        raise InputError(f"{path}: received more than {limit:,} bytes, expected no more")
    return content


def read_json(path: Path) -> Any:
    """Read JSON; a missing or damaged file raises `InputError`."""
    with understood(path, "cannot be read as JSON"):
        return json.loads(read_bytes(path, MAX_TEXT_BYTES))


def read_mapping(path: Path, expected: Described, again: str) -> dict[str, Any]:
    """Read JSON that has some values by name.

    Args:
        path: of the file.
        expected: for each name whether a value is right (None where there is none), and words for that.
        again: what to do about a wrong one.

    Raises:
        InputError: it is missing, damaged, or a value is wrong.
    """
    found = read_json(path)
    for key, (holds, wanted) in expected.items():
        value = found.get(key) if isinstance(found, dict) else None
        if not holds(value):
            raise InputError(f"{path}: {key}: received {str(value)[:80]}, expected {wanted}; {again}")
    return found  # type: ignore[no-any-return]


def read_columns(path: Path) -> dict[str, list[float]]:
    """Read a tab-separated table of numbers as columns by name; a missing or damaged file raises."""
    with understood(path, "is not a tab-separated table of numbers"):
        lines = read_bytes(path, MAX_TEXT_BYTES).decode().splitlines()
        header, *rows = [line.split("\t") for line in lines]
        columns = zip(*[map(float, row) for row in rows], strict=True)
        return dict(zip(header, map(list, columns), strict=True))


@contextmanager
def understood(path: Path, complaint: str) -> Iterator[None]:
    """Tell in one line of a file that is not there or, after the complaint, what is wrong with it."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(missing(path)) from None
    except InputError:
        raise
    except RecursionError:
        raise InputError(f"{path} {complaint}: it is nested too deeply") from None
    except OSError as error:
        raise InputError(words(error, path)) from None
    except ValueError as error:
        raise InputError(f"{path} {complaint}: {error}") from None


def missing(path: Path) -> str:
    """Words for a file that is not there, with what makes it."""
    return f"{path} is missing: run `dvc repro`, which makes what a stage needs before the stage"
