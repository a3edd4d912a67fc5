"""A file per stage of `dvc.yaml`, and what each of them runs in.

`python -m pipeline.stages.NAME` imports this first, before anything of the stage can fail. By then DVC has
deleted what the stage wrote the last time, so that comes back from DVC's cache at once: a stage that fails,
is interrupted or killed leaves the earlier results. DVC hashes dependencies and values after the command has
run (https://github.com/treeverse/dvc/issues/11058), so here they are compared with those of its start.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.base.errors import InputError, one_line_errors
from pipeline.base.processes import end_with, running_dvc


class Started:
    """The stage that DVC runs in this process, with the hashes of its dependencies at the start."""

    def __init__(self, name: str) -> None:
        from dvc.repo import Repo

        repo = Repo()
        # Files in Git are files, not links to the cache.
        repo.cache.local.cache_types = ["copy"]
        self.stage = repo.stage.load_one(name=name)
        self.put_back(missing_only=True)
        self.before: dict[str, Any] = {}

    def note(self) -> None:
        """Remember the hashes of now."""
        self.before = self._hashes()

    def put_back(self, *, missing_only: bool) -> None:
        """Check out the outputs of the last recorded run, as far as DVC's cache has them."""
        for out in self.stage.outs:
            out.use_cache = True
            if not (out.persist or (missing_only and out.exists) or out.changed_cache()):
                out.checkout(force=True)

    def changed(self) -> list[str]:
        """What differs from the start: values as `seed 5 -> 6`, paths of code and data."""
        now = self._hashes()
        return [name for path, old in self.before.items() for name in _differences(path, old, now[path])]

    def _hashes(self) -> dict[str, Any]:
        return {str(dep): _hash(dep) for dep in self.stage.deps}


def _hash(dependency: Any) -> Any:
    """DVC's hash of a file or folder, or the declared values of `params.yaml`; None where there is none."""
    from dvc.exceptions import DvcException

    try:
        return dependency.get_hash().value
    except (DvcException, OSError):
        return None


def _differences(path: str, old: Any, new: Any) -> list[str]:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [] if old == new else [path]
    changed = [key for key in old if old[key] != new.get(key)]
    return [f"{path}: {key} {old[key]!r} -> {new.get(key)!r}" for key in changed]


def _handle(handler: Callable[[int, Any], Any] | int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        # In the background a shell has processes ignore Ctrl-C.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _start() -> Started | None:
    """Put the outputs back; Ctrl-C waits for that, then, until `stage` begins, ends the process at once."""
    name = os.environ.get("DVC_STAGE")
    # Nobody edits the clone of a sweep's job, nor uses what a failed one leaves.
    if name is None or sys.argv[0] != "-m" or "FILTERSCOPE_JOB" in os.environ:
        return None
    waiting: list[int] = []
    _handle(lambda number, _: waiting.append(number))
    started = Started(name)
    if waiting:
        sys.exit(128 + waiting[0])
    _handle(lambda number, _: os._exit(128 + number))
    started.note()
    return started


@contextmanager
def stage() -> Iterator[None]:
    """What a stage runs in: errors of one line, its earlier outputs back when it fails, an end with its dvc.

    Raises:
        InputError: a dependency or value changed meanwhile, so that DVC would record what was not used.
    """
    _handle(signal.default_int_handler)
    if (dvc := running_dvc()) is not None:
        end_with(dvc, "the dvc that started this stage is gone; `dvc repro` continues it")
    with one_line_errors():
        try:
            yield
            if STARTED and (changed := STARTED.changed()):
                raise InputError(
                    f"{', '.join(changed)}: changed while {STARTED.stage.addressing} ran;"
                    " nothing was recorded, run `dvc repro`"
                )
        except BaseException:
            _handle(signal.SIG_IGN)
            if STARTED:
                STARTED.put_back(missing_only=False)
            raise


STARTED = _start()
