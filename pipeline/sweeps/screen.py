"""The jobs of a sweep as a table on the screen, or as lines in a log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.threads import repeated
from pipeline.sweeps.job import OVER, Job, Progress
from pipeline.sweeps.states import REFRESH_SECONDS, read_states

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


@contextmanager
def shown(folder: Path, planned: Sequence[Job]) -> Iterator[None]:
    """Show the jobs while the block runs: a live table on a terminal, else a line for start and end."""
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    table_shown = Live(console=console, auto_refresh=False, transient=True)
    before: dict[str, str] = {}

    def show() -> None:
        states = read_states(folder, planned)
        for job, now in states:
            _announce(console, job, now, before.get(job.experiment, "waiting"))
            before[job.experiment] = now.state
        if console.is_terminal:
            # A screen may be too low for all of them.
            first = sorted(states, key=lambda state: state[1].state != "running")
            table_shown.update(table(first), refresh=True)

    with table_shown if console.is_terminal else nullcontext(), repeated(show, REFRESH_SECONDS):
        yield


def _announce(console: "Console", job: Job, now: Progress, before: str) -> None:
    """A line for a job that started or ended, where no table shows it; a failure's log in any case."""
    if now.state == before:
        return
    words = f"{job.experiment} {now.state}  {' '.join(job.overrides)}"
    if now.state == "failed":
        console.print(f"{words}\n{now.log_end}", markup=False, soft_wrap=True)
    elif not console.is_terminal:
        accuracy = f"  accuracy {now.accuracy:.4f}, {now.seconds:.0f} s" if now.state in OVER else ""
        console.print(words + accuracy, markup=False, soft_wrap=True)


def table(states: Sequence[tuple[Job, Progress]]) -> "Table":
    """Every job: experiment, overrides not shared by all, state, epoch, validation accuracy, seconds."""
    from rich.markup import escape
    from rich.table import Column, Table

    shared = set.intersection(*(set(job.overrides) for job, _ in states)) if len(states) > 1 else set()
    # Neither loses its end, which tells jobs apart, on a narrow screen.
    names = [Column(name, overflow="fold") for name in ("experiment", "overrides")]
    made = Table(*names, "state", "epoch", "accuracy", "seconds")
    for job, now in states:
        made.add_row(
            job.experiment,
            escape(" ".join(one for one in job.overrides if one not in shared)),
            now.state,
            f"{now.epoch}/{now.epochs}" if now.epoch else "",
            "" if now.accuracy is None else f"{now.accuracy:.4f}",
            f"{now.seconds:.0f}" if now.seconds else "",
        )
    return made
