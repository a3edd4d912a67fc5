"""Jobs on a Ray cluster: what its nodes have to reach, connecting, the nodes that lack something."""

import importlib.util
import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from configobj import ConfigObj
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.sweeps.job import Order, reference, say

CONNECT_SECONDS, NODE_SECONDS = 10, 60
PACKAGES = ("dvc", "hydra", "keras", "tensorflow")


def connected(root: Path, order: Order, launcher: DictConfig) -> Order:
    """Connect to a running cluster, take out the nodes that lack something, and return its jobs' order.

    `launcher` is `hydra.launcher.ray`. Raises `InputError` where the cluster or what nodes need is missing.
    """
    remote = _git_remote(root)
    if not git(root, "branch", "--remotes", "--contains", order.commit):
        raise InputError(f"commit {order.commit[:8]} is not on the Git remote {remote}: `git push`")
    if not ConfigObj(str(root / ".dvc" / "config")).get("core", {}).get("remote"):
        raise InputError(".dvc/config has no default remote: `dvc remote add --default NAME URL`, commit it")
    settings: Any = OmegaConf.to_container(launcher, resolve=True)
    _connect(settings["init"])
    lacking = _lacking(float(settings["remote"].get("num_cpus", 1)))
    with read_write(launcher), open_dict(launcher):
        launcher.remote.label_selector = {"ray.io/node-id": f"!in({','.join(lacking)})"} if lacking else {}
    return replace(order, url=git(root, "remote", "get-url", remote), folder="", settings="")


def pull(root: Path, sweep: str) -> None:
    """Take over the experiments of a sweep that are on the Git remote, and what they made."""
    pattern = reference(git(root, "rev-parse", "HEAD"), f"{sweep}-????????")
    listed = [line.split()[1] for line in git(root, "ls-remote", _git_remote(root), pattern).splitlines()]
    if listed:
        command = ["dvc", "exp", "pull", "--quiet", "--force", _git_remote(root), *listed]
        ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise InputError(f"dvc exp pull: {ended.stderr.strip()}")


def _git_remote(root: Path) -> str:
    """The Git remote of the branch that is checked out, or else `origin`."""
    branch = git(root, "branch", "--show-current")
    return git(root, "config", "--default", "origin", f"branch.{branch}.remote")


def _connect(settings: dict[str, Any]) -> None:
    # Ray reads them as it is loaded. Lines that are alike are wanted each.
    for name, value in (("AUTH_MODE", "token"), ("USAGE_STATS_ENABLED", "0"), ("DEDUP_LOGS", "0")):
        os.environ.setdefault(f"RAY_{name}", value)
    if (mode := os.environ["RAY_AUTH_MODE"]) != "token":
        # Without it whoever reaches a node can run anything there.
        raise InputError(
            f"RAY_AUTH_MODE: received {mode!r}, expected token, with which to start the nodes too"
        )
    import ray.cloudpickle

    import pipeline

    ray.cloudpickle.register_pickle_by_value(pipeline)
    address = os.environ.get("RAY_ADDRESS") or str(settings["address"])
    host, _, port = address.rpartition(":")
    try:
        if port.isdigit():
            # Ray itself tries for minutes.
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise InputError(f"no Ray cluster at {address}: {error}; set RAY_ADDRESS") from None
    try:
        ray.init(**settings)
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        wrong = "; RAY_AUTH_TOKEN is not that of its nodes" if "AuthToken" in str(error.__cause__) else ""
        raise InputError(f"Ray at {address}: {reason}{wrong}") from None


def _lacking(num_cpus: float) -> list[str]:
    """Ids of the nodes that lack a package, each named; `InputError` when no node can take a job."""
    import ray

    names = {one["NodeID"]: one["NodeManagerHostname"] for one in ray.nodes() if one["Alive"]}
    large = [
        one["NodeID"] for one in ray.nodes() if one["Alive"] and one["Resources"].get("CPU", 0) >= num_cpus
    ]
    probe = ray.remote(num_cpus=0, max_retries=0)(_missing)
    asked = {probe.options(label_selector={"ray.io/node-id": node}).remote(): node for node in large}
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=NODE_SECONDS)
    missing = {
        **dict.fromkeys(silent, "an answer"),
        **{one: text for one in answered if (text := ray.get(one))},
    }
    for one, text in missing.items():
        say(f"no job goes to {names[asked[one]]}: it lacks {text}")
    if len(missing) == len(large):
        raise InputError(f"no node can take a job, which wants {num_cpus:g} processors (runtime.threads)")
    return [asked[one] for one in missing]


def _missing() -> str:
    """Packages that a node lacks; runs there."""
    return ", ".join(name for name in PACKAGES if importlib.util.find_spec(name) is None)
