"""The jobs of a sweep as Hydra composes them, and what is refused before anything runs."""

import os
import shutil
import subprocess
from dataclasses import dataclass

import pytest
from conftest import ROOT, environment
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobRuntime
from hydra.types import RunMode
from omegaconf import read_write

from pipeline.base.errors import InputError
from pipeline.sweeps import planning, result
from pipeline.sweeps.job import experiment_name


@dataclass
class Planned:
    name: str
    jobs: list[list[str]]
    experiments: list[str]
    unwatched: set[str]


@pytest.fixture
def repository(tmp_path):
    """`conf/` and `data/external/` in Git."""
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "data/external/kept").mkdir(parents=True)
    (folder / "data/external/kept/one.txt").touch()
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "state"]):
        subprocess.run(["git", *command], cwd=folder, check=True, env=environment())
    return folder


@pytest.fixture
def plan(repository, tmp_path):
    def plan(*given, file="base", content=None) -> Planned:
        conf = tmp_path / "composed"
        shutil.copytree(ROOT / "conf", conf, dirs_exist_ok=True)
        shutil.copytree(ROOT / "sweeping", conf, dirs_exist_ok=True)
        if content:
            (conf / f"{file}.yaml").write_text(content)
        with initialize_config_dir(str(conf), version_base="1.3", job_name="sweep"):
            config = GlobalHydra.instance().hydra.compose_config(file, list(given), RunMode.MULTIRUN)
            with read_write(config):
                planning.complete(config)
                config.hydra.job.name = planning.sweep_name(config)
            jobs, unwatched = planning.planned(repository, config)
            return Planned(config.hydra.job.name, list(jobs.values()), list(jobs), unwatched)

    yield plan
    JobRuntime.instance().set("name", "UNKNOWN_NAME")


def test_every_combination_is_a_job_with_an_experiment_of_its_own(plan):
    made = plan("model.filters=[8,16],[16,32]", "seed=1,2,3", "data=digits")
    assert len(made.jobs) == len(set(made.experiments)) == 2 * 3
    assert made.jobs[1] == ["model.filters=[8,16]", "seed=2", "data=digits"]
    assert plan(
        "data=digits", "seed=2", "model.filters=[8,16]", "hydra.job.name=filters-seed"
    ).experiments == [made.experiments[1]]


def test_parameters_of_hydras_sweeper_count_as_overrides_do(plan):
    content = "defaults: [base, _self_]\nhydra: {sweeper: {params: {seed: '1,2', data: digits}}}\n"
    made = plan("train.epochs=3", file="mine", content=content)
    assert made.name == "mine"
    assert made.jobs == [
        ["seed=1", "data=digits", "train.epochs=3"],
        ["seed=2", "data=digits", "train.epochs=3"],
    ]


def test_values_that_the_file_of_a_sweep_sets_itself_are_in_every_job(plan):
    head = "defaults: [base, override data: digits, _self_]\ntrain: {epochs: 5}\nmodel: {filters: [4, 8]}\n"
    content = f"{head}hydra: {{sweeper: {{params: {{seed: '1,2', model.filters: '[2,2]'}}}}}}\n"
    for job in plan(file="mine", content=content).jobs:
        assert {"train.epochs=5", "data=digits", "model.filters=[2,2]"} <= set(job)
        assert "model.filters=[4, 8]" not in job


@pytest.mark.parametrize("file", [p.stem for p in (ROOT / "sweeping").glob("*.yaml")])
def test_every_file_in_sweeping_composes_and_says_what_it_is_for(plan, file):
    assert (ROOT / "sweeping" / f"{file}.yaml").read_text().startswith("# ")
    assert plan(file=file).name == (file if file != "base" else "single")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (["model.filters=[8],[16]", "seed=1,2", "data=digits"], "filters-seed"),
        (["model=cnn,lenet"], "model"),
        (["seed=1"], "single"),
        (["seed=1,2", "hydra.job.name=mine"], "mine"),
    ],
)
def test_a_sweep_is_named_after_what_is_swept_unless_it_is_named(plan, given, name):
    assert plan(*given).name == name


def test_jobs_side_by_side_take_one_thread_each_unless_it_is_set(plan):
    assert plan("hydra/launcher=joblib", "seed=1").jobs == [["seed=1", "runtime.threads=1"]]
    assert plan("hydra/launcher=joblib", "runtime.threads=2").jobs == [["runtime.threads=2"]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["seed=1,-2"], "job seed=-2: seed: .*-2"),
        (["train.epoch=1,2"], "train.epoch: .*1.*train.epochs"),
        (["model.kernel_size=3,40"], "job model.kernel_size=40.*40x40"),
        (["seed=1,1"], "seed=1 and seed=1"),
        (["data=digits,nothing"], "job data=nothing.*nothing"),
        (["seed=1,2", "hydra.job.name=a/b"], "hydra.job.name: .*a/b"),
        (["seed=1", "hydra.job.name=" + 300 * "a"], "hydra.job.name: .*100"),
        (["hydra/sweeper=optuna", "seed=1,2", "train.epochs=0"], "train.epochs: .*0"),
        (
            ["data=image_folder", "data.folder=data/external/toy"],
            "data/external/toy .*dvc add data/external/toy",
        ),
    ],
)
def test_any_job_that_is_wrong_refuses_the_whole_sweep(plan, given, message):
    with pytest.raises(InputError, match=f"(?s){message}"):
        plan(*given)


def test_a_folder_in_git_or_dvc_is_in_every_clone(repository):
    assert planning.absolute(repository, "data/external/kept") == ""
    assert planning.absolute(repository, None) == ""
    (repository / "data/external/big.dvc").touch()
    subprocess.run(["git", "add", "--force", "data/external/big.dvc"], cwd=repository, check=True)
    for folder in ("data/external/big", "data/external/big/inner"):
        assert planning.absolute(repository, folder) == ""


def test_experiments_over_an_unwatched_folder_are_named_after_what_is_in_it(plan, tmp_path):
    given = ("data=image_folder", f"data.folder={tmp_path / 'pets'}", "seed=1")
    picture = tmp_path / "pets" / "cat" / "1.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"1")
    first = plan(*given)
    assert first.unwatched == {str(tmp_path / "pets")}
    assert plan(*given).experiments == first.experiments
    state = picture.stat()
    picture.write_bytes(b"2")
    os.utime(picture, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert plan(*given).experiments != first.experiments
    assert experiment_name("s", "seed: 1\n", "") != experiment_name("s", "seed: 1\n", str(tmp_path / "pets"))


def test_uncommitted_changes_of_what_an_experiment_is_made_of_are_named(repository):
    (repository / "notes.txt").write_text("other\n")
    (repository / "dvc.lock").write_text("of another machine\n")
    planning.check_repository(repository)
    (repository / "params.yaml").write_text("seed: 2\n")
    with pytest.raises(InputError, match=r"uncommitted changes: params\.yaml; "):
        planning.check_repository(repository)


def test_what_git_refuses_comes_with_its_remedy(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(InputError, match=r"--add safe\.directory"):
        planning.check_repository(repository)


RESULT = "experiment,train,seed,parameters,seconds\ns-1,fast,1,10,2\ns-2,fast,2,10,2\n"


@pytest.mark.parametrize("seeds", [(1, 2), (1, 2, 3)])
def test_the_same_sweep_or_one_with_more_jobs_may_replace_a_result(tmp_path, seeds):
    table(tmp_path).write_text(RESULT)
    result.check_values(tmp_path, "s", [["train=fast", f"seed={seed}"] for seed in seeds], ())
    result.check_values(tmp_path, "other", [["seed=9"]], ())


@pytest.mark.parametrize("jobs", [[["train=fast", "seed=1"], ["train=fast", "seed=3"]], []])
def test_a_result_of_other_values_is_not_replaced(tmp_path, jobs):
    table(tmp_path).write_text(RESULT)
    with pytest.raises(InputError, match=r"reports/sweeps/s .*seed=.*hydra\.job\.name"):
        result.check_values(tmp_path, "s", jobs, ["s-1"])


def test_a_search_may_replace_the_result_of_experiments_that_are_there(tmp_path):
    table(tmp_path).write_text(RESULT)
    result.check_values(tmp_path, "s", [], ["s-1", "s-2", "s-3"])


def table(root):
    path = root / "reports/sweeps/s/results.csv"
    path.parent.mkdir(parents=True)
    return path
