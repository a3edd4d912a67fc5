"""One experiment in a process of its own; a script that is named `dvc` stands for the real one.

`test_sweep` runs the real one.
"""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml
from conftest import ROOT, environment

from pipeline.base.git import git
from pipeline.base.processes import runs
from pipeline.sweeps import clone, experiment
from pipeline.sweeps.experiment import progress
from pipeline.sweeps.job import Job, Progress

LINE = "train: epoch {}/{}, loss 1.6000, accuracy 0.5000, val_loss 0.6000, val_accuracy {}, 2.1 s"
JOB = Job("trial", ["seed=1"])


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A Git repository with one commit, and a folder for `dvc` that comes first in PATH."""
    folder = tmp_path / "root"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    for name, value in environment().items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)
    stages = {"train": {"outs": ["models"]}, "explain": {"outs": [{"old.png": {"cache": False}}, "pictures"]}}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    (folder / "pictures").mkdir()
    for name in ("old.png", "pictures/old.png"):
        (folder / name).touch()
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "state"]):
        git(folder, *command)
    return folder


def write_dvc(root, script):
    """Put a shell script in the place of dvc."""
    dvc = root.parent / "bin" / "dvc"
    dvc.parent.mkdir(exist_ok=True)
    dvc.write_text(f"#!/bin/sh\n{script}\n")
    dvc.chmod(0o755)


def run(root):
    reports: list[Progress] = []
    log = root.parent / "logs" / "trial.log"
    return experiment.run(JOB, root, log, reports.append), reports, log


# Makes the experiment that dvc would make: a commit with metrics, under dvc's reference.
SUCCEEDS = f"""
echo "$@"
echo '{LINE.format(1, 3, 0.75)}'; echo '{LINE.format(2, 3, 0.875)}'
mkdir -p reports; echo '{{"validation": {{"accuracy": 0.9}}}}' > reports/metrics.json
git add reports; git commit --quiet --message experiment; rev=$(git rev-parse HEAD)
git reset --quiet --hard HEAD~1; head=$(git rev-parse HEAD)
git update-ref refs/exps/$(echo $head | cut -c1-2)/$(echo $head | cut -c3-)/trial $rev
"""


def test_an_experiment_is_done_once(root):
    write_dvc(root, SUCCEEDS)
    last, reports, log = run(root)
    assert (last.state, last.epoch, last.epochs, last.accuracy) == ("done", 2, 3, 0.9)
    assert reports[0].state == "running"
    assert "exp run --name trial --set-param seed=1" in log.read_text()
    write_dvc(root, "exit 1")
    again = clone.run_apart(JOB, root, log.parent, reports.append, git(root, "rev-parse", "HEAD"))
    assert again == reports[-1] == Progress("skipped", accuracy=0.9)


def test_stages_that_a_sweep_leaves_out_leave_no_pictures_of_another_network(root):
    write_dvc(root, SUCCEEDS.replace("git add reports", "git add --all"))
    _, _, log = run(root)
    assert "--set-param seed=1 train\n" in log.read_text()
    reference = experiment.reference(root, "trial")
    kept = git(root, "ls-tree", "-r", "--name-only", reference).split()
    assert kept == ["dvc.yaml", "reports/metrics.json"]


def test_progress_is_the_last_epoch_that_ended(tmp_path):
    log = tmp_path / "log"
    assert progress(log) == Progress("running")
    log.write_text("train: computing in float32\n")
    assert progress(log) == Progress("running")
    log.write_text(f"{LINE.format(1, 9, 0.25)}\n{LINE.format(2, 9, 0.5)}\ntrain: epoch 3/9, step 25\r")
    assert progress(log) == Progress("running", epoch=2, epochs=9, accuracy=0.5)


def test_a_failure_comes_with_the_end_of_the_log(root):
    write_dvc(root, "for i in $(seq 40); do echo line $i; echo; done; exit 3")
    last, reports, _ = run(root)
    assert last.state == reports[-1].state == "failed"
    assert last.log_end.splitlines() == [f"line {i}" for i in range(26, 41)]


def test_a_dvc_that_says_it_succeeded_but_left_no_experiment_failed(root):
    write_dvc(root, "echo nothing")
    assert run(root)[0].state == "failed"


def _wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_whatever_ends_the_caller_ends_dvc_and_all_that_it_started(how, root):
    pids = root.parent / "pids"
    stage = f"""
import time
from pipeline.base.processes import stage
with stage():
    open({str(pids.with_suffix(".there"))!r}, "w").close()
    time.sleep(600)
"""
    (root.parent / "stage.py").write_text(stage)
    start = f"PYTHONPATH={ROOT} {sys.executable} {root.parent}/stage.py"
    # dvc, the shell in which it runs a stage, and the stage.
    write_dvc(root, f"DVC_STAGE=train sh -c '{start} & echo $! $$ >> {pids}; wait' & echo $$ >> {pids}; wait")
    code = """
import sys
from pathlib import Path
from pipeline.sweeps.experiment import run
from pipeline.sweeps.job import Job
run(Job("trial", []), Path(sys.argv[1]), Path(sys.argv[1]).parent / "log", lambda progress: None)
"""
    caller = subprocess.Popen(
        [sys.executable, "-c", code, str(root)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    assert _wait_for(pids.with_suffix(".there").exists)
    started = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
    assert len(started) == 3
    caller.send_signal(how)
    caller.wait(30)
    assert _wait_for(lambda: not any(map(runs, started)))


def test_a_clone_has_the_commit_the_settings_and_the_cache_and_gives_its_experiment_back(project, tmp_path):
    project.run("git", "config", "user.name", "Someone")
    project.run("dvc", "config", "--local", "core.checksum_jobs", "3")
    folder = tmp_path / "scratch" / "clone"
    folder.mkdir(parents=True)
    (folder / "left by a killed job").touch()
    commit = git(project.folder, "rev-parse", "HEAD")
    # Whoever works on meanwhile may commit.
    project.commit()
    clone.clone(project.folder, folder, commit)
    assert not (folder / "left by a killed job").exists()
    assert git(folder, "rev-parse", "HEAD") == commit
    assert git(project.folder, "rev-parse", "HEAD") != commit
    assert git(folder, "config", "user.name") == "Someone"
    assert git(folder, "status", "--porcelain") == ""
    listed = subprocess.run(
        ["dvc", "config", "--list"], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    assert "core.checksum_jobs=3" in listed.stdout
    assert f"cache.dir={project.folder / '.dvc' / 'cache'}" in listed.stdout

    (folder / "reports").mkdir(exist_ok=True)
    metrics = json.dumps({"validation": {"accuracy": 0.5}})
    (folder / "reports" / "metrics.json").write_text(metrics)
    reference = experiment.reference(folder, "trial")
    git(folder, "checkout", "--quiet", "-b", "other")
    git(folder, "add", "--force", "reports/metrics.json")
    git(folder, "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "experiment")
    git(folder, "update-ref", reference, "HEAD")
    git(folder, "checkout", "--quiet", "--detach", commit)
    clone.collect(project.folder, folder, "trial")
    assert experiment.accuracy(project.folder, "trial", commit) == 0.5
    assert experiment.accuracy(project.folder, "trial") is None
    assert git(project.folder, "status", "--porcelain") == ""
