"""Sweeps by the real dvc, on digits and with the stages up to the scores."""

import csv
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from conftest import Project, digest, environment
from real_sweeps import names, small_project, start, sweep

from pipeline.runs.revisions import experiments

pytestmark = pytest.mark.slow
# With all but one of the training images held out, no class can be learned from the rest.
FRACTIONS = ("hydra/launcher=joblib", "hydra.job.name=fractions", "data.validation_fraction=0.2,0.3,0.9999")


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that work below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def wait_for(condition, seconds: float = 300.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(condition())


def clones(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / ".sweeps" / name).glob("*") if path.is_dir()]


@pytest.fixture(scope="module")
def project(tmp_path_factory, worker_id) -> Project:
    return small_project(tmp_path_factory, worker_id)


@pytest.fixture(scope="module")
def killed(project) -> list[str]:
    """Experiments of a sweep that was killed, once a job was done and another at work."""
    process = start(project.folder, *FRACTIONS)
    there = wait_for(lambda: names(project.folder, "fractions") and clones(project.folder, "fractions"))
    ended = process.poll()
    process.kill()
    output = process.communicate()[0]
    assert there
    assert ended is None, output
    return names(project.folder, "fractions")


@pytest.fixture(scope="module")
def restarted(project, killed) -> str:
    """What the same sweep printed, started again, without `conf/` from its first job on."""
    assert wait_for(lambda: not processes_in(project.folder), 20), processes_in(project.folder)
    process, conf = start(project.folder, *FRACTIONS), project.folder / "conf"
    lines = []
    while not any(" starts on " in line for line in lines) and process.poll() is None:
        lines.append(process.stdout.readline())
    conf.rename(project.folder / "conf.away")
    output = "".join(lines) + process.communicate(timeout=600)[0]
    (project.folder / "conf.away").rename(conf)
    assert process.returncode == 1, output
    return output


def test_killing_a_sweep_leaves_no_process_and_the_work_tree_as_it_was(project, killed):
    assert wait_for(lambda: not processes_in(project.folder), 20), processes_in(project.folder)
    assert project.run("git", "status", "--porcelain") == ""
    assert project.run("git", "symbolic-ref", "HEAD").strip() == "refs/heads/main"


def test_a_sweep_started_again_runs_what_is_not_there_though_conf_is_moved(project, killed, restarted):
    assert set(killed) < set(names(project.folder, "fractions"))
    assert len(names(project.folder, "fractions")) == 2
    assert not [name for name in killed if f"{name} starts" in restarted]
    assert clones(project.folder, "fractions") == []
    assert processes_in(project.folder) == []


def test_a_failing_job_is_named_with_host_and_reason_and_the_others_are_in_the_result(project, restarted):
    (reason,) = [line for line in restarted.splitlines() if " failed on " in line]
    failed = reason.split()[0]
    assert "data.validation_fraction" in restarted.partition(reason)[2]
    assert restarted.splitlines()[-1].startswith("error: ")
    assert failed in restarted.splitlines()[-1]
    assert "Traceback" not in restarted
    rows = list(csv.DictReader(project.read("reports/sweeps/fractions/results.csv").splitlines()))
    assert {row["experiment"] for row in rows} == set(names(project.folder, "fractions"))
    assert {row["data.validation_fraction"] for row in rows} == {"0.2", "0.3"}
    assert all(float(row["seconds"]) > 0 for row in rows)
    assert f"- `{failed}` (data.validation_fraction=0.9999" in project.read(
        "reports/sweeps/fractions/summary.md"
    )


def test_each_job_is_an_experiment_with_its_values_its_overrides_as_message_and_no_old_picture(
    project, restarted
):
    for one in experiments(project.folder):
        shown = project.run("git", "show", "--no-patch", "--format=%B", one.commit).split()
        params = yaml.safe_load(project.run("git", "show", f"{one.commit}:params.yaml"))
        assert f"data.validation_fraction={params['data']['validation_fraction']}" in shown
        assert params["runtime"]["threads"] == 1
        kept = project.run("git", "ls-tree", "-r", "--name-only", one.commit, "reports/figures").split()
        assert {name.split("/")[2] for name in kept} == {"evaluate"}


def test_the_same_jobs_under_another_name_train_nothing_and_under_the_same_run_nothing(project, restarted):
    jobs = ("data.validation_fraction=0.2,0.3", "runtime.threads=1")
    output = sweep(project.folder, *jobs, "hydra.job.name=again")
    assert output.count(" starts on ") == 2
    for log in (project.folder / ".sweeps/again").glob("*.log"):
        assert "Stage 'train' is cached" in log.read_text()
    result = digest(project.folder / "reports/sweeps/again", "*")
    assert " starts on " not in sweep(project.folder, *jobs, "hydra.job.name=again")
    assert digest(project.folder / "reports/sweeps/again", "*") == result
    refused = sweep(project.folder, "data.validation_fraction=0.4", "hydra.job.name=again", code=1)
    assert "hydra.job.name" in refused
    assert digest(project.folder / "reports/sweeps/again", "*") == result


def test_the_command_of_the_result_trains_nothing_and_undoes_no_later_commit(project, restarted, tmp_path):
    copy = project.copied(tmp_path / "project")
    (copy.folder / "notes.txt").write_text("later\n")
    copy.commit()
    page = copy.read("reports/sweeps/fractions/summary.md")
    command = page.split("## Use it\n\n```\n")[1].split("\n")[0]
    output = copy.run("sh", "-c", command)
    assert "Stage 'train' is cached" in output
    assert (copy.folder / "notes.txt").exists()
    assert copy.params().runtime.threads == 1


def test_the_result_of_dvcs_own_queue_holds_what_a_sweep_of_the_same_values_does(project, restarted):
    project.dvc(
        *("exp", "run", "--queue", "--name", "queued"),
        *("-S", "data.validation_fraction=0.2,0.3", "-S", "runtime.threads=1"),
    )
    project.dvc("exp", "run", "--run-all")
    output = project.run("python", "-m", "pipeline.commands.result", "queued")
    assert "reports/sweeps/queued/summary.md" in output
    tables = [
        list(csv.DictReader(project.read(f"reports/sweeps/{name}/results.csv").splitlines()))
        for name in ("queued", "fractions")
    ]
    scores = [
        sorted((row["validation.accuracy"], row["test.loss"], row["parameters"]) for row in rows)
        for rows in tables
    ]
    assert scores[0] == scores[1]
    assert "no experiment" in project.run("python", "-m", "pipeline.commands.result", "nothing", fails=True)


def test_a_search_minimizes_the_share_of_wrong_images(project):
    sweep(
        project.folder,
        *("hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "hydra.job.name=search"),
        *("model.filters=choice([2,2],[16,32])", "train.learning_rate=interval(0.001,0.01)"),
    )
    rows = list(csv.DictReader(project.read("reports/sweeps/search/results.csv").splitlines()))
    assert len(rows) == 2
    best = yaml.safe_load(project.read(".sweeps/search/optimization_results.yaml"))
    highest = max(float(row["validation.accuracy"]) for row in rows)
    assert best["best_value"] == pytest.approx(1 - highest, abs=1e-6)


def test_jobs_may_be_handed_out_by_submitit(project):
    sweep(project.folder, "hydra/launcher=submitit_local", "hydra.job.name=handed", "seed=1,2")
    assert len(names(project.folder, "handed")) == 2
    assert len(project.read("reports/sweeps/handed/results.csv").splitlines()) == 1 + 2


def test_a_sweep_over_an_unwatched_folder_trains_again_when_the_pictures_change(project):
    pictures = project.folder.parent / "pictures"
    code = """
import sys; from pathlib import Path; import numpy as np; from PIL import Image
rng = np.random.default_rng(0)
for kind, name in enumerate(("cat", "dog")):
    folder = Path(sys.argv[1]) / name
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(20):
        pixels = rng.integers(0, 256, (12, 12, 1), np.uint8).repeat(3, axis=2)
        pixels[3:9, 3:9] = int(sys.argv[2]) * kind
        Image.fromarray(pixels).save(folder / f"{number}.png")
"""
    jobs = ("data=image_folder", f"data.folder={pictures}", "hydra.job.name=pets", "seed=1")
    fetched = []
    for bright in ("220", "0"):
        subprocess.run([sys.executable, "-c", code, str(pictures), bright], check=True)
        output = sweep(project.folder, *jobs)
        assert f"does not watch {pictures}" in output
        (log,) = (project.folder / ".sweeps/pets").glob("*.log")
        fetched.append("Running stage 'fetch'" in log.read_text())
    assert fetched == [True, True]
    assert len(names(project.folder, "pets")) == 2


def test_ctrl_c_says_what_becomes_of_the_sweep_and_ends_all_of_it(project):
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.commands.sweep", "seed=7,8", "hydra.job.name=stopped"],
        cwd=project.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert wait_for(lambda: clones(project.folder, "stopped") or process.poll() is not None)
    # DVC's databases in it run code when read, and its settings may hold credentials.
    assert [stat.S_IMODE(path.stat().st_mode) for path in clones(project.folder, "stopped")] == [0o700]
    taken = sweep(project.folder, "seed=7,8", "hydra.job.name=stopped", code=1)
    assert "error: a sweep stopped is at work" in taken
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.count("\n") < 5
    assert "the same command runs the rest" in errors
    assert wait_for(lambda: not processes_in(project.folder), 20), processes_in(project.folder)


def test_the_clone_of_a_job_has_the_settings_of_its_origin_and_its_cache(project, tmp_path):
    copy = project.copied(tmp_path / "a project")
    copy.dvc("config", "--local", "core.checksum_jobs", "3")
    copy.dvc("cache", "dir", "--local", str(tmp_path / "shared cache"))
    shutil.rmtree(copy.folder / ".dvc/cache")
    before = copy.read(".dvc/config.local")
    sweep(copy.folder, "seed=1", "hydra.job.name=one")
    assert copy.read(".dvc/config.local") == before
    assert list((tmp_path / "shared cache" / "files").rglob("*"))
    assert not (copy.folder / ".dvc/cache").exists()
