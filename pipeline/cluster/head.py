"""The head's part of a sweep on a Ray cluster: connecting, sending, taking reports and results in.

The nodes' part is in `node` and `job`. What both share is a Git remote and a DVC remote: results
come back through these, only words about them through Ray.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.base import files
from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.base.threads import repeated
from pipeline.cluster import checks, job, node
from pipeline.cluster.node import Board, Order
from pipeline.runs.reading import or_note
from pipeline.sweeps import plan
from pipeline.sweeps.clone import person
from pipeline.sweeps.experiment import accuracy, reference
from pipeline.sweeps.job import Job, Progress, progress_of

POLL_SECONDS = 0.3
CONNECT_SECONDS = 10
TOKEN_FILE = ".ray/auth_token"
Report = Callable[[Job, Progress], None]


def connect(settings: Mapping[str, Any]) -> None:
    """Connect this process to a running cluster, with these arguments of `ray.init`.

    Raises:
        InputError: no token, or no cluster at the address.
    """
    import ray

    address = os.environ.get("RAY_ADDRESS") or str(settings.get("address"))
    try:
        host, _, port = address.rpartition(":")
        if port.isdigit():
            # Ray itself tries for minutes.
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        ray.init(**settings)
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"no Ray cluster at {address}: {reason};"
            " start one (`ray start --head`), name another in RAY_ADDRESS, or check RAY_AUTH_TOKEN"
        ) from None


def _check_token(environment: Mapping[str, str]) -> None:
    if (mode := environment.get("RAY_AUTH_MODE", "token")) != "token":
        raise InputError(
            f"RAY_AUTH_MODE: received {mode}, expected token, with which the nodes are to be started too:"
            " without it whoever reaches a node can run anything there"
        )
    named = environment.get("RAY_AUTH_TOKEN") or environment.get("RAY_AUTH_TOKEN_PATH")
    if not named and not (Path.home() / TOKEN_FILE).is_file():
        raise InputError(
            "RAY_AUTH_TOKEN is not set; expected the token with which the nodes of the cluster were started"
        )


def check_processors(wanted: float) -> None:
    """Refuse jobs that no node is large enough for: Ray would let them wait for ever."""
    import ray

    largest = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if wanted > largest:
        raise InputError(
            f"hydra.launcher.ray.remote.num_cpus: received {wanted:g}, expected at most {largest:g}, what the"
            " largest node offers; set runtime.threads"
        )


@contextmanager
def opened(
    root: Path, sweep: str, start: str, settings: Mapping[str, Any], scratch: Path, report: Report
) -> Iterator[Callable[[Any], float]]:
    """Check, connect, and take reports and results in while the block runs.

    Args:
        root: the Git repository.
        sweep: its name.
        start: commit from which every job starts.
        settings: see `launcher_settings`.
        scratch: folder for the jobs' logs, `<experiment>.log`, and the current one inside the block, so
            that neither Ray nor Hydra leads a node to folders of this machine: the one adds it to the
            modules that jobs find, the other makes its `hydra.sweep.dir` on the node.
        report: called with each job's progress, from another thread.

    Yields:
        The task function for Hydra's launcher.

    Raises:
        InputError: see `checks.check` and `connect`.
    """
    remote = checks.check(root, start)
    _check_token(os.environ)
    # Before Ray is loaded, which reads it once: a client does without the token unless told.
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    # Ray reports its use to its makers unless told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray.cloudpickle

    for module in (node, plan):
        ray.cloudpickle.register_pickle_by_value(module)
    with contextlib.chdir(scratch):
        connect(settings["init"])
        try:
            check_processors(settings["remote"].get("num_cpus", 1))
            pull_finished(root, remote, start, sweep)
            board = open_board()

            def listen() -> None:
                take_in(root, remote, start, scratch, ray.get(board.take.remote()), report)

            with repeated(listen, POLL_SECONDS):
                yield task(order(root, remote, start, sweep), sweep, board)
        finally:
            ray.shutdown()


def launcher_settings(conf: Path, arguments: list[str]) -> dict[str, Any]:
    """`hydra.launcher.ray` as composed for a command line: `init` and `remote`, resolved."""
    from hydra import compose, initialize_config_dir
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    parsed = OverridesParser.create().parse_overrides(arguments)
    fixed = [str(override.input_line) for override in parsed if not override.is_sweep_override()]
    with initialize_config_dir(str(conf), version_base="1.3"):
        composed = compose("config", overrides=fixed, return_hydra_config=True)
    return OmegaConf.to_container(composed.hydra.launcher.ray, resolve=True)  # type: ignore[return-value]


def order(root: Path, remote: str, start: str, sweep: str) -> Order:
    """What every job of a sweep is sent, which starts from a commit."""
    folder = reference(root, "", start)
    names = git(root, "for-each-ref", "--format=%(refname:lstrip=4)", f"{folder}{sweep}-*").split()
    known = {name: found for name in names if (found := accuracy(root, name, start)) is not None}
    return Order(git(root, "remote", "get-url", remote), start, person(root), known)


def task(order: Order, sweep: str, board: Any) -> Callable[[Any], float]:
    """The function that Hydra's launcher sends to the nodes, complete in itself."""
    from omegaconf import OmegaConf

    # The launcher sends all resolvers along; this one needs modules that no node has.
    OmegaConf.clear_resolver("conf_digest")
    run, name = node.run, plan.experiment_name

    def sent(_: Any) -> float:
        from hydra.core.hydra_config import HydraConfig

        overrides = list(HydraConfig.get().overrides.task)
        return run(order, name(sweep, overrides), overrides, board)

    return sent


def open_board() -> Any:
    """Start a `Board` beside this process, so that no other node takes it along; return its handle."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(num_cpus=0, scheduling_strategy=here)(Board).remote()


def take_in(
    root: Path,
    remote: str,
    start: str,
    logs: Path,
    reports: list[tuple[str, dict[str, Any]]],
    report: Report,
) -> None:
    """Pass on a `Board`'s reports; of the jobs that ended write the logs and pull the experiments, in one go.

    Arguments are as in `opened`; `logs` is its `scratch`.
    """
    ended = {experiment: entry for experiment, entry in reports if entry.get("final")}
    for experiment, entry in reports:
        if not entry.get("final"):
            report(Job(experiment, entry["overrides"]), progress_of(entry))
    for experiment, entry in ended.items():
        if "log" in entry:
            files.write_text(logs / f"{experiment}.log", entry["log"])
    done = [name for name, entry in ended.items() if entry["state"] == "done"]
    trouble: list[str] = []
    or_note(trouble, pull, root, remote, [reference(root, name, start) for name in done])
    for experiment, entry in ended.items():
        last = progress_of(entry)
        if trouble and last.state == "done":
            last = replace(last, state="failed", log_end=trouble[0])
        report(Job(experiment, entry["overrides"]), last)


def pull(root: Path, remote: str, references: list[str]) -> None:
    """Pull experiments, by their references, and their artifacts; `InputError` when that cannot be done."""
    if references:
        job.dvc(root, "exp", "pull", remote, *references)


def pull_finished(root: Path, remote: str, start: str, sweep: str) -> None:
    """Pull the experiments of a sweep that an earlier run of it has pushed but not taken in.

    Raises:
        InputError: the remotes cannot be read.
    """
    pattern = f"{reference(root, sweep, start)}-*"
    there = [line.split()[1] for line in git(root, "ls-remote", remote, pattern).splitlines()]
    pull(root, remote, [ref for ref in there if accuracy(root, ref.rsplit("/", 1)[-1], start) is None])
