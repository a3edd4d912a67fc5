"""The answer of a sweep as files: the table read back, the page, and real experiments."""

import base64
import csv
import json
import re

import numpy as np
import pytest
from conftest import digest
from pipeline.sweeps.experiment import reference
from sweeps_by_hand import grid, override, run, search

from pipeline.analysis.configurations import configurations
from pipeline.base import files
from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.network.checkpoint import convolutions, read_layers
from pipeline.sweeps import answer, summary


def test_the_table_read_back_has_a_row_for_each_run_and_a_column_for_each_override(tmp_path):
    files.write_table(tmp_path / "results.csv", *answer.results(configurations(grid(seeds=(1, 2)))))
    with (tmp_path / "results.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    assert (rows[1]["model.filters"], rows[1]["seed"]) == ("[8,16]", "2")
    assert (rows[1]["parameters"], rows[1]["total_filters"]) == ("24000", "24")
    assert (rows[1]["validation.accuracy"], rows[1]["seconds"]) == ("0.908", "")
    assert [row["total_filters"] for row in rows] == ["24", "24", "48", "48", "96", "96", "192", "192"]


def page_of(runs, problems=()):
    jobs = [(one.name, list(one.overrides), one.seconds) for one in runs]
    return summary.summary("s", configurations(runs), jobs, {"curves.png": "Losses"}, problems)


def test_the_page_opens_with_the_fewest_filters_that_are_as_good_as_the_best():
    runs = [
        *[run(filters=[16, 32], seed=s, accuracy=a) for s, a in ((1, 0.93), (2, 0.94))],
        *[run(filters=[64, 128], seed=s, accuracy=a) for s, a in ((1, 0.93), (2, 0.96))],
    ]
    # Best: mean 0.945, standard error 0.015; 0.935 is within.
    text = page_of(runs)
    opening = text.split("\n\n")[1]
    assert opening.startswith(
        "**Fewest filters within one standard error of the best: `model.filters=[16,32]`** (48 filters,"
        " 48,000 parameters), validation accuracy 0.9350 ± 0.0071, test 0.9250 ± 0.0071 (n = 2 seeds)."
    )
    assert "`model.filters=[64,128]` (192 filters, 192,000 parameters)" in opening
    assert "with 4 times the parameters" in opening
    assert "| [16,32] | 48 | 48,000 | 0.9350 ± 0.0071 |" in text
    assert "dvc exp apply e-16-32-0.94-2" in text
    assert "The experiments live in the Git repository where the sweep ran, not in a clone" in text
    assert "![Losses](curves.png)" in text


def test_the_page_of_one_seed_says_that_luck_is_not_known():
    assert "how much of a difference is luck is not known" in page_of(search())


def test_the_page_tells_how_to_repeat_combinations_and_that_a_search_is_none():
    command = (
        "python -m pipeline.commands.sweep -m hydra.job.name=s"
        " 'model.filters=[8,16],[16,32],[32,64],[64,128]' seed=1,2,3\n"
    )
    assert command in page_of(grid())
    assert "not all combinations" in page_of(search())


def test_the_page_names_what_is_missing():
    assert "## What is missing\n\n- `x` failed" in page_of(grid(), ["`x` failed"])
    assert "missing" not in page_of(grid())


@pytest.fixture(scope="module")
def swept(trained, tmp_path_factory):
    """The trained project with three experiments: the real one, another seed, one without a model.

    HEAD is a later commit than their start, and has experiments of its own under two of the jobs' names.
    """
    project = trained.copied(tmp_path_factory.mktemp("swept") / "project")
    # Not those that dvc keeps for itself, as refs/exps/exec: a commit that begins with f comes after it.
    ref = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps/??/*/*").split()[0]
    folder, first = ref.rsplit("/", 1)
    project.run("git", "checkout", "--quiet", "--force", ref)
    metrics = json.loads(project.read("reports/metrics.json"))

    def experiment(name: str, folder: str = folder) -> None:
        project.commit()
        project.run("git", "update-ref", f"{folder}/{name}", "HEAD")

    project.edit("params.yaml", "seed: 42\nconf", "seed: 7\nconf")
    metrics["validation"]["accuracy"] -= 0.02
    files.write_json(project.folder / "reports/metrics.json", metrics)
    experiment("other-seed")
    project.edit("params.yaml", "learning_rate: 0.003", "learning_rate: 0.01")
    best = convolutions(read_layers(project.folder / "models/best.keras"))
    lock = project.read("dvc.lock").split("- path: models/best.keras\n      hash: md5\n      md5: ")[1][:32]
    (project.folder / "dvc.lock").write_text(project.read("dvc.lock").replace(lock, "0" * 32))
    experiment("no-model")
    project.run("git", "checkout", "--quiet", "--force", "main")
    start = git(project.folder, "rev-parse", "HEAD")
    project.commit()
    elsewhere = reference(project.folder, "")[:-1]
    project.run("git", "checkout", "--quiet", "--force", "--detach", f"{folder}/other-seed")
    project.edit("params.yaml", "epochs: 3", "epochs: 4")
    other = {**metrics, "validation": {**metrics["validation"], "accuracy": 0.125}}
    files.write_json(project.folder / "reports/metrics.json", other)
    for name in (first, "crashed"):
        experiment(name, elsewhere)
    project.run("git", "checkout", "--quiet", "--force", "main")
    return project, start, first, metrics, best


def jobs_of(first: str) -> list:
    rate = "train.learning_rate=0.003"
    return [
        (first, [rate, "seed=42"], 12.345),
        ("other-seed", [rate, "seed=7"], None),
        ("no-model", ["train.learning_rate=0.01", "seed=7"], 3.0),
        ("crashed", ["train.learning_rate=0.02", "seed=7"], None),
    ]


@pytest.fixture(scope="module")
def answered(swept):
    project, start, first, *_ = swept
    return answer.write_answer(project.folder, "rates", start, jobs_of(first))


def test_the_answer_of_real_experiments_is_complete_and_names_what_is_missing(swept, answered):
    (project, start, first, metrics, best), folder = swept, answered
    assert folder == project.folder / "reports/sweeps/rates"
    names = {path.name for path in folder.iterdir()}
    pictures = {"accuracy_parameters.png", "accuracy_learning_rate.png", "curves.png", "kernels.png"}
    assert names == {"results.csv", "summary.md", "index.html", *pictures}
    with (folder / "results.csv").open() as stream:
        rows = {row["experiment"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["other-seed", first, "no-model"]
    assert rows[first]["seconds"] == "12.3"
    assert float(rows["no-model"]["validation.accuracy"]) == pytest.approx(
        metrics["validation"]["accuracy"], abs=1e-6
    )
    text = (folder / "summary.md").read_text()
    assert 0.125 not in {float(row["validation.accuracy"]) for row in rows.values()}
    assert "train.epochs" not in text
    assert "`crashed` (train.learning_rate=0.02 seed=7): no such experiment" in text
    assert "Without kernels, as their models are not" in text
    assert str(project.folder) not in text
    runs, _ = answer.read_runs(project.folder, start, jobs_of(first))
    assert (runs[0].kernel == best[0].kernel).all()
    assert runs[2].kernel is None


def test_its_page_holds_what_the_experiments_hold(swept, answered):
    (project, start, first, _, best), folder = swept, answered
    text = (folder / "index.html").read_text()
    assert "[Look closer](index.html)" in (folder / "summary.md").read_text()
    assert "no such experiment, its job failed" in text
    assert str(project.folder) not in text
    values = json.loads(text.split('id="values">')[1].split("</script>")[0])
    told = {run["name"]: run for one in values["configurations"] for run in one["runs"]}
    assert list(told) == ["other-seed", first, "no-model"]
    held = reference(project.folder, first, start)
    scores = project.run("git", "show", f"{held}:reports/classes.csv").splitlines()
    classes = told[first]["classes"]
    assert list(classes) == scores[0].split(",")
    found = [",".join(map(str, row)) for row in zip(*classes.values(), strict=True)]
    numbers = [[float(number) for number in row.split(",")] for row in found]
    # The digits' classes are numbers themselves.
    assert numbers == [[float(number) for number in row.split(",")] for row in scores[1:]]
    history = project.run("git", "show", f"{held}:reports/history.tsv").splitlines()
    assert [float(row.split("\t")[3]) for row in history[1:]] == told[first]["history"]["val_loss"]
    block = re.search(rf'data-name="kernel/{first}"[^>]*>([^<]*)<', text)[1]
    kernel = np.frombuffer(base64.b64decode(block), "<f2").reshape(best[0].kernel.shape)
    np.testing.assert_allclose(kernel, best[0].kernel, rtol=1e-3, atol=1e-6)
    assert told["no-model"]["kernel"] is None


def test_the_answer_written_twice_is_the_same_bytes(swept, answered):
    project, start, first, *_ = swept
    before = digest(answered, "*")
    answer.write_answer(project.folder, "rates", start, jobs_of(first))
    assert digest(answered, "*") == before


def test_a_sweep_without_any_result_is_refused_and_writes_nothing(swept):
    project, start, *_ = swept
    with pytest.raises(InputError, match=r"none of 1 jobs has results .*crashed.*expected at least one"):
        answer.write_answer(project.folder, "none", start, [("crashed", [override([4])], None)])
    assert not (project.folder / "reports/sweeps/none").exists()


def test_an_earlier_answer_says_that_the_last_run_has_none_until_a_run_has_results(swept):
    project, start, first, *_ = swept
    folder = answer.write_answer(project.folder, "again", start, jobs_of(first))
    good, page = digest(folder, "*"), (folder / "summary.md").read_text()
    failed = [(f"crashed-{number}", [f"seed={number}"], None) for number in range(3)]
    pages = []
    for jobs in (failed[:2], failed, failed):
        with pytest.raises(InputError, match=r"none of . jobs has results"):
            answer.write_answer(project.folder, "again", start, jobs)
        pages.append((folder / "summary.md").read_text())
    title, note, rest = pages[2].split("\n\n", 2)
    assert note.startswith("**The last run of this sweep has no results: none of its 3 jobs succeeded.**")
    assert f"{title}\n\n{rest}" == page
    assert pages[0] == pages[1].replace("3 jobs", "2 jobs")
    assert pages[1] == pages[2]
    assert '"outdated":3' in (folder / "index.html").read_text()
    said = {name: good[name] for name in ("summary.md", "index.html")}
    assert {**digest(folder, "*"), **said} == good
    answer.write_answer(project.folder, "again", start, jobs_of(first))
    assert digest(folder, "*") == good


def test_a_sweep_over_data_sets_has_no_best():
    runs = [run(accuracy=0.9, data__name="digits"), run(accuracy=0.99, data__name="mnist")]
    text = summary.answer(configurations(runs))
    assert "none of them is called the best" in text
    assert "Best:" not in text
    rows = summary.table(configurations(runs)).splitlines()[2:4]
    assert [row.split("|")[-2].strip() for row in rows] == ["", ""]
