"""Sweeps on a Ray cluster: two real nodes on this machine that share no folder, a bare Git repository."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from conftest import Project, environment
from real_sweeps import names, small_project, start, sweep

pytestmark = pytest.mark.slow
RAY = "hydra/launcher=ray_cluster"
TOKEN = "a-token-of-at-least-thirty-two-characters"
START_SECONDS = 120


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until(holds: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.2)


@contextlib.contextmanager
def node(command: list[str], folder: Path, variables: dict[str, str]) -> Iterator[int]:
    """A node in a process group of its own, whose number is yielded, until the block ends."""
    folder.mkdir()
    log = folder / "log"
    common = ["--block", "--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats"]
    own = {**variables, "FILTERSCOPE_WORK": str(folder)}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *common], cwd=folder, env=own, stdout=out, stderr=out, start_new_session=True
        )
    try:
        wait_until(lambda: "Ray runtime started" in log.read_text() or process.poll() is not None, "Ray")
        assert process.poll() is None, log.read_text()
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def processes_below(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and str(folder) in " ".join([process.cwd(), *process.cmdline()]):
                found.append(process)
    return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A short path, since Ray's sockets are below it; whatever still runs there in the end is ended."""
    path = Path(tempfile.mkdtemp(prefix="fs-", dir="/tmp"))
    yield path
    for process in processes_below(path):
        with contextlib.suppress(psutil.Error):
            process.kill()
    wait_until(lambda: not processes_below(path), "the end of the cluster's processes")
    shutil.rmtree(path)


@dataclass
class Cluster:
    """Two nodes: the process group of the second, its folder, what a client needs."""

    second: int
    work: Path
    variables: dict[str, str]


@pytest.fixture(scope="module")
def nodes(folder: Path) -> Iterator[Cluster]:
    address = f"127.0.0.1:{free_port()}"
    variables = {**environment(), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    port = f"--port={address.rpartition(':')[2]}"
    first = ["ray", "start", "--head", port, "--include-dashboard=false", f"--temp-dir={folder}/r"]
    with (
        node([*first, "--node-ip-address=127.0.0.1"], folder / "1", variables),
        node(["ray", "start", f"--address={address}"], folder / "2", variables) as second,
    ):
        yield Cluster(second, folder / "2", {"RAY_AUTH_TOKEN": TOKEN, "RAY_ADDRESS": address})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A project whose Git remote is a bare repository and whose DVC remote is a folder."""
    project = small_project(tmp_path_factory, worker_id)
    remotes = tmp_path_factory.mktemp("remotes")
    project.edit("conf/runtime/default.yaml", "threads: 2", "threads: 1")
    project.dvc("repro", "prepare")
    project.dvc("remote", "add", "--default", "store", str(remotes / "store"))
    project.commit()
    project.run("git", "init", "--quiet", "--bare", str(remotes / "remote.git"))
    project.run("git", "remote", "add", "origin", str(remotes / "remote.git"))
    return project


def test_what_nodes_could_not_get_is_said_before_anything_runs(project, nodes):
    refused = sweep(project.folder, RAY, "seed=8", code=1, **nodes.variables)
    assert "is not on the Git remote origin" in refused.splitlines()[-1]
    project.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
    project.dvc("push")
    wrong = {"RAY_ADDRESS": "127.0.0.1:1", "RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": "another-" + TOKEN}
    for variables in ({name: value} for name, value in wrong.items()):
        last = sweep(project.folder, RAY, "seed=8", code=1, **{**nodes.variables, **variables})
        assert last.splitlines()[-1].startswith("error: ")
        (name,) = variables
        assert name in last.splitlines()[-1]
    few = sweep(project.folder, RAY, "seed=8", "runtime.threads=8", code=1, **nodes.variables)
    assert "8 processors" in few.splitlines()[-1]


def test_a_sweep_that_loses_a_node_ends_with_every_result_and_the_failed_job_by_name(project, nodes):
    jobs = ("hydra.job.name=lost", "data.validation_fraction=0.2,0.9999", "seed=1,2")
    process = start(project.folder, RAY, *jobs, **nodes.variables)
    try:
        wait_until(lambda: list(nodes.work.glob("*/*/.train")), "a training there", 300)
        os.killpg(nodes.second, signal.SIGKILL)
        output, _ = process.communicate(timeout=500)
    finally:
        process.kill()
    assert process.returncode == 1, output
    there = names(project.folder, "lost")
    assert len(there) == 2
    assert len(project.read("reports/sweeps/lost/results.csv").splitlines()) == 1 + 2
    assert "Without kernels" not in project.read("reports/sweeps/lost/summary.md")
    failed = {
        line.split(" failed on ")[0].split()[-1] for line in output.splitlines() if " failed on " in line
    }
    assert len(failed) == 2
    assert all(name in output.splitlines()[-1] for name in failed)
    assert "data.validation_fraction" in output
    listed = project.run("git", "ls-remote", "origin", "refs/exps/*/*/lost-*").splitlines()
    assert sorted(line.rsplit("/", 1)[1] for line in listed) == sorted(there)
    assert not processes_below(nodes.work)


def test_a_sweep_started_again_takes_over_what_nodes_have_pushed(project, nodes):
    name = names(project.folder, "lost")[0]
    reference = project.run("git", "for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{name}").strip()
    project.run("git", "update-ref", "-d", reference)
    good = ("data.validation_fraction=0.2", "seed=1,2")
    shutil.rmtree(project.folder / "reports/sweeps/lost")
    output = sweep(project.folder, RAY, "hydra.job.name=lost", *good, **nodes.variables)
    assert " starts on " not in output
    assert name in names(project.folder, "lost")
