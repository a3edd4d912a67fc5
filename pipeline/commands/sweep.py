"""Run the pipeline over many configurations, each one a DVC experiment.

    python -m pipeline.commands.sweep -m 'model.filters=[8,16],[16,32],[32,64],[64,128]' seed=1,2,3
    python -m pipeline.commands.sweep -m hydra/launcher=joblib seed=1,2,3          # side by side
    python -m pipeline.commands.sweep -m hydra/launcher=ray_cluster seed=1,2,3     # docs/cluster.md
    python -m pipeline.commands.sweep -m hydra/sweeper=optuna hydra.sweeper.n_trials=6 \\
        'model.filters=choice([8,16],[16,32])' 'train.learning_rate=interval(0.0005,0.01)'

Overrides are Hydra's. Each combination becomes the experiment `<sweep>-<digest>`, made from a commit in a
clone, so this folder may be worked in meanwhile. The commit is HEAD, or an earlier one with the same sources
that has experiments of this sweep: started again, it runs what is not there yet. Logs and states lie in
`.sweeps/<sweep>/`, the answer in `reports/sweeps/<sweep>/`.
"""

import functools
import logging
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pipeline.base.errors import InputError, one_line_errors
from pipeline.base.git import git
from pipeline.hydra_plugins import filterscope  # noqa: F401  (registers what conf/ needs to be composed)
from pipeline.sweeps import checks, plan, screen, states
from pipeline.sweeps.job import OVER, Job, Progress

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("-m", "--multirun")


def job(cfg: DictConfig) -> float:
    """What Hydra calls for each combination, in this process or another one."""
    given = HydraConfig.get()
    overrides = list(given.overrides.task)
    one = Job(plan.experiment_name(given.job.name, overrides), overrides)
    return states.run(ROOT, ROOT / checks.SCRATCH / given.job.name, one)


@contextmanager
def task(planned: plan.Plan, folder: Path) -> Iterator[Callable[[DictConfig], float]]:
    """The function that Hydra's launcher runs for each job: `job`, or what it sends to a cluster."""
    if planned.launcher != "ray_cluster":
        yield job
        return
    from pipeline.cluster import head

    settings = head.launcher_settings(ROOT / "conf", planned.arguments)
    keep = functools.partial(states.keep, folder, states.owner(folder))
    with head.opened(ROOT, planned.name, states.start(folder), settings, folder, keep) as sent:
        yield sent


def sweep(planned: plan.Plan, start: str) -> list[tuple[Job, Progress]]:
    """Let Hydra run every job of a plan from a commit, show them, and return how each one ended."""
    folder = ROOT / checks.SCRATCH / planned.name
    with states.only_one(folder, start):
        jobs = f"{planned.num_jobs} jobs, launcher {planned.launcher}"
        remarks = [f"{jobs}; logs in {folder.relative_to(ROOT)}/"]
        if start != git(ROOT, "rev-parse", "HEAD"):
            remarks.append(f"from commit {start[:8]}, which has its experiments and the same sources")
        for remark in [*remarks, *planned.remarks]:
            print(f"sweep {planned.name}: {remark}")
        if not planned.jobs:
            import optuna

            # Its own lines would stand in the table.
            optuna.logging.set_verbosity(logging.WARNING)
        sys.argv[1:] = ["--multirun", *planned.arguments]
        with screen.shown(folder, planned.jobs), task(planned, folder) as run, plugin_errors():
            hydra.main(config_path=str(ROOT / "conf"), config_name="config", version_base="1.3")(run)()
        return states.read_states(folder, planned.jobs)


@contextmanager
def plugin_errors() -> Iterator[None]:
    """Tell in one line what a launcher or sweeper says of settings that it refuses; it raises what it likes.

    What this project's own code raises keeps its traceback.
    """
    # Else Hydra prints what was raised, and exits.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    except (InputError, OSError, MemoryError):
        raise
    except Exception as error:
        raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
        if Path(raised_in).is_relative_to(ROOT / "pipeline"):
            raise
        told = f"{type(error).__name__}: {error}"
        raise InputError(f"a launcher or sweeper of Hydra refuses: {told}; mend its settings") from None


def conclude(name: str, start: str, ended: list[tuple[Job, Progress]], seconds: float) -> None:
    """Print the closing table, write the answer, and fail if a job did."""
    from rich.console import Console

    Console(highlight=False).print(screen.table(ended))
    counts = Counter(last.state for _, last in ended)
    told = ", ".join(f"{counts[state]} {state}" for state in (*OVER, "waiting") if counts[state])
    print(f"sweep {name}: {told}; {seconds:.0f} s")
    problems = []
    if bad := [job.experiment for job, last in ended if last.state not in ("done", "skipped")]:
        problems.append(
            f"{len(bad)} of {len(ended)} jobs failed: {', '.join(bad)}; see {checks.SCRATCH}/{name}/"
        )
    # With Matplotlib, for which the table is not to wait.
    from pipeline.sweeps import answer

    try:
        if len(bad) < len(ended):
            jobs = [(job.experiment, job.overrides, last.seconds or None) for job, last in ended]
            folder = answer.write_answer(ROOT, name, start, jobs)
            print(f"sweep {name}: {folder.relative_to(ROOT)}/summary.md")
        elif outdated := answer.outdate(ROOT, name, len(ended)):
            problems.append(f"{outdated.relative_to(ROOT)}/ has an earlier run's answer, and says so")
    except InputError as error:
        problems.append(str(error))
    if problems:
        raise InputError("; ".join(problems))


def main() -> None:
    """Check, run, conclude."""
    given = [argument for argument in sys.argv[1:] if argument not in FLAGS]
    if any(argument.startswith("-") for argument in given) or not given:
        sys.exit(__doc__)
    started = time.monotonic()
    checks.check_repository(ROOT)
    planned = plan.plan(ROOT / "conf", given)
    start = checks.start(ROOT, planned.name)
    checks.check_disk(ROOT, planned.num_jobs, 1 if planned.launcher == "basic" else checks.num_cores())
    conclude(planned.name, start, sweep(planned, start), time.monotonic() - started)


if __name__ == "__main__":
    with one_line_errors():
        main()
