"""Sweeps on a Ray cluster: two real nodes on this machine that share no folder, a bare Git repository."""

import contextlib
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from conftest import Project, environment
from real_sweeps import small_project

from pipeline.base.errors import InputError
from pipeline.cluster import checks

TOKEN = "a-token-of-at-least-thirty-two-characters"
SWEEP = ("python", "-m", "pipeline.commands.sweep", "-m", "hydra/launcher=ray_cluster")
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
def started(command: list[str], folder: Path, variables: dict[str, str], ready: str) -> Iterator[int]:
    """A server in a process group of its own, whose number is given, until the block ends."""
    folder.mkdir()
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        wait_until(lambda: ready in log.read_text() or process.poll() is not None, ready)
        assert process.poll() is None, log.read_text()
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclasses.dataclass
class Cluster:
    """Two nodes: the process group of the second, the folder of each, what a client needs."""

    second: int
    folders: tuple[Path, Path]
    variables: dict[str, str]


def processes_below(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and str(folder) in " ".join([process.cwd(), *process.cmdline()]):
                found.append(process)
    return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A short path, since Ray's sockets lie below it; whatever still runs there in the end is ended."""
    path = Path(tempfile.mkdtemp(prefix="fs-", dir="/tmp"))
    yield path
    for process in processes_below(path):
        with contextlib.suppress(psutil.Error):
            process.kill()
    wait_until(lambda: not processes_below(path), "the end of the cluster's processes")
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def nodes(folder: Path) -> Iterator[Cluster]:
    port = free_port()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    variables = {**environment(), **keys, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    common = ["--block", "--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats"]
    head = ["ray", "start", "--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}/r"]
    second = ["ray", "start", f"--address=127.0.0.1:{port}"]
    places = (folder / "1", folder / "2")
    ready = "Ray runtime started"
    with (
        started([*head, *common], places[0], {**variables, "FILTERSCOPE_WORK": str(places[0])}, ready),
        started(
            [*second, *common], places[1], {**variables, "FILTERSCOPE_WORK": str(places[1])}, ready
        ) as process,
    ):
        yield Cluster(process, places, {**variables, "RAY_ADDRESS": f"127.0.0.1:{port}"})


def published(project: Project, remote: Path, *settings: tuple[str, str]) -> None:
    """Configure both remotes, commit, push to that of Git."""
    project.dvc("remote", "add", "--default", "store", settings[0][1])
    for name, value in settings[1:]:
        project.dvc("remote", "modify", "store", name, value)
    project.commit()
    project.run("git", "init", "--quiet", "--bare", str(remote))
    project.run("git", "remote", "add", "origin", str(remote))
    project.run("git", "push", "--quiet", "--set-upstream", "origin", "main")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """Digits, two short epochs, and of the stages those that end in a score; data made; no remotes."""
    return small_project(
        *(tmp_path_factory, worker_id),
        ("conf/config.yaml", "train: default", "train: smoke"),
        ("conf/train/smoke.yaml", "epochs: 3", "epochs: 2"),
        ("conf/runtime/default.yaml", "threads: 2", "threads: 1"),
    )


@pytest.fixture(scope="module")
def head(prepared: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose Git remote is a bare repository and whose DVC remote is a folder."""
    folder = tmp_path_factory.mktemp("head")
    project = prepared.copied(folder / "project")
    published(project, folder / "remote.git", ("url", str(folder / "store")))
    project.dvc("push")
    return project


def sweep(project: Project, nodes: Cluster, *overrides: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SWEEP, *overrides],
        cwd=project.folder,
        env=nodes.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def experiments(project: Project, where: str = ".") -> list[str]:
    """Names of the experiments of a repository."""
    listed = project.run("git", "ls-remote", where, "refs/exps/*/*/*").splitlines()
    return sorted(line.rsplit("/", 1)[1] for line in listed if "/exec/" not in line)


def start(project: Project) -> str:
    return project.run("git", "rev-parse", "HEAD").strip()


def test_a_sweep_that_loses_a_node_ends_with_every_result_and_none_twice(head, nodes):
    running = sweep(head, nodes, "seed=1,2")
    try:
        trained = nodes.folders[1].glob
        wait_until(lambda: list(trained("*/*/.train.lock")), "a training there")
        os.killpg(nodes.second, signal.SIGKILL)
        output, _ = running.communicate(timeout=400)
    finally:
        running.kill()
    assert running.returncode == 0, output
    assert "2 done" in output
    names = experiments(head)
    assert len(names) == 2
    assert experiments(head, "origin") == names
    seeds = set()
    for name in names:
        head.dvc("exp", "apply", name)
        seeds.add(head.params().seed)
        assert (head.folder / "models" / "best.keras").exists()
        assert "Stage 'prepare' didn't change, skipping" in head.read(f".sweeps/seed/{name}.log")
    assert seeds == {1, 2}
    head.run("git", "reset", "--quiet", "--hard")
    assert not processes_below(nodes.folders[1])


def test_a_sweep_started_again_finds_what_is_done_also_after_its_answer_was_committed(head, nodes):
    name = experiments(head)[0]
    head.run("git", "add", "reports/sweeps")
    head.run("git", "commit", "--quiet", "--message", "answer")
    # One that this machine lacks, and whose name tells nothing: the remote has two of it.
    local = head.run("git", "for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{name}").strip()
    other = f"refs/exps/{start(head)[:2]}/{start(head)[2:]}/{name}"
    head.run("git", "push", "--quiet", "origin", f"{local}:{other}")
    head.run("git", "update-ref", "-d", local)
    running = sweep(head, nodes, "seed=1,2")
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 0, output
    assert "2 skipped" in output
    assert local in head.run("git", "for-each-ref", "refs/exps")
    assert other not in head.run("git", "for-each-ref", "refs/exps")
    head.run("git", "push", "--quiet", "--delete", "origin", other)


def test_a_job_fails_by_name_and_artifacts_of_the_other_travel_through_an_s3_compatible_server(
    prepared, nodes, tmp_path, folder
):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    project = prepared.copied(tmp_path / "project")
    server = ["moto_server", "--host=127.0.0.1", f"--port={port}"]
    with started(server, folder / "s3", nodes.variables, "Running on"):
        request = urllib.request.Request(f"{address}/bucket", method="PUT")
        urllib.request.urlopen(request).close()
        published(project, tmp_path / "remote.git", ("url", "s3://bucket/store"), ("endpointurl", address))
        subprocess.run(["dvc", "push", "--quiet"], cwd=project.folder, env=nodes.variables, check=True)
        # All but one of the training images held out: no class can be learned from the rest.
        running = sweep(project, nodes, "data.validation_fraction=0.2,0.9999", "hydra.job.name=fractions")
        output, _ = running.communicate(timeout=300)
    assert running.returncode == 1, output
    assert "1 done, 1 failed" in output
    assert "error: data.validation_fraction" in output
    (name,) = experiments(project)
    assert name.startswith("fractions-")
    assert experiments(project, "origin") == [name]
    project.dvc("exp", "apply", name)
    assert project.params().data.validation_fraction == 0.2
    assert (project.folder / "models" / "best.keras").exists()


def refuse(project: Project, nodes: Cluster, **changed: str) -> str:
    """The one line with which a sweep does not start."""
    result = subprocess.run(
        [*SWEEP, "seed=8"],
        cwd=project.folder,
        env={**nodes.variables, **changed},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    return line


def test_a_wrong_token_or_address_is_told_in_one_line(head, nodes):
    assert "RAY_AUTH_TOKEN is not set" in refuse(head, nodes, RAY_AUTH_TOKEN="", HOME="/nowhere")
    assert "no Ray cluster at 127.0.0.1:1" in refuse(head, nodes, RAY_ADDRESS="127.0.0.1:1")


def test_what_the_nodes_could_not_get_is_told_before_anything_runs(prepared, tmp_path):
    project, remote = prepared.copied(tmp_path / "project"), tmp_path / "remote.git"
    with pytest.raises(InputError, match=r"has no Git remote origin, .* `git remote add origin URL`"):
        checks.check(project.folder, start(project))
    project.run("git", "init", "--quiet", "--bare", str(remote))
    project.run("git", "remote", "add", "origin", str(remote))
    with pytest.raises(InputError, match=r"commit \w{8} is not on the Git remote origin, .* `git push"):
        checks.check(project.folder, start(project))
    project.run("git", "push", "--quiet", "origin", "main")
    with pytest.raises(InputError, match=r"has no default remote, .* `dvc remote add --default NAME URL`"):
        checks.check(project.folder, start(project))
    project.dvc("remote", "add", "--default", "store", "../store")
    project.commit()
    project.run("git", "push", "--quiet", "origin", "main")
    with pytest.raises(InputError, match=r"remote store: received the relative folder"):
        checks.check(project.folder, start(project))
    project.dvc("remote", "modify", "store", "url", str(tmp_path / "store"))
    project.commit()
    project.run("git", "push", "--quiet", "origin", "main")
    with pytest.raises(InputError, match=r"data/.*: not on the DVC remote, .* `dvc push`"):
        checks.check(project.folder, start(project))
    project.dvc("push")
    (project.folder / "dvc.lock").unlink()
    assert checks.check(project.folder, start(project)) == "origin"
