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
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pipeline import sweep_jobs, sweeps
from pipeline.config import InputError, one_line_errors
from pipeline.experiments import Job, git
from pipeline.hydra_plugins import filterscope  # noqa: F401  (registers what conf/ needs to be composed)
from pipeline.sweep_jobs import State

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("-m", "--multirun")


def job(cfg: DictConfig) -> float:
    """What Hydra calls for each combination, in this process or another one."""
    given = HydraConfig.get()
    overrides = list(given.overrides.task)
    one = Job(sweeps.experiment_name(given.job.name, overrides), overrides)
    return sweep_jobs.run(ROOT, ROOT / sweeps.SCRATCH / given.job.name, one)


@contextmanager
def task(plan: sweeps.Plan, folder: Path) -> Iterator[Callable[[DictConfig], float]]:
    """The function that Hydra's launcher runs for each job: `job`, or what it sends to a cluster."""
    if plan.launcher != "ray_cluster":
        yield job
        return
    from pipeline import cluster

    settings = cluster.launcher_settings(ROOT / "conf", plan.arguments)
    keep = functools.partial(sweep_jobs.keep, folder, sweep_jobs.owner(folder))
    with cluster.opened(ROOT, plan.name, sweep_jobs.start(folder), settings, folder, keep) as sent:
        yield sent


def sweep(plan: sweeps.Plan, start: str) -> list[State]:
    """Let Hydra run every job of a plan from a commit, show them, and return how each one ended."""
    folder = ROOT / sweeps.SCRATCH / plan.name
    with sweep_jobs.only_one(folder, start):
        where = folder.relative_to(ROOT)
        print(f"sweep {plan.name}: {plan.num_jobs} jobs, launcher {plan.launcher}; logs in {where}/")
        if start != git(ROOT, "rev-parse", "HEAD"):
            print(
                f"sweep {plan.name}: from commit {start[:8]}, which has its experiments and the same sources"
            )
        for remark in plan.remarks:
            print(f"sweep {plan.name}: {remark}")
        if not plan.jobs:
            _quieten_optuna()
        sys.argv[1:] = ["--multirun", *plan.arguments]
        with sweep_jobs.shown(folder, plan.jobs), task(plan, folder) as run:
            hydra.main(config_path=str(ROOT / "conf"), config_name="config", version_base="1.3")(run)()
        return sweep_jobs.read_states(folder, sweep_jobs.owner(folder), plan.jobs)


def _quieten_optuna() -> None:
    """Keep Optuna's own lines out of the table."""
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)


def conclude(name: str, start: str, states: list[State], seconds: float) -> None:
    """Print the closing table, write the answer, and fail if a job did."""
    from rich.console import Console

    Console(highlight=False).print(sweep_jobs.table(states))
    ended = {
        state: [s for s in states if s.progress.state == state] for state in (*sweep_jobs.OVER, "waiting")
    }
    counts = ", ".join(f"{len(jobs)} {state}" for state, jobs in ended.items() if jobs)
    print(f"sweep {name}: {counts}; {seconds:.0f} s")
    problems = []
    if bad := [s.job.experiment for s in states if s.progress.state not in ("done", "skipped")]:
        problems.append(
            f"{len(bad)} of {len(states)} jobs failed: {', '.join(bad)}; see {sweeps.SCRATCH}/{name}/"
        )
    try:
        if len(bad) < len(states):
            write_answer(name, start, states)
        else:
            problems += no_answer(name, len(states))
    except InputError as error:
        problems.append(str(error))
    if problems:
        raise InputError("; ".join(problems))


def write_answer(name: str, start: str, states: list[State]) -> None:
    """Tables and pictures of what the sweep found."""
    from pipeline import sweep_results

    jobs = [(s.job.experiment, s.job.overrides, s.progress.seconds or None) for s in states]
    folder = sweep_results.write_answer(ROOT, name, start, jobs)
    print(f"sweep {name}: {folder.relative_to(ROOT)}/summary.md")


def no_answer(name: str, num_jobs: int) -> list[str]:
    """Mark the answer of an earlier run, if there is one; words for it."""
    from pipeline import sweep_results

    folder = sweep_results.outdate(ROOT, name, num_jobs)
    return [f"{folder.relative_to(ROOT)}/ has an earlier run's answer, and says so"] if folder else []


def main() -> None:
    """Check, run, conclude."""
    given = [argument for argument in sys.argv[1:] if argument not in FLAGS]
    if any(argument.startswith("-") for argument in given) or not given:
        sys.exit(__doc__)
    started = time.monotonic()
    sweeps.check_repository(ROOT)
    plan = sweeps.plan(ROOT / "conf", given)
    start = sweeps.start(ROOT, plan.name)
    sweeps.check_disk(ROOT, plan.num_jobs, 1 if plan.launcher == "basic" else sweeps.num_cores())
    conclude(plan.name, start, sweep(plan, start), time.monotonic() - started)


if __name__ == "__main__":
    with one_line_errors():
        main()
