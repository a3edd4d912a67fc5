"""Clones in which the experiments of a sweep run, so that nobody's files change meanwhile."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.sweeps.experiment import accuracy, reference, reported, run
from pipeline.sweeps.job import Job, Progress


def run_apart(
    job: Job, root: Path, scratch: Path, report: Callable[[Progress], None], commit: str
) -> Progress:
    """`run` in a clone of its own below `scratch`, then take the experiment over into `root`.

    Args:
        job: what to run.
        root: of the project, whose files are neither read nor written: the commit alone counts.
        scratch: folder for the log, `<experiment>.log`, and for the clone while the job runs.
        report: as for `run`.
        commit: to start from.
    """
    known = accuracy(root, job.experiment, commit)
    if known is not None:
        return reported(Progress("skipped", accuracy=known), report)
    folder = scratch / job.experiment
    last = Progress("running")
    try:
        clone(root, folder, commit)
        last = run(job, folder, scratch / f"{job.experiment}.log", report)
        if last.state == "done":
            collect(root, folder, job.experiment)
        return last
    except (InputError, OSError) as error:
        return reported(replace(last, state="failed", log_end=str(error)), report)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clone(root: Path, folder: Path, commit: str) -> None:
    """Make a clone of a commit that shares objects and DVC's cache with `root`; takes about 0.2 s.

    `dvc exp run` detaches HEAD and resets the files of its folder while it starts (also with `--temp`, which
    copies the clone once more). In a clone that happens to nobody's files, jobs start side by side, and one
    that was killed leaves nothing but a folder to delete.
    """
    from dvc.repo import Repo

    if folder.exists():
        shutil.rmtree(folder)
    # Local settings may hold what opens a remote: for this user alone.
    folder.mkdir(mode=0o700, parents=True)
    # Who commits may stand in the settings of this one repository alone.
    settings = [f"--config={name}={value}" for name, value in person(root).items()]
    options = ["--quiet", "--shared", "--no-tags", "--no-checkout", *settings]
    git(root, "clone", *options, str(root.resolve()), str(folder.resolve()))
    git(folder, "checkout", "--quiet", "--detach", git(root, "rev-parse", commit))
    site = {"core": {"site_cache_dir": str(private_site(root))}}
    with Repo(str(root), config=site) as outer:
        write_local_config(folder, outer.config.read("local"), Path(outer.cache.local_cache_dir))


def person(root: Path) -> dict[str, str]:
    """Git's settings of who commits, as far as there are any."""
    names = ("user.name", "user.email")
    return {name: value for name in names if (value := git(root, "config", "--default", "", name))}


def write_local_config(folder: Path, local: Any, cache: Path) -> None:
    """Give a clone the local settings of DVC of its origin, and its cache; its databases are its own."""
    from configobj import ConfigObj

    merged = ConfigObj(local)
    site = str(private_site(folder))
    merged.merge({"cache": {"dir": str(cache)}, "core": {"site_cache_dir": site}})
    # The keys of a remote may be in it.
    path = folder / ".dvc" / "config.local"
    path.touch(mode=0o600)
    path.chmod(0o600)
    with path.open("wb") as stream:
        merged.write(stream)


def private_site(root: Path) -> Path:
    """The folder of DVC's databases in a clone, which are pickles: made so that others cannot enter it.

    DVC itself would make it writable by everybody.
    """
    site = root.resolve() / ".site"
    (site / "repo").mkdir(parents=True, exist_ok=True)
    site.chmod(0o700)
    return site


def collect(root: Path, folder: Path, experiment: str) -> None:
    """Take an experiment over from a clone; raises `InputError` when that lacks it."""
    name = reference(folder, experiment)
    options = ["--quiet", "--no-write-fetch-head", "--no-tags"]
    git(root, "fetch", *options, str(folder.resolve()), f"{name}:{name}")
