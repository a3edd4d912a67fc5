"""What Hydra calls around a sweep: the checks before its first job, the result after its last."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from configobj import ConfigObj
from filelock import FileLock, Timeout
from hydra.core.utils import JobRuntime
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write
from omegaconf.errors import OmegaConfBaseException

from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.base.threads import repeated
from pipeline.config import composing
from pipeline.sweeps import cluster, planning, result
from pipeline.sweeps.job import Order, say

SCRATCH = ".sweeps"
REFRESH_SECONDS = 0.5


class Sweep(Callback):
    """Named in `sweeping/base.yaml`. What its jobs have in common travels to them in Hydra's `JobRuntime`."""

    def __init__(self) -> None:
        self.jobs: dict[str, list[str]] = {}
        self.at_work = ExitStack()

    def __reduce__(self) -> Any:
        # Hydra sends it to workers, which have no part in it, and to nodes, which lack this class.
        return Callback, ()

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Refuse a sweep of which any job is wrong; note what all jobs need to know."""
        with _ending_the_sweep():
            root = Path.cwd()
            planning.check_repository(root)
            # A job is composed from what is committed, maybe where there is no `conf/`.
            composing.fix_digests(root / "conf")
            with read_write(config):
                planning.complete(config)
                unwatched = self._named(root, config)
            name = config.hydra.job.name
            folder = root / SCRATCH / name
            self.at_work.enter_context(_alone(folder))
            if "ray" in config.hydra.launcher:
                cluster.pull(root, name)
            order = self._order(root, folder, config.hydra.sweeper.get("n_trials", 0))
            if "ray" in config.hydra.launcher:
                order = cluster.connected(root, order, config.hydra.launcher.ray)
            JobRuntime.instance().set("sweep", vars(order))
            say(f"sweep {name}: {order.num_jobs} jobs to run, {len(order.known)} are there; logs in {folder}")
            for data in unwatched:
                say(f"DVC does not watch {data}: experiments are named after what is in it now")
            self.at_work.enter_context(_epochs_shown(folder))

    def _named(self, root: Path, config: DictConfig) -> set[str]:
        """Name the sweep, and its jobs after it; return the data folders that DVC does not watch.

        A name that nobody chose gets a number where a result of other values has it.
        """
        first = name = planning.sweep_name(config)
        chosen = name == config.hydra.job.name or config.hydra.job.config_name != "base"
        head = git(root, "rev-parse", "HEAD")
        for number in itertools.count(2):
            config.hydra.job.name = name
            self.jobs, unwatched = planning.planned(root, config)
            there = [one.name for one in result.experiments_of(root, name, head)]
            try:
                result.check_values(root, name, list(self.jobs.values()), there)
                break
            except InputError:
                if chosen:
                    raise
            name = f"{first}-{number}"
        return unwatched

    def _order(self, root: Path, folder: Path, num_trials: int) -> Order:
        commit = git(root, "rev-parse", "HEAD")
        there = result.experiments_of(root, folder.name, commit)
        known = {one.name: result.accuracy(root, one) for one in there}
        left = len(self.jobs.keys() - known.keys()) if self.jobs else num_trials
        # Who commits may be set for this one repository alone.
        names = ("user.name", "user.email")
        person = {key: value for key in names if (value := git(root, "config", "--default", "", key))}
        settings = _settings(root) if left else ""
        places = str(root), commit, str(folder)
        return Order(folder.name, *places, settings, person, known, left, time.time(), os.getpid())

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Write the result; exit with code 1 when a job failed."""
        with _ending_the_sweep():
            self.at_work.close()
            root, order = Path.cwd(), Order(**noted())
            if "ray" in config.hydra.launcher:
                cluster.pull(root, order.sweep)
            there = {one.name: one for one in result.experiments_of(root, order.sweep, order.commit)}
            # Of a search each experiment, and each job that left a log.
            logs = (root / SCRATCH / order.sweep).glob("*.log")
            names = self.jobs or sorted({*there, *(path.stem for path in logs)})
            failed = {name: " ".join(self.jobs.get(name, [])) for name in names if name not in there}
            done = [there[name] for name in names if name in there]
            say(f"{len(done)} of {len(names)} jobs done, {time.time() - order.started:.0f} s")
            if done:
                problems = [f"`{name}` ({overrides}): its job failed" for name, overrides in failed.items()]
                say(result.write_result(root, order.sweep, done, problems))
            if failed:
                raise InputError(f"jobs failed: {', '.join(failed)}; the same command runs them again")


def noted() -> dict[str, Any]:
    """The fields of the `Order`, in whichever process; raises `KeyError` before the sweep has one."""
    return OmegaConf.to_container(JobRuntime.instance().get("sweep"))  # type: ignore[return-value]


@contextmanager
def _ending_the_sweep() -> Iterator[None]:
    """Exit on an exception, of which Hydra would make a warning."""
    try:
        yield
    except (InputError, HydraException, OmegaConfBaseException) as error:
        sys.exit(f"error: {error}")
    except Exception:
        traceback.print_exc()
        sys.exit(1)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Claim the folder of a sweep, and clear what a killed one left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            for left in folder.glob("*-*.*"):
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
            yield
    except Timeout:
        raise InputError(f"a sweep {folder.name} is at work; name this one by hydra.job.name=NAME") from None


def _settings(root: Path) -> str:
    """The local settings of DVC, which may have what opens a remote, and the path of the cache."""
    cache = subprocess.run(["dvc", "cache", "dir"], cwd=root, capture_output=True, text=True, check=True)
    local = root / ".dvc" / "config.local"
    settings = ConfigObj(local.read_text(encoding="utf-8").splitlines() if local.exists() else [])
    settings.merge({"cache": {"dir": cache.stdout.strip()}})
    return "\n".join(settings.write())


@contextmanager
def _epochs_shown(folder: Path) -> Iterator[None]:
    """Show on a terminal, while the block runs, the epoch of each job that trains in a clone in `folder`."""

    def show() -> None:
        shown = []
        for path in sorted(folder.glob("*/.train/progress.jsonl")):
            # It may be half written, or go away.
            with suppress(OSError, ValueError, LookupError):
                last = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
                shown.append(f"{path.parts[-3].partition('.')[0]} epoch {last['epoch']}/{last['epochs']}")
        print(f"\r\x1b[K{', '.join(shown)[:79]}", end="", flush=True)

    with repeated(show, REFRESH_SECONDS) if sys.stdout.isatty() else ExitStack():
        yield
