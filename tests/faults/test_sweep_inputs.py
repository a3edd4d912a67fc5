"""What is wrong with a sweep's own settings and files is one line before it runs, or costs nothing."""

import json
import stat
import sys

import pytest
from conftest import ROOT
from sweeps_by_hand import run

from pipeline.analysis.configurations import configurations
from pipeline.base.errors import InputError
from pipeline.base.locks import claimed
from pipeline.commands import sweep
from pipeline.sweeps import clone, plan, states, summary
from pipeline.sweeps.job import Job, Progress

CONF = ROOT / "conf"
OPTUNA = ("hydra/sweeper=optuna", "seed=1,2")
JOBLIB = ("hydra/launcher=joblib", "seed=1,2")
OWN = "received a setting that a sweep makes itself"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["train=null"], "train: received None, expected one of deep, default,"),
        (["train=default,null"], "train: received None, expected one of deep, default,"),
        (["train=[smoke]"], r"train: received \['smoke'\], expected one of deep, default,"),
        (["=1"], "=1: received a setting"),
        (
            ["seed=1", "hydra.job.name=" + 300 * "a"],
            "job.name: received 'aaa.*', expected .* up to 100",
        ),
        (["seed=range(1,2000000000)"], "received more than 1000 jobs"),
        (["seed=range(1,10,-1)"], "received no jobs"),
        (["seed=range(1,10,0)"], r"seed=range\(1,10,0\): "),
        (["seed=range(1.0,10,0)"], r"seed=range\(1.0,10,0\): "),
        ([*OPTUNA, "hydra.sweeper.n_trials=0"], "n_trials: received 0, expected 1 to 1000"),
        ([*OPTUNA, "hydra.sweeper.n_trials=many"], "n_trials=many: Value 'many' .* not be converted to Int"),
        ([*OPTUNA, "hydra.sweeper.n_jobs=0"], "n_jobs: received 0, expected 1 or more"),
        ([*OPTUNA, "hydra.sweeper.direction=up"], "received 'up', expected maximize or minimize"),
        ([*JOBLIB, "hydra.launcher.n_jobs=0"], "n_jobs: received 0, expected 1 or more, or -1"),
        ([*JOBLIB, "hydra.launcher.batch_size=0"], "batch_size: received '0', expected auto, or 1 or more"),
        (["seed=1", "hydra.sweep.dir=/tmp/elsewhere"], OWN),
        (["seed=1", "hydra.sweep.subdir=../.."], OWN),
        (["seed=1", "hydra.run.dir=/tmp/elsewhere"], OWN),
        (["seed=1", "hydra.output_subdir=../.."], OWN),
        (["seed=1", "hydra.searchpath=[/tmp]"], OWN),
        (["seed=1", "hydra.launcher._target_=os.system"], OWN),
        (["data=npz", "data.folder='a\nb'"], "data.folder: received .*, expected a text of one line"),
        (["data=npz", "data.folder='a\u2028b'"], "data.folder: received .*, expected a text of one line"),
    ],
)
def test_settings_that_no_sweep_can_have_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        plan.plan(CONF, given)


@pytest.mark.parametrize(
    "given", [[*JOBLIB, "hydra.launcher.n_jobs=-1"], [*OPTUNA, "hydra.sweeper.n_jobs=2"]]
)
def test_settings_that_a_sweep_can_have_are_taken(given):
    assert set(given) <= set(plan.plan(CONF, given).arguments)


def test_names_of_folders_may_have_any_blanks_and_letters(compose):
    assert compose("data=npz", "data.folder='눈 사진\u3000é'").data.folder == "눈 사진\u3000é"


def test_what_a_plugin_of_hydra_says_is_one_line_and_our_own_faults_are_not(monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    with (
        pytest.raises(InputError, match="ValueError: no such backend; mend its settings"),
        sweep.plugin_errors(),
    ):
        raise_elsewhere()
    with pytest.raises(TypeError), sweep.plugin_errors():
        summary.answer(None)


def raise_elsewhere():
    raise ValueError("no such backend")


GOOD = {
    "sweep": 0,
    "start": "commit",
    "experiment": "seed-1",
    "overrides": ["seed=1"],
    "state": "done",
    "epoch": 1,
    "epochs": 1,
    "accuracy": 0.5,
    "seconds": 3.0,
    "log_end": "",
    "seconds_by_start": {"commit": 3.0},
}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "\0",
        *(json.dumps({**GOOD, name: [{}]}) for name in GOOD),
        json.dumps({"sweep": 0}),
    ],
)
def test_a_damaged_state_counts_as_none(tmp_path, content):
    job = Job("seed-1", ["seed=1"])
    with states.only_one(tmp_path, "commit"):
        mine = states.owner(tmp_path)
        path = tmp_path / "seed-1.json"
        path.write_text(json.dumps({**GOOD, "sweep": mine}))
        assert states.read_states(tmp_path, [job])[0][1].state == "done"
        path.write_text(content.replace('"sweep": 0', f'"sweep": {mine}'))
        assert states.read_states(tmp_path, [job])[0][1].state == "waiting"
        states.keep(tmp_path, mine, job, Progress("skipped", accuracy=0.5))
        assert states.read_states(tmp_path, [job])[0][1].state == "skipped"


def test_a_lock_whose_holder_has_not_left_its_number_yet_is_refused(tmp_path):
    path = tmp_path / "owner"
    with claimed(path, str):
        path.write_text("")
        with pytest.raises(InputError, match="no number"), claimed(path, lambda holder: f"held: {holder}"):
            pass


def test_values_are_no_markup_in_the_answer():
    folders = ("a|b`<c", "[d](e)&_f_")
    runs = [run(f"data.folder={one}", "seed=1", data__folder=one) for one in folders]
    page = summary.table(configurations(runs))
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert "a&#124;b&#96;&#60;c" in page
    assert len({line.count("|") for line in rows}) == 1
    assert "<c" not in page
    problems = ["a\nb\n\n# c"]
    page = summary.summary("s", configurations(runs), [("x", ["seed=1"], None)], {}, problems)
    assert "- a b # c\n" in page


def test_keys_of_a_remote_stay_with_this_user_in_the_clone_of_a_job(tmp_path):
    folder = tmp_path / "job"
    (folder / ".dvc").mkdir(parents=True)
    path = folder / ".dvc/config.local"
    path.touch(mode=0o644)
    clone.write_local_config(folder, {'remote "s"': {"secret_access_key": "a b"}}, tmp_path / "cache")
    assert "secret_access_key = a b" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
