"""A search by the real dvc, and sweeps that are refused; apart from test_sweep, which takes long enough."""

import os
import subprocess
import sys

import pytest
import yaml
from conftest import Project
from real_sweeps import small_project, states, sweep


@pytest.fixture(scope="module")
def project(tmp_path_factory, worker_id) -> Project:
    return small_project(tmp_path_factory, worker_id)


def test_a_search_runs_its_trials_and_finds_the_best(project):
    process = sweep(
        project.folder,
        *("-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "hydra.job.name=search"),
        *("model.filters=choice([2,2],[16,32])", "train.learning_rate=interval(0.001,0.01)"),
    )
    output = process.communicate(timeout=900)[0]
    assert process.returncode == 0, output
    found = states(project.folder, "search").values()
    assert [state["state"] for state in found] == ["done", "done"]
    for state in found:
        values = dict(override.split("=", 1) for override in state["overrides"])
        assert values["model.filters"] in ("[2,2]", "[16,32]")
        assert 0.001 <= float(values["train.learning_rate"]) <= 0.01
    best = yaml.safe_load(project.read(".sweeps/search/optimization_results.yaml"))
    assert best["best_value"] == max(state["accuracy"] for state in found)


def test_a_sweep_is_refused_while_one_of_its_name_is_at_work(project):
    folder = project.folder / ".sweeps" / "taken"
    code = f"""
import sys, time
from pathlib import Path
from pipeline.sweeps import states
with states.only_one(Path({str(folder)!r}), "commit"):
    print("claimed", flush=True)
    time.sleep(600)
"""
    other = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert other.stdout.readline() == "claimed\n"
    try:
        process = sweep(project.folder, "-m", "seed=1,2", "hydra.job.name=taken")
        output = process.communicate(timeout=120)[0]
    finally:
        other.kill()
        other.communicate()
    assert process.returncode == 1
    assert f"error: a sweep taken, process {other.pid}, is at work" in output


def test_a_wrong_override_of_any_job_is_told_before_anything_runs(project):
    process = sweep(project.folder, "-m", "hydra.job.name=wrong", "train.epochs=1,-1")
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert output.splitlines() == [
        "error: job train.epochs=-1: train.epochs: received -1, expected a whole number of 1 or more,"
        " up to 1000000"
    ]
    assert not (project.folder / ".sweeps" / "wrong").exists()
