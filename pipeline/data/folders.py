"""The contents of a user's folder, and whether they change while it is read."""

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.base.errors import InputError, message

# What systems leave in folders of pictures, besides hidden files.
LEFT_BY_SYSTEMS = ("__macosx", "thumbs.db", "desktop.ini")
# train/class/image
DEPTH = 3
NUM_NAMED = 3
# Size in bytes and time of change of files.
Listing = dict[Path, tuple[int, int]]


def visible(folder: Path) -> list[Path]:
    """The contents of a folder, by name, without hidden files and those of the system.

    Raises:
        InputError: the folder cannot be read, or a name in it is no UTF-8.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if not _passed_over(path.name))
    except OSError as error:
        raise InputError(message(error, folder)) from None
    for path in paths:
        if path.name.encode(errors="ignore").decode() != path.name:
            raise InputError(f"{folder}: received the name {path.name!a}, expected UTF-8; rename it")
    return paths


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in LEFT_BY_SYSTEMS


def listing(folder: Path | None, depth: int = DEPTH) -> Listing:
    """The files in a folder and in those in it, also behind links; none where there is no such folder."""
    files: Listing = {}
    for path in visible(folder) if folder is not None and folder.is_dir() else ():
        if path.is_dir():
            files |= listing(path, depth - 1) if depth > 1 else {}
            continue
        # A link to nothing, or a file that is gone by now.
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            files[path] = status.st_size, status.st_mtime_ns
    return files


def links_out_of(folder: Path, external: Path, depth: int = DEPTH - 1) -> list[Path]:
    """The folders in a folder, and in those, that are links to somewhere outside of `external`."""
    inside = [path for path in visible(folder) if path.is_dir()] if folder.is_dir() else []
    found = []
    for path in inside:
        if not is_watched(path, external):
            found.append(path)
        elif depth > 1:
            found += links_out_of(path, external, depth - 1)
    return found


def is_watched(path: Path, external: Path) -> bool:
    """Whether a path leads into `external`, where DVC notices changes."""
    return path.resolve().is_relative_to(external.resolve())


def named(paths: Sequence[Path]) -> str:
    """The first three paths, and how many more there are."""
    more = len(paths) - NUM_NAMED
    return ", ".join(map(str, paths[:NUM_NAMED])) + (f" and {more:,} more" if more > 0 else "")


@contextmanager
def unchanged(folder: str | None) -> Iterator[None]:
    """Refuse a folder in which files are added, removed or written during the block, wherever it lies."""
    root = None if folder is None else Path(folder).expanduser()
    before = listing(root)
    yield
    after = listing(root)
    counts = {
        "more": len(after.keys() - before.keys()),
        "fewer": len(before.keys() - after.keys()),
        "changed": sum(before[path] != after[path] for path in before.keys() & after.keys()),
    }
    if changes := ", ".join(f"{count} files {kind}" for kind, count in counts.items() if count):
        raise InputError(
            f"{folder} changed while fetch read it ({changes}); nothing was recorded, run `dvc repro`"
        )
