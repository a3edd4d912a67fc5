"""The head's part of a sweep on a Ray cluster: checks, connecting, taking reports and results in.

The nodes' part is in `nodes` and `node_job`. What both share is a Git remote and a DVC remote: results
come back through these, only words about them through Ray.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from pipeline import experiments, files, node_job, nodes
from pipeline.config import InputError
from pipeline.experiments import Progress, git
from pipeline.nodes import Order

POLL_SECONDS = 0.3
TOKEN_FILE = ".ray/auth_token"
Report = Callable[[str, Progress], None]


def check(root: Path) -> Order:
    """Refuse a sweep whose code or data the nodes could not get; takes some seconds.

    Args:
        root: the Git repository; what is to be swept is committed.

    Returns:
        What the nodes clone.

    Raises:
        InputError: no Git remote, HEAD is not pushed, no DVC remote that nodes reach, or the prepared
            data is not there.
    """
    remote = git_remote(root)
    commit = git(root, "rev-parse", "HEAD")
    _check_pushed(root, remote, commit)
    _check_dvc_remote(root)
    _check_data(root)
    person = {name: git(root, "config", "--default", "", name) for name in ("user.name", "user.email")}
    url = git(root, "remote", "get-url", remote)
    return Order(url, commit, {name: value for name, value in person.items() if value})


def git_remote(root: Path) -> str:
    """The Git remote of the branch that is checked out, or else `origin`."""
    branch = git(root, "branch", "--show-current")
    remote = git(root, "config", "--default", "origin", f"branch.{branch}.remote")
    if remote not in git(root, "remote").split():
        raise InputError(
            f"{root} has no Git remote {remote}, expected one that every node reaches:"
            f" `git remote add {remote} URL`, then `git push`"
        )
    return remote


def _check_pushed(root: Path, remote: str, commit: str) -> None:
    git(root, "fetch", "--quiet", "--no-tags", remote)
    if not git(root, "branch", "--remotes", "--list", f"{remote}/*", "--contains", commit):
        raise InputError(
            f"commit {commit[:8]} is not on the Git remote {remote}, where nodes take it from:"
            f" `git push {remote} HEAD`"
        )


def _check_dvc_remote(root: Path) -> None:
    """Nodes have what is committed: `.dvc/config`, not `.dvc/config.local`."""
    from configobj import ConfigObj

    committed = ConfigObj(git(root, "show", "HEAD:.dvc/config").splitlines())
    name = committed.get("core", {}).get("remote")
    remote = next((committed[key] for key in committed if name and key in _section_names(name)), None)
    if remote is None or "url" not in remote:
        raise InputError(
            "the committed .dvc/config has no default remote, where nodes take the data from:"
            " `dvc remote add --default NAME URL`, then commit .dvc/config and `dvc push`"
        )
    url = remote["url"]
    if "://" not in url and not Path(url).is_absolute():
        raise InputError(
            f"DVC remote {name}: received the relative folder {url}, which each clone would have for itself;"
            " expected an address or an absolute path that every node reaches"
        )


def _section_names(remote: str) -> tuple[str, ...]:
    return f'remote "{remote}"', f"'remote \"{remote}\"'"


def _check_data(root: Path) -> None:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    stages = node_job.DATA_STAGES
    try:
        with Repo(str(root)) as repo:
            missing = repo.status(targets=list(stages), cloud=True)
    except DvcException as error:
        raise InputError(f"the DVC remote cannot be read: {error}") from None
    absent = sorted(name for name, state in missing.items() if state != "deleted")
    if absent:
        raise InputError(
            f"{', '.join(absent[:3])}: not on the DVC remote, where nodes take it from:"
            f" `dvc repro {stages[-1]}`, commit dvc.lock, `dvc push`"
        )


def connect(settings: Mapping[str, Any], scratch: Path) -> None:
    """Connect this process to a running cluster.

    Args:
        settings: keyword arguments of `ray.init`.
        scratch: any folder without code. Ray adds the current folder to the modules that workers find,
            which would hide on one machine what fails on several.

    Raises:
        InputError: no token, or no cluster at the address.
    """
    import ray

    _check_token(os.environ)
    with contextlib.chdir(scratch):
        try:
            ray.init(**settings)
        except (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError) as error:
            address = os.environ.get("RAY_ADDRESS") or settings.get("address")
            reason = " ".join(str(error).split())[:300]
            raise InputError(
                f"no Ray cluster at {address}: {reason}; start one (`ray start --head`) or name another in"
                " RAY_ADDRESS"
            ) from None


def _check_token(environment: Mapping[str, str]) -> None:
    if environment.get("RAY_AUTH_MODE", "token") != "token":
        return
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


def task(
    order: Order, board: Any, job: Callable[[list[str]], tuple[str, list[str]]]
) -> Callable[[Any], float]:
    """The function that Hydra's launcher sends to the nodes, complete in itself.

    Args:
        order: what to clone.
        board: from `open_board`.
        job: the experiment's name and overrides from a job's overrides; of the standard library alone.
    """
    import ray.cloudpickle
    from omegaconf import OmegaConf

    ray.cloudpickle.register_pickle_by_value(nodes)
    # The launcher sends all resolvers along; this one needs modules that no node has.
    OmegaConf.clear_resolver("conf_digest")
    run = nodes.run

    def sent(_: Any) -> float:
        from hydra.core.hydra_config import HydraConfig

        return run(order, *job(list(HydraConfig.get().overrides.task)), board)

    return sent


@contextmanager
def opened(
    root: Path,
    launcher: Mapping[str, Any],
    logs: Path,
    job: Callable[[list[str]], tuple[str, list[str]]],
    report: Report,
) -> Iterator[Callable[[Any], float]]:
    """Check, connect, and take reports and results in while the block runs.

    Args:
        root: the Git repository.
        launcher: `hydra.launcher.ray`: `init` and `remote`, resolved.
        logs: folder for `<experiment>.log`.
        job: the experiment's name and overrides from a job's overrides; see `task`.
        report: called with each experiment's name and progress, from another thread.

    Yields:
        The task function for Hydra's Ray launcher.

    Raises:
        InputError: see `check` and `connect`.
    """
    import ray

    order = check(root)
    logs.mkdir(parents=True, exist_ok=True)
    connect(launcher["init"], logs)
    try:
        check_processors(launcher["remote"].get("num_cpus", 1))
        board = open_board()
        with listening(root, git_remote(root), logs, board, report):
            yield task(order, board, job)
    finally:
        ray.shutdown()


def open_board() -> Any:
    """Start a `Board` beside this process, so that no other node takes it along; return its handle."""
    import ray
    import ray.cloudpickle
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ray.cloudpickle.register_pickle_by_value(nodes)
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(num_cpus=0, scheduling_strategy=here)(nodes.Board).remote()


@contextmanager
def listening(root: Path, remote: str, logs: Path, board: Any, report: Report) -> Iterator[None]:
    """Take reports and results in while the block runs.

    Args:
        root: the Git repository to pull experiments into.
        remote: the Git remote.
        logs: folder for `<experiment>.log`.
        board: from `open_board`.
        report: called with each experiment's name and progress, from another thread.
    """
    import ray

    over = threading.Event()

    def listen() -> None:
        while True:
            last = over.is_set()
            take_in(root, remote, logs, ray.get(board.take.remote()), report)
            if last:
                return
            over.wait(POLL_SECONDS)

    thread = threading.Thread(target=listen, name="cluster-reports", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def take_in(
    root: Path, remote: str, logs: Path, reports: list[tuple[str, dict[str, Any]]], report: Report
) -> None:
    """Pass on reports; of the jobs that ended write the logs and pull the experiments, in one go."""
    ended = {experiment: entry for experiment, entry in reports if entry.get("final")}
    for experiment, entry in reports:
        if not entry.get("final"):
            report(experiment, as_progress(entry))
    for experiment, entry in ended.items():
        if "log" in entry:
            files.write_text(logs / f"{experiment}.log", entry["log"])
    trouble = pull(root, remote, [name for name, entry in ended.items() if entry["state"] == "done"])
    for experiment, entry in ended.items():
        if trouble and entry["state"] == "done":
            report(experiment, Progress("failed", log_end=trouble))
        else:
            report(experiment, as_progress(entry))


def as_progress(entry: Mapping[str, Any]) -> Progress:
    """A report's fields as a `Progress`."""
    known = {field.name for field in fields(Progress)}
    return Progress(**{name: value for name, value in entry.items() if name in known})


def pull(root: Path, remote: str, names: list[str]) -> str:
    """Pull experiments and their artifacts; return what went wrong, or nothing."""
    if not names:
        return ""
    try:
        node_job.dvc(root, "exp", "pull", "--wait-for-lock", remote, *names)
    except InputError as error:
        return str(error)
    return ""


def pull_finished(root: Path, remote: str, names: list[str]) -> list[str]:
    """Pull those of some experiments that an earlier run of the sweep has pushed but not taken in.

    Returns:
        Their names.

    Raises:
        InputError: the remotes cannot be read.
    """
    folder = experiments.reference(root, "")
    listed = git(root, "ls-remote", remote, f"{folder}*").splitlines()
    there = {line.split("/")[-1] for line in listed}
    found = [name for name in names if name in there and experiments.accuracy(root, name) is None]
    if trouble := pull(root, remote, found):
        raise InputError(trouble)
    return found
