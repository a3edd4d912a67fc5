"""What DVC records is what was used, and a stage that fails or is killed leaves the earlier results."""

import os
import re
import signal
import subprocess
import time

import psutil
import pytest
from conftest import digest, environment, stages_run

RESULTS = ("data/raw/*", "data/prepared/*", "models/*", "reports/*.*", "reports/figures/*/*")
# In the place of a stage: writes each of its outputs, then runs what a test wants to happen meanwhile.
STUB = """
import os, subprocess
from pathlib import Path
import yaml
from pipeline.stages import stage
with stage():
    entry = yaml.safe_load(Path("dvc.yaml").read_text())["stages"][os.environ["DVC_STAGE"]]
    outs = [out for kind in ("outs", "metrics", "plots") for out in entry.get(kind, [])]
    outs = [out for out in outs if "persist" not in str(out)]
    for path in [Path(out if isinstance(out, str) else next(iter(out))) for out in outs]:
        (path / "other.txt" if path.is_dir() else path).write_text("other")
    exec(os.environ.get("MEANWHILE", ""))
"""
APPEND = "Path('{}').open('a').write('# edited\\n')"
SEED = "Path('params.yaml').write_text(Path('params.yaml').read_text().replace('seed: 3', 'seed: 42'))"
# Stage, what happens meanwhile, and what the error names.
MEANWHILE = [
    ("compose", APPEND.format("conf/train/smoke.yaml"), "conf"),
    ("fetch", "Path('data/external/new.png').write_text('new')", "data/external"),
    ("prepare", "Path('data/raw/dataset.json').write_text('other')", "data/raw"),
    ("train", APPEND.format("pipeline/training/loop.py"), "pipeline/training"),
    ("evaluate", SEED, "seed 3 -> 42"),
    ("explain", "subprocess.run(['git', 'stash', '--quiet'], check=True)", "seed 3 -> 42"),
    ("report", "Path('models/epochs.npz').write_text('other')", "models/epochs.npz"),
]


@pytest.fixture
def copy(trained, tmp_path):
    copied = trained.copied(tmp_path / "project")
    copied.commit()
    return copied


def recorded(project):
    """Entries of the run cache, and what `dvc.lock` says."""
    return sorted((project.folder / ".dvc/cache/runs").rglob("*")), project.read("dvc.lock")


@pytest.mark.parametrize(("stage", "meanwhile", "named"), MEANWHILE)
def test_a_stage_fails_when_what_it_used_changes_meanwhile_and_nothing_is_recorded(
    copy, monkeypatch, stage, meanwhile, named
):
    (copy.folder / f"pipeline/stages/{stage}.py").write_text(STUB)
    copy.commit()
    copy.edit("params.yaml", "\nseed: 42", "\nseed: 3")
    results, before = digest(copy.folder, *RESULTS), recorded(copy)
    monkeypatch.setenv("MEANWHILE", meanwhile)
    output = copy.dvc("repro", "--single-item", stage, fails=True)
    error = next(line for line in output.splitlines() if line.startswith("error: "))
    assert named in error
    assert f"while {stage} ran" in error
    assert recorded(copy) == before
    changed = set(digest(copy.folder, *RESULTS).items()) ^ set(results.items())
    assert all(name.startswith(named) for name, _ in changed)
    # The same without a change is recorded.
    monkeypatch.delenv("MEANWHILE")
    copy.dvc("repro", "--single-item", "--force", stage)
    assert recorded(copy) != before


def test_stages_that_fail_leave_the_earlier_results_and_git_shows_what_was_edited(copy):
    broken = {
        "evaluate": "def\n",
        "explain": "import nothing_of_this_name\n",
        "train": "raise RuntimeError\n",
    }
    before = digest(copy.folder, *RESULTS)
    for stage, code in broken.items():
        (copy.folder / f"pipeline/stages/{stage}.py").write_text(code)
    copy.dvc("repro", "--keep-going", fails=True)
    copy.dvc("repro", "--single-item", "evaluate", fails=True)
    copy.dvc("repro", "--single-item", "explain", fails=True)
    assert digest(copy.folder, *RESULTS) == before
    changed = copy.run("git", "status", "--porcelain").split()[1::2]
    assert changed == [f"pipeline/stages/{stage}.py" for stage in broken]
    copy.run("git", "checkout", ".")
    assert stages_run(copy.dvc("repro")) == []


def started(project, *command):
    """A dvc that runs, in a process group of its own; its stage `train` has ended an epoch."""
    progress = project.folder / ".train/progress.jsonl"
    progress.unlink(missing_ok=True)
    running = subprocess.Popen(
        ["dvc", *command],
        cwd=project.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while running.poll() is None and time.monotonic() < deadline:
        if progress.exists() and progress.read_text().count("\n") > 1:
            return running
        time.sleep(0.02)
    raise AssertionError(running.communicate()[0])


def train_of(running):
    return next(child for child in psutil.Process(running.pid).children(True) if "python" in child.name())


@pytest.mark.parametrize("ended", ["train killed", "dvc killed", "Ctrl-C"])
def test_a_training_that_is_cut_off_leaves_the_earlier_results_and_goes_on(copy, ended):
    copy.edit("params.yaml", "epochs: 3", "epochs: 40")
    copy.edit("params.yaml", "patience: 2", "patience: null")
    before = digest(copy.folder, *RESULTS)
    running = started(copy, "repro", "train")
    stage = train_of(running)
    if ended == "Ctrl-C":
        os.killpg(running.pid, signal.SIGINT)
    else:
        (stage if ended == "train killed" else running).kill()
    output = running.communicate()[0]
    stage.wait(10)
    assert "Traceback" not in output
    assert digest(copy.folder, *RESULTS) == before
    assert set(copy.run("git", "status", "--porcelain").split()[1::2]) <= {"params.yaml", "dvc.lock"}
    if ended == "dvc killed":
        assert "continuing an interrupted run after epoch" in copy.dvc("repro", "train")
        assert copy.read("reports/history.tsv").count("\n") == 41


def test_going_back_to_earlier_values_trains_nothing(copy):
    bytes_of, logs = {}, []
    for seed in (42, 1, 42):
        (copy.folder / "params.yaml").write_text(
            re.sub(r"(?m)^seed: .*", f"seed: {seed}", copy.read("params.yaml"))
        )
        logs.append(copy.dvc("repro", "evaluate"))
        bytes_of.setdefault(seed, digest(copy.folder, "models/*", "reports/*.*"))
        assert digest(copy.folder, "models/*", "reports/*.*") == bytes_of[seed]
    assert ["train" in stages_run(log) for log in logs] == [False, True, False]
    # A clone with the same cache trains nothing either.
    cache = str(copy.folder / ".dvc/cache")
    copy.commit()
    clone = copy.folder.with_name("clone")
    copy.run("git", "clone", "--quiet", str(copy.folder), str(clone))
    elsewhere = type(copy).existing(clone)
    elsewhere.dvc("config", "--local", "cache.dir", cache)
    assert set(stages_run(elsewhere.dvc("repro", "evaluate"))) <= {"compose"}
    assert digest(clone, "models/*") == digest(copy.folder, "models/*")
