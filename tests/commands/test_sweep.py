"""Sweeps by the real dvc, on digits and with the stages up to the scores: sweeps know none by name."""

import csv
import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import yaml
from conftest import Project, digest, environment
from real_sweeps import small_project, states, sweep

from pipeline.base.git import git
from pipeline.config.params import load
from pipeline.config.schema import Config
from pipeline.sweeps import experiment

# The last learning rate makes the loss overflow, which no check can foresee.
RATES = ("-m", "hydra/launcher=joblib", "hydra.job.name=rates", "train.learning_rate=0.001,0.002,1e38")


def working_in(folder: Path) -> dict[psutil.Process, str]:
    """The processes that work below a folder, with their command lines."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder):
                found[process] = " ".join(process.cmdline())
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that work below a folder."""
    return list(working_in(folder).values())


def wait_for(condition, seconds: float = 900.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return bool(condition())


@pytest.fixture(scope="module")
def project(tmp_path_factory, worker_id) -> Project:
    return small_project(tmp_path_factory, worker_id)


@pytest.fixture(scope="module")
def killed(project) -> dict[str, dict]:
    """States right after a sweep was killed, once its first job was done."""
    process = sweep(project.folder, *RATES)

    def a_job_is_done_and_another_at_work() -> bool:
        now = [state["state"] for state in states(project.folder, "rates").values()]
        return process.poll() is not None or ("done" in now and "running" in now)

    waited = wait_for(a_job_is_done_and_another_at_work)
    ended = process.poll()
    process.kill()
    output = process.communicate()[0]
    assert waited
    assert ended is None, output
    return states(project.folder, "rates")


@pytest.fixture(scope="module")
def restarted(project, killed) -> tuple[int, str]:
    """Exit code and output of the same sweep, started again."""
    assert wait_for(lambda: not processes_in(project.folder), 20), processes_in(project.folder)
    process = sweep(project.folder, *RATES)
    output = process.communicate(timeout=900)[0]
    return process.returncode, output


def test_killing_a_sweep_leaves_no_process_and_the_work_tree_as_it_was(project, killed):
    assert wait_for(lambda: not processes_in(project.folder), 20), processes_in(project.folder)
    assert project.run("git", "status", "--porcelain") == ""
    assert project.run("git", "symbolic-ref", "HEAD").strip() == "refs/heads/main"


def test_a_sweep_that_is_started_again_skips_what_is_done(killed, restarted, project):
    done = [rate for rate, state in killed.items() if state["state"] == "done"]
    # The second may have ended in the moment before the sweep did.
    assert 1 <= len(done) <= 2
    after = states(project.folder, "rates")
    assert {after[rate]["state"] for rate in done} == {"skipped"}
    assert after[done[0]]["seconds"] == killed[done[0]]["seconds"]


def test_a_failing_job_is_named_with_the_end_of_its_log_and_the_others_go_on(restarted, project):
    code, output = restarted
    assert code == 1
    after = states(project.folder, "rates")
    bad = after["train.learning_rate=1e+38"]["experiment"]
    assert {rate: state["state"] for rate, state in after.items() if state["experiment"] != bad}.keys() == {
        "train.learning_rate=0.001",
        "train.learning_rate=0.002",
    }
    assert f"{bad} failed" in output
    assert "lower train.learning_rate" in output
    assert f"error: 1 of 3 jobs failed: {bad}" in output
    assert "Traceback" not in output


def test_a_sweep_leaves_no_clone_and_no_process_behind(restarted, project):
    assert [path for path in (project.folder / ".sweeps" / "rates").iterdir() if path.is_dir()] == []
    assert processes_in(project.folder) == []
    assert project.run("git", "stash", "list") == ""
    assert not (project.folder / ".dvc" / "tmp" / "exps" / "standalone").exists()


def test_each_job_is_an_experiment_with_the_parameters_it_was_given(restarted, project):
    shown = json.loads(project.dvc("exp", "show", "--json"))[1]["experiments"]
    rows = {row["name"]: row["revs"][0]["data"] for row in shown}
    for rate in ("0.001", "0.002"):
        state = states(project.folder, "rates")[f"train.learning_rate={rate}"]
        row = rows[state["experiment"]]
        params = row["params"]["params.yaml"]["data"]
        assert params["train"]["learning_rate"] == float(rate)
        assert params["runtime"]["threads"] == 1
        accuracy = row["metrics"]["reports/metrics.json"]["data"]["validation"]["accuracy"]
        assert state["accuracy"] == accuracy
    text = project.run(
        "git", "show", f"{experiment.reference(project.folder, state['experiment'])}:params.yaml"
    )
    (project.folder.parent / "params.yaml").write_text(text)
    assert load(Config, project.folder.parent / "params.yaml").train.learning_rate == 0.002


def test_the_answer_is_written_from_the_jobs_that_have_results(restarted, project):
    rows = project.read("reports/sweeps/rates/results.csv").splitlines()
    assert len(rows) == 1 + 2
    assert (project.folder / "reports" / "sweeps" / "rates" / "summary.md").exists()


@pytest.fixture(scope="module")
def elsewhere(restarted, project, tmp_path_factory) -> tuple[Project, str, str]:
    """A copy in which the sweep ran from a commit of its own while HEAD moved on, and the two commits.

    HEAD has experiments of the names of all three jobs, also of the one that failed.
    """
    copy = project.copied(tmp_path_factory.mktemp("elsewhere") / "project")
    head = git(copy.folder, "rev-parse", "HEAD")
    names = {rate: state["experiment"] for rate, state in states(project.folder, "rates").items()}
    finished = experiment.reference(copy.folder, names["train.learning_rate=0.001"])
    for name in names.values():
        copy.run("git", "update-ref", experiment.reference(copy.folder, name), finished)
    copy.edit("conf/model/cnn.yaml", "filters: [8, 12]", "filters: [4, 6]")
    copy.dvc("repro", "compose")
    copy.commit()
    start = git(copy.folder, "rev-parse", "HEAD")
    process = sweep(copy.folder, *RATES[:-1], "train.learning_rate=0.001,1e38")
    try:
        assert wait_for(lambda: (copy.folder / ".sweeps/rates/owner").exists() or process.poll() is not None)
        at_work = copy.folder / ".sweeps" / "rates"
        assert wait_for(lambda: start in (at_work / "owner").read_text() or process.poll() is not None)
        copy.run("git", "checkout", "--quiet", "--force", "--detach", head)
        output = process.communicate(timeout=900)[0]
    finally:
        process.kill()
    assert "1 done, 1 failed" in output, output
    return copy, start, names["train.learning_rate=1e+38"]


def test_the_answer_of_a_sweep_whose_head_moved_holds_its_own_numbers_and_its_failure(elsewhere):
    copy, start, failed = elsewhere
    (row,) = csv.DictReader(copy.read("reports/sweeps/rates/results.csv").splitlines())
    reference = experiment.reference(copy.folder, row["experiment"], start)
    metrics = json.loads(copy.run("git", "show", f"{reference}:reports/metrics.json"))
    other = json.loads(
        copy.run(
            "git", "show", f"{experiment.reference(copy.folder, row['experiment'])}:reports/metrics.json"
        )
    )
    assert int(row["parameters"]) == metrics["parameters"] != other["parameters"]
    assert float(row["validation.accuracy"]) == pytest.approx(metrics["validation"]["accuracy"], abs=1e-6)
    page = copy.read("reports/sweeps/rates/summary.md")
    assert f"- `{failed}` (train.learning_rate=1e+38 runtime.threads=1)" in page


@pytest.fixture(scope="module")
def other_machine(restarted, project, tmp_path_factory) -> Project:
    """A copy that was run on a CPU which gives other bytes: dvc.lock names outputs that no cache has."""
    copy = project.copied(tmp_path_factory.mktemp("other") / "project")
    made = states(project.folder, "rates")["train.learning_rate=0.001"]["experiment"]
    copy.run(
        *("git", "checkout", "--quiet", experiment.reference(copy.folder, made)),
        *("--", "dvc.lock", "reports/metrics.json", "reports/history.tsv"),
    )
    lock = yaml.safe_load(copy.read("dvc.lock"))
    for stage in experiment.STAGES[1:]:
        for out in lock["stages"][stage]["outs"]:
            out["md5"] = hashlib.md5(out["md5"].encode()).hexdigest() + out["md5"][32:]
    (copy.folder / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))
    (copy.folder / "reports/metrics.json").write_text("{}\n")
    return copy


def ended(folder: Path, *arguments: str) -> str:
    """Output of a sweep that succeeds."""
    process = sweep(folder, *arguments)
    output = process.communicate(timeout=900)[0]
    assert process.returncode == 0, output
    return output


def test_outputs_of_another_machine_are_no_obstacle_and_committing_them_restarts_nothing(other_machine):
    folder, seeds = other_machine.folder, ("-m", "hydra.job.name=seeds", "seed=1")
    head = git(folder, "rev-parse", "HEAD")
    assert "1 done" in ended(folder, *seeds)
    answer = digest(folder / "reports/sweeps/seeds", "*")
    other_machine.commit()
    output = ended(folder, *seeds)
    assert "1 skipped" in output
    assert f"from commit {head[:8]}, which has its experiments and the same sources" in output
    assert digest(folder / "reports/sweeps/seeds", "*") == answer
    assert other_machine.run("git", "status", "--porcelain") == ""
    # A source changes, so that the job starts from the commit that names what is in no cache.
    other_machine.edit("conf/train/default.yaml", "patience: 2", "patience: 3")
    other_machine.dvc("repro", "compose")
    other_machine.commit()
    output = ended(folder, *seeds)
    assert "1 done" in output
    assert "from commit" not in output


def test_the_queue_of_dvc_gives_the_same_results(restarted, project, tmp_path):
    copy = project.copied(tmp_path / "project")
    # In this copy, the cache has no run of these yet: they must be trained again.
    shutil.rmtree(copy.folder / ".dvc" / "cache" / "runs", ignore_errors=True)
    copy.dvc(
        *("exp", "run", "--queue", "--name", "queued"),
        *("-S", "train.learning_rate=0.001,0.002", "-S", "runtime.threads=1"),
    )
    with (tmp_path / "log").open("w") as log:
        # The workers keep stdout open.
        subprocess.run(
            ["dvc", "queue", "start", "-j", "2"],
            cwd=copy.folder,
            env=environment(),
            stdout=log,
            stderr=log,
            check=True,
        )
    try:
        names = ("queued-1", "queued-2")
        assert wait_for(lambda: all(experiment.accuracy(copy.folder, name) is not None for name in names))
    finally:
        subprocess.run(["dvc", "queue", "stop"], cwd=copy.folder, env=environment(), capture_output=True)
    for name, rate in zip(names, ("0.001", "0.002"), strict=True):
        swept = states(project.folder, "rates")[f"train.learning_rate={rate}"]["experiment"]
        for path in ("reports/metrics.json", "reports/history.tsv", "params.yaml", "dvc.lock"):
            queued = copy.run("git", "show", f"{experiment.reference(copy.folder, name)}:{path}")
            assert queued == project.run(
                "git", "show", f"{experiment.reference(project.folder, swept)}:{path}"
            )
    if wait_for(lambda: not processes_in(copy.folder), 60):
        return
    # DVC may lose a worker of its queue, which it then counts as none and cannot stop (treeverse/dvc#10427).
    assert "0 active, 0 idle" in copy.dvc("queue", "status")
    for process, command in working_in(copy.folder).items():
        assert " queue-worker " in command or " queue start " in command, processes_in(copy.folder)
        process.kill()
