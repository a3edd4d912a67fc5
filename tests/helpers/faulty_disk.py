"""A disk that fails, or a machine that dies, at a chosen call of those that change files.

Calls are counted where Python makes them: each opening, write, fsync, rename, link, folder made and
file or folder removed. After the machine's death no call reaches the disk, as after `kill -9`.
"""

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("fsync", "replace", "rename", "mkdir", "unlink", "remove", "rmdir", "link", "truncate")
# A stage makes at least so many of them; README.md has the total.
AT_LEAST = {"train": 155, "evaluate": 70}
REASONS = {"fsync": errno.EIO, "open": errno.EROFS}


class KilledError(BaseException):
    """The process is gone: nothing catches it, and nothing that would clean up reaches the disk."""


class FaultyDisk:
    """Counts calls, and at one of them fails or dies.

    Attributes:
        count: calls so far.
        last: name of the call that failed.
    """

    def __init__(self, at: int | None, dies: bool) -> None:
        self.count, self.last, self._at, self._dies, self.dead = 0, "", at, dies, False

    def call(self, name: str) -> None:
        """Count a call; raise when it is the one."""
        if self.dead:
            raise KilledError
        self.count += 1
        if self.count != self._at:
            return
        self.last = name
        if self._dies:
            self.dead = True
            raise KilledError
        reason = REASONS.get(name, errno.ENOSPC)
        raise OSError(reason, os.strerror(reason))


@contextmanager
def faulty_disk(at: int | None = None, *, dies: bool = False) -> Iterator[FaultyDisk]:
    """In this block, the call of that number (from 1) fails once, or everything dies with it."""
    disk = FaultyDisk(at, dies)
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.setattr(os, name, _counted(disk, name))
        opened = _opened(disk)
        patch.setattr(builtins, "open", opened)
        patch.setattr(io, "open", opened)
        yield disk


def _counted(disk: FaultyDisk, name: str) -> Callable[..., Any]:
    real = getattr(os, name)

    def call(*given: Any, **more: Any) -> Any:
        disk.call(name)
        return real(*given, **more)

    return call


def _opened(disk: FaultyDisk) -> Callable[..., Any]:
    real = io.open

    def opened(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, *rest: Any, **more: Any
    ):
        if isinstance(file, int) or not set(mode) & set("wax+"):
            return real(file, mode, buffering, encoding, *rest, **more)
        disk.call("open")
        raw = _Raw(disk, file, mode.replace("b", "").replace("t", ""), more.get("opener"))
        buffered = (_Random if "+" in mode else _Writer)(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding or "utf-8")

    return opened


class _Raw(io.FileIO):
    def __init__(self, disk: FaultyDisk, file: Any, mode: str, opener: Any) -> None:
        self._disk = disk
        super().__init__(file, mode, opener=opener)

    def write(self, content: Any) -> int | None:
        # What a buffer holds when the process dies is lost.
        if self._disk.dead:
            return len(memoryview(content).cast("B"))
        self._disk.call("write")
        return super().write(content)


class _Writer(io.BufferedWriter):
    def fileno(self) -> int:
        # NumPy writes past Python what has a number.
        if str(self.name).endswith((".npy", ".npz")):
            raise OSError("no number for NumPy")
        return super().fileno()


class _Random(io.BufferedRandom):
    pass
