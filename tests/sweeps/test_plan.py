"""What a sweep will run, and what is refused before anything runs."""

import hashlib
import io
import shutil
import subprocess
from collections import namedtuple

import pytest
from conftest import ROOT, environment
from rich.console import Console

from pipeline.base import git as git_module
from pipeline.base.errors import InputError
from pipeline.commands import sweep
from pipeline.sweeps import checks, screen
from pipeline.sweeps import plan as plan_module
from pipeline.sweeps.job import Job, Progress
from pipeline.sweeps.states import keep, only_one, owner, read_states

CONF = ROOT / "conf"


def git(folder, *arguments, **variables):
    command, variables = ["git", *arguments], {**environment(), **variables}
    subprocess.run(command, cwd=folder, check=True, env=variables, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("seed: 1\n")
    (tmp_path / "notes.txt").write_text("anything\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "state")
    return tmp_path


def test_every_combination_is_a_job():
    plan = plan_module.plan(CONF, ["model.filters=[8,16],[16,32]", "seed=1,2,3", "data=digits"])
    assert plan.num_jobs == len(plan.jobs) == 2 * 3
    assert [job.overrides for job in plan.jobs][:2] == [
        ["model.filters=[8,16]", "seed=1", "data=digits"],
        ["model.filters=[8,16]", "seed=2", "data=digits"],
    ]


def test_one_value_each_is_a_sweep_of_one_job():
    assert len(plan_module.plan(CONF, ["seed=1"]).jobs) == 1


def test_an_experiment_is_named_after_the_sweep_and_its_overrides_in_any_order():
    digest = hashlib.sha256(b"model.filters=[8,16]\nseed=1").hexdigest()[:8]
    for given in (["seed=1", "model.filters=[8,16]"], ["model.filters=[8,16]", "seed=1"]):
        assert plan_module.plan(CONF, ["hydra.job.name=mine", *given]).jobs[0].experiment == f"mine-{digest}"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (["model.filters=[8],[16]", "seed=1,2", "data=digits"], "filters-seed"),
        (["model=cnn,lenet", "train.epochs=1"], "model"),
        (["train.epochs=1"], "epochs"),
        (["seed=1,2", "hydra.job.name=mine"], "mine"),
        (["seed=1,2", "hydra/launcher=joblib"], "seed"),
    ],
)
def test_a_sweep_is_named_after_what_is_swept_unless_it_is_given_a_name(given, name):
    assert plan_module.plan(CONF, given).name == name


def test_values_of_params_that_no_job_has_are_named(tmp_path):
    shutil.copytree(CONF, tmp_path / "conf")
    params = (ROOT / "params.yaml").read_text()
    for old, new in (
        ("seed: 42\nconf", "seed: 7\nconf"),
        ("epochs: 10", "epochs: 4"),
        ("patience: 2", "patience: 5"),
    ):
        assert old in params
        params = params.replace(old, new)
    (tmp_path / "params.yaml").write_text(params)
    remarks = plan_module.plan(tmp_path / "conf", ["seed=1,2"]).remarks
    # Not the seed, which is swept.
    assert remarks[1:] == ["train.epochs: 4 -> 10", "train.patience: 5 -> 2"]
    assert plan_module.plan(tmp_path / "conf", ["train=smoke", "seed=1"]).remarks == []


def test_jobs_side_by_side_take_one_thread_each_unless_told_otherwise():
    plan = plan_module.plan(CONF, ["hydra/launcher=joblib", "seed=1,2"])
    assert [job.overrides[-1] for job in plan.jobs] == ["runtime.threads=1"] * 2
    assert plan.remarks == ["runtime.threads=1, since jobs run side by side"]
    told = plan_module.plan(CONF, ["hydra/launcher=joblib", "seed=1,2", "runtime.threads=2"])
    assert [job.overrides[-1] for job in told.jobs] == ["runtime.threads=2"] * 2
    assert plan_module.plan(CONF, ["seed=1,2"]).jobs[0].overrides == ["seed=1"]


def test_a_search_maximizes_with_a_seeded_sampler_unless_told_otherwise():
    given = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "train.learning_rate=interval(0.001,0.01)"]
    plan = plan_module.plan(CONF, given)
    assert plan.num_jobs == 3
    assert {"hydra.sweeper.direction=maximize", "hydra.sweeper.sampler.seed=42"} <= set(plan.arguments)
    assert "hydra.sweeper.n_jobs=1" in plan.arguments
    told = plan_module.plan(CONF, [*given, "hydra.sweeper.direction=minimize"])
    assert "hydra.sweeper.direction=maximize" not in told.arguments


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["seed=1,-2"], "job seed=-2: seed: received -2, expected a whole number from 0"),
        (["train.epoch=1,2"], "train.epoch: unknown key (received 1); did you mean train.epochs?"),
        (["model.kernel_size=3,40"], "job model.kernel_size=40: layer conv2d: received a window of 40x40"),
        (["seed=1,1"], "two jobs that are the same: seed=1 | seed=1"),
        (["data=nothing"], "data: received 'nothing', expected one of digits, fashion_mnist"),
        (["hydra/launcher=rocket", "seed=1"], "hydra/launcher: received 'rocket', expected one of basic"),
        (["seed=interval(1,2)"], "received an interval, expected a list of values"),
        (["seed=1,2", "hydra.job.name=a/b"], "hydra.job.name: received 'a/b', expected letters"),
        (
            ["hydra/sweeper=optuna", "train.learning_rate=interval(-1,0.1)"],
            "train.learning_rate: received -1.0, expected a finite number above 0",
        ),
        (["hydra/sweeper=optuna", "model.filters=choice([8],[0])"], "model.filters: received [0]"),
        (["hydra/sweeper=optuna", "seed=1", "train.epochs=0"], "train.epochs: received 0"),
    ],
)
def test_any_job_that_is_wrong_refuses_the_whole_sweep(given, message):
    with pytest.raises(InputError) as error:
        plan_module.plan(CONF, given)
    assert message in str(error.value)


def cells(states, width: int) -> list[list[str]]:
    """The table's cells, line by line of the screen."""
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(screen.table(states))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in console.export_text().splitlines()]
    return [row for row in rows if row]


def test_a_narrow_screen_cuts_nothing_that_tells_jobs_apart():
    jobs = [
        Job(f"filters-learning_rate-seed-0a1b2c3{n}", [f"model.filters=[{n},64,128]", f"seed={n}"])
        for n in (4, 8)
    ]
    lines = cells([(job, Progress("running", 2, 10, 0.9, 230.0)) for job in jobs], width=80)
    assert "".join(line[0] for line in lines) == "".join(job.experiment for job in jobs)
    assert "".join(line[1] for line in lines).replace(" ", "") == "".join(
        "".join(job.overrides) for job in jobs
    )


def test_the_table_shows_what_tells_jobs_apart_and_how_far_they_are():
    states = [
        (Job("one", ["data=digits", "model.filters=[8]"]), Progress("running", 2, 3, 0.5, 7.2)),
        (Job("two", ["data=digits", "model.filters=[16]"]), Progress("waiting")),
    ]
    assert cells(states, width=100) == [
        ["one", "model.filters=[8]", "running", "2/3", "0.5000", "7"],
        ["two", "model.filters=[16]", "waiting", "", "", ""],
    ]


def test_seconds_of_a_skipped_job_are_those_from_the_same_start(tmp_path):
    job = Job("seed-1", ["seed=1"])

    def kept(start: str, progress: Progress) -> Progress:
        folder = tmp_path / "seed"
        with only_one(folder, start):
            keep(folder, owner(folder), job, progress)
            ((_, last),) = read_states(folder, [job])
        return last

    skipped = Progress("skipped", accuracy=0.5)
    assert kept("a" * 40, Progress("done", accuracy=0.5, seconds=7.0)).seconds == 7
    assert kept("b" * 40, skipped).seconds == 0
    assert kept("b" * 40, Progress("done", accuracy=0.5, seconds=9.0)).seconds == 9
    assert kept("a" * 40, Progress("failed", seconds=2.0)).seconds == 2
    assert [kept(start * 40, skipped).seconds for start in "ab"] == [7, 9]


def test_states_of_an_earlier_sweep_from_another_start_are_not_shown_also_if_its_process_id_is_the_same(
    tmp_path,
):
    job = Job("seed-1", ["seed=1"])
    with only_one(tmp_path, "a" * 40):
        keep(tmp_path, owner(tmp_path), job, Progress("done", accuracy=0.5))
    with only_one(tmp_path, "b" * 40):
        states = read_states(tmp_path, [job])
    assert states == [(job, Progress("waiting"))]


def test_a_sweep_of_which_every_job_failed_tells_that_the_answer_is_an_earlier_one(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sweep, "ROOT", tmp_path)
    states = [(Job("seed-1", ["seed=1"]), Progress("failed", log_end="no"))]

    def told() -> str:
        with pytest.raises(InputError) as error:
            sweep.conclude("seed", "a" * 40, states, 1.0)
        return str(error.value)

    assert told() == "1 of 1 jobs failed: seed-1; see .sweeps/seed/"
    assert not (tmp_path / "reports").exists()
    page = tmp_path / "reports" / "sweeps" / "seed" / "summary.md"
    page.parent.mkdir(parents=True)
    page.write_text("# Sweep seed\n\n**Best: `seed=2`**\n")
    assert told().endswith("; reports/sweeps/seed/ has an earlier run's answer, and says so")
    assert page.read_text().startswith("# Sweep seed\n\n**The last run of this sweep has no results: ")
    assert page.read_text().endswith("\n\n**Best: `seed=2`**\n")
    assert "1 failed" in capsys.readouterr().out


def test_uncommitted_changes_of_what_an_experiment_is_made_of_are_named(repository):
    checks.check_repository(repository)
    (repository / "notes.txt").write_text("other\n")
    checks.check_repository(repository)
    (repository / "conf" / "config.yaml").write_text("seed: 2\n")
    (repository / "params.yaml").write_text("seed: 2\n")
    with pytest.raises(
        InputError, match=r"uncommitted changes: conf/config\.yaml, params\.yaml; .*commit or stash"
    ):
        checks.check_repository(repository)


def test_what_a_pipeline_makes_may_differ_from_the_commit(repository):
    for name in ("dvc.lock", "reports/metrics.json", "reports/figures/loss.png"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("committed\n")
    checks.check_repository(repository)
    git(repository, "add", "--all")
    (repository / "dvc.lock").write_text("of another machine\n")
    (repository / "reports/metrics.json").unlink()
    checks.check_repository(repository)
    (repository / ".dvc").mkdir()
    (repository / ".dvc" / "config").write_text("[core]\n")
    with pytest.raises(InputError, match=r"uncommitted changes: \.dvc/config; "):
        checks.check_repository(repository)


def commit(folder, name, text):
    """Commit a file, a second after the commit before it; return the commit."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    seconds = int(git_module.git(folder, "log", "-1", "--format=%ct")) + 1
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", name, GIT_COMMITTER_DATE=f"@{seconds}")
    return git_module.git(folder, "rev-parse", "HEAD")


def put(folder, start, name):
    """Make an experiment that started from a commit."""
    git(folder, "update-ref", f"refs/exps/{start[:2]}/{start[2:]}/{name}", "HEAD")


def test_a_sweep_starts_from_head_while_it_has_no_experiments(repository):
    head = commit(repository, "params.yaml", "seed: 1")
    assert checks.start(repository, "seed") == head
    # Of other sweeps, and one that outlived the commit that it started from.
    for start, name in ((head, "seed-more-0123abcd"), (head, "other-0123abcd"), ("0" * 40, "seed-0123abcd")):
        put(repository, start, name)
    later = commit(repository, "reports/page.md", "more")
    assert checks.start(repository, "seed") == later


def test_commits_of_what_is_no_source_leave_a_sweep_at_the_newest_start_that_has_experiments(repository):
    starts = [commit(repository, "reports/page.md", text) for text in ("first", "second")]
    for start in starts:
        put(repository, start, "seed-0123abcd")
    for name in ("reports/page.md", "docs/page.md", "README.md", "dvc.lock", "tests/test.py"):
        head = commit(repository, name, "other")
        assert checks.start(repository, "seed") == starts[1]
    put(repository, head, "seed-89abcdef")
    assert checks.start(repository, "seed") == head


@pytest.mark.parametrize(
    "name",
    [
        *("conf/config.yaml", "pipeline/network/layers.py", "params.yaml", "dvc.yaml"),
        *(".dvc/config", ".dvcignore", "data/external/pets.dvc"),
    ],
)
def test_a_commit_of_any_source_is_a_new_start_and_its_reverse_leads_back(repository, name):
    before = commit(repository, name, "one")
    put(repository, before, "seed-0123abcd")
    after = commit(repository, name, "two")
    assert checks.start(repository, "seed") == after
    commit(repository, name, "one")
    assert checks.start(repository, "seed") == before


def test_a_folder_without_git_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected a Git repository with a commit; run `git init`"):
        checks.check_repository(tmp_path)


def test_too_little_room_on_the_disk_is_refused(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "best.keras").write_bytes(bytes(50 * 2**20))
    # Ten times 50 MB of models and 10 MB of reports, and 200 MB to spare.
    for free, enough in ((801, True), (799, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage(0, 0, free * 2**20))
        if enough:
            checks.check_disk(tmp_path, 10, 2)
            continue
        with pytest.raises(
            InputError, match="received 799 MB free, expected about 800 MB for 10 experiments"
        ):
            checks.check_disk(tmp_path, 10, 2)
