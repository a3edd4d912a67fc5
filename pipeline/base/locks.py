"""Locks between processes, held by an open file: whatever ends a process sets its locks free."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.base.errors import InputError


@contextmanager
def claimed(path: Path, refusal: Callable[[str], str], *more: str) -> Iterator[None]:
    """Hold a lock, or refuse at once when another process does.

    Args:
        path: of the lock; holds the process id of its last holder, and `more`, apart by blanks.
        refusal: words for the error, made from the process id of the holder.
        more: what to keep in the file besides.

    Raises:
        InputError: another process holds the lock.
    """
    with _locked(path, refusal) as lock:
        lock.truncate(0)
        lock.write(" ".join([str(os.getpid()), *more]))
        lock.flush()
        yield


def _locked(path: Path, refusal: Callable[[str], str]) -> IO[str]:
    """The file of a lock, open and locked, and still at its path: a holder may remove it at its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        lock = path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            # In the moment before it has left its number, there is none.
            process = next(iter(lock.read().split()), "of no number yet")
            lock.close()
            raise InputError(refusal(process)) from None
        if _is_at(path, lock):
            return lock
        lock.close()


def _is_at(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def holder(path: Path) -> list[str]:
    """What the last holder of a lock left in it: its process id, and what it kept besides."""
    return path.read_text().split()


@contextmanager
def awaited(path: Path) -> Iterator[None]:
    """Hold a lock, once no other process does."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
