"""The result of experiments as files: the table read back, the page, and real experiments."""

import base64
import csv
import dataclasses
import json
import re

import numpy as np
import pytest
from conftest import ROOT, digest
from sweeps_by_hand import grid, measured, run, search, splits

from pipeline.analysis.configurations import configurations
from pipeline.analysis.uncertainty import interval
from pipeline.base import files
from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.network.checkpoint import convolutions, read_layers
from pipeline.sweeps import page, result, summary
from pipeline.sweeps.job import reference

BROWSER = ROOT / "pipeline/page/browser"


def values_of(text):
    return json.loads(text.split('id="values">')[1].split("</script>")[0])


def test_the_table_read_back_has_a_row_for_each_run_and_a_column_for_each_override(tmp_path):
    files.write_table(tmp_path / "results.csv", *result.results(configurations(grid(seeds=(1, 2)))))
    with (tmp_path / "results.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    assert (rows[1]["model.filters"], rows[1]["seed"]) == ("[8,16]", "2")
    assert (rows[1]["parameters"], rows[1]["total_filters"]) == ("24000", "24")
    assert (rows[1]["validation.accuracy"], rows[1]["seconds"]) == ("0.908", "")
    assert [row["total_filters"] for row in rows] == ["24", "24", "48", "48", "96", "96", "192", "192"]


def page_of(runs, problems=()):
    return summary.summary("s", configurations(runs), {"curves.png": "Losses"}, problems)


def test_the_page_opens_with_the_fewest_filters_that_are_as_good_as_the_best():
    runs = [
        *[run(filters=[16, 32], seed=s, accuracy=a) for s, a in ((1, 0.93), (2, 0.94))],
        *[run(filters=[64, 128], seed=s, accuracy=a) for s, a in ((1, 0.93), (2, 0.96))],
    ]
    # Best: mean 0.945, standard error 0.015; 0.935 is within.
    text = page_of(runs)
    opening = text.split("\n\n")[1]
    assert (
        opening.index("`model.filters=[16,32]`")
        < opening.index("0.9350 ± 0.0071")
        < opening.index("`model.filters=[64,128]`")
    )
    assert "with 4 times the parameters" in opening
    assert "| [16,32] | 48 | 48,000 | 0.9350 ± 0.0071 |" in text
    assert "dvc exp run -S 'model.filters=[16,32]' -S seed=2\n" in text
    assert "![Losses](curves.png)" in text


def test_the_page_of_one_seed_says_that_luck_is_not_known():
    assert "how much of a difference is luck is not known" in page_of(search())


def doubt(runs):
    return summary.doubt(configurations(runs))


def test_what_few_images_cannot_tell_apart_is_uncertain_and_many_images_can():
    few = measured(grid(seeds=(1,)), 15)
    assert page_of(few).split("\n\n")[1].startswith("**Uncertain: no other can be told from the best by 15 ")
    low, high = interval(0.934, 15)
    assert f"{low:.3f}–{high:.3f}" in doubt(few)
    assert doubt(measured(grid(seeds=(1,)), 100_000)) == ""
    # Nothing is known of runs of before, whose page says so.
    assert doubt(grid(seeds=(1,))) == ""


def test_what_few_seeds_cannot_tell_apart_is_uncertain_though_images_are_many():
    # Of two seeds each 4.3 standard errors are needed, 0.03 here.
    small = [run(filters=[8, 16], seed=s, accuracy=0.90 + 0.01 * s) for s in (1, 2)]
    large = [run(filters=[16, 32], seed=s, accuracy=0.92 + 0.01 * s) for s in (1, 2)]
    assert "2 seeds" in doubt(measured([*small, *large], 1_000_000))
    more = [
        run(filters=f, seed=s, accuracy=a + 0.005 * s)
        for s in range(8)
        for f, a in (((8, 16), 0.9), ((16, 32), 0.95))
    ]
    assert doubt(measured(more, 1_000_000)) == ""


def test_that_little_is_enough_is_certain_where_less_is_clearly_worse():
    accuracies = {(4, 8): 0.5, (8, 16): 0.9, (16, 32): 0.901}
    runs = [run(filters=f, seed=s, accuracy=a + 0.002 * s) for f, a in accuracies.items() for s in (1, 2, 3)]
    assert "Fewest filters within one standard error of the best: `model.filters=[8,16]`" in page_of(runs)
    assert doubt(runs) == doubt(measured(runs, 12_000)) == ""
    close = {**accuracies, (4, 8): 0.895}
    runs = [run(filters=f, seed=s, accuracy=a + 0.002 * s) for f, a in close.items() for s in (1, 2, 3)]
    assert doubt(measured(runs, 1000)).startswith("no other")


@pytest.mark.parametrize(
    ("majority", "images", "words"),
    [(0.5, 1000, ""), (0.9, 1000, "no better than"), (0.8, 15, "not clearly better than"), (0.8, 1000, "")],
)
def test_the_largest_class_alone_is_no_worse_than_what_its_interval_holds(majority, images, words):
    (one,) = configurations(measured([run(accuracy=0.9)], images, majority))
    assert summary.no_better(one).partition(" always")[0] == words
    row = summary.table([one]).splitlines()[2]
    assert row.split("|")[-2].strip().endswith(summary.no_better(one))


def test_the_best_is_not_recommended_where_the_largest_class_is_as_good():
    runs = measured(grid(), 100_000, 0.95)
    assert "largest class (0.950)" in doubt(runs)
    assert page_of(runs).count("no better than always answering the largest class") == 1 + 4


def test_differences_are_set_against_each_other_split_by_split():
    # On every split 0.01 better, though splits lie 0.03 apart.
    assert doubt(splits()) == ""
    uneven = [
        dataclasses.replace(one, metrics={**one.metrics, "validation.accuracy": 0.7 + 0.01 * number % 0.07})
        for number, one in enumerate(splits())
    ]
    assert "3 splits × 2 seeds" in doubt(uneven)


def test_the_spread_over_splits_is_told_apart_from_that_over_seeds():
    text = page_of(splits())
    assert "0.7630 ± 0.0300 over splits, ± 0.0014 over seeds" in text
    assert "3 splits × 2 seeds" in text
    assert "0.7620 ± 0.0300 over splits |" in page_of(splits(seeds=(1,)))
    assert "over splits" not in page_of(splits(splits=(1,)))


def test_the_data_of_the_page_hold_what_the_summary_says_of_luck():
    found = configurations(measured(grid(), 15, 0.8))
    values = values_of(page.page("s", found, 12, [], BROWSER))
    assert values["uncertain"]
    no_better = [one["no_better"] for one in values["configurations"]]
    assert no_better == [bool(summary.no_better(one)) for one in found]
    values = values_of(page.page("s", configurations(splits()), 12, [], BROWSER))
    assert not values["uncertain"]
    assert len({run["seed"] for run in values["configurations"][0]["runs"]}) == 6


def test_the_page_has_the_command_that_repeats_combinations_and_none_for_a_search():
    command = (
        "filterscope sweep hydra.job.name=s 'model.filters=[8,16],[16,32],[32,64],[64,128]' seed=1,2,3\n"
    )
    assert command in page_of(grid())
    assert "hydra.job.name=s" not in page_of(search())


def test_the_values_of_an_experiment_without_recorded_overrides_come_from_its_params():
    runs = [dataclasses.replace(one, overrides=()) for one in grid(seeds=(1,))]
    text = page_of(runs)
    assert "git show BRANCH:params.yaml > params.yaml\ndvc repro\n" in text
    assert "hydra.job.name=s" not in text


def test_the_page_names_what_is_missing():
    assert "## What is missing\n\n- `x` failed" in page_of(grid(), ["`x` failed"])
    assert "missing" not in page_of(grid())


@pytest.fixture(scope="module")
def swept(trained, tmp_path_factory):
    """The trained project with experiments `rates-*`: the real one, another seed, one without a model.

    The commit after theirs has one of these names too, with other scores.
    """
    project = trained.copied(tmp_path_factory.mktemp("swept") / "project")
    # Not those that dvc keeps for itself, as refs/exps/exec: a commit that begins with f comes after it.
    real = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps/??/*/*").split()[0]
    commit = git(project.folder, "rev-parse", "HEAD")
    metrics = json.loads(project.run("git", "show", f"{real}:reports/metrics.json"))

    def experiment(name: str, baseline: str, message: str) -> None:
        project.run("git", "add", "--all")
        project.run("git", "commit", "--quiet", "--allow-empty", "--message", message)
        project.run("git", "update-ref", reference(baseline, name), "HEAD")

    project.run("git", "checkout", "--quiet", "--force", "--detach", real)
    experiment("rates-1", commit, "train.learning_rate=0.003 seed=42")
    project.edit("params.yaml", "seed: 42\nconf", "seed: 7\nconf")
    metrics["validation"]["accuracy"] -= 0.02
    files.write_json(project.folder / "reports/metrics.json", metrics)
    experiment("rates-2", commit, "train.learning_rate=0.003 seed=7")
    project.edit("params.yaml", "learning_rate: 0.003", "learning_rate: 0.01")
    lock = project.read("dvc.lock").split("- path: models/best.keras\n      hash: md5\n      md5: ")[1][:32]
    (project.folder / "dvc.lock").write_text(project.read("dvc.lock").replace(lock, "0" * 32))
    experiment("rates-0123abcd", commit, "train.learning_rate=0.01 seed=7")
    project.run("git", "checkout", "--quiet", "--force", "main")
    project.commit()
    later = git(project.folder, "rev-parse", "HEAD")
    project.run("git", "checkout", "--quiet", "--force", "--detach", real)
    other = {**metrics, "validation": {**metrics["validation"], "accuracy": 0.125}}
    files.write_json(project.folder / "reports/metrics.json", other)
    experiment("rates-1", later, "train.learning_rate=0.003 seed=42")
    project.run("git", "checkout", "--quiet", "--force", "main")
    return project, commit, metrics


@pytest.fixture(scope="module")
def written(swept):
    project, commit, _ = swept
    result.write_result(
        project.folder, "rates", result.experiments_of(project.folder, "rates", commit), ["`x` failed"]
    )
    return project.folder / "reports/sweeps/rates"


@pytest.mark.slow
def test_experiments_are_those_of_one_commit_by_the_name_of_a_sweep_a_queue_or_their_own(swept):
    project, commit, _ = swept
    for name, count in (("rates", 3), ("rates-1", 1), ("rate", 0)):
        assert len(result.experiments_of(project.folder, name, commit)) == count
    # Of HEAD, where it has some.
    assert [one.name for one in result.experiments_of(project.folder, "rates")] == ["rates-1"]
    assert {one.baseline for one in result.experiments_of(project.folder, "rates-2")} == {commit}


@pytest.mark.slow
def test_the_result_of_real_experiments_is_complete_and_names_what_is_missing(swept, written):
    project, _, metrics = swept
    names = {path.name for path in written.iterdir()}
    pictures = {"accuracy_parameters.png", "accuracy_learning_rate.png", "curves.png", "kernels.png"}
    assert names == {"results.csv", "summary.md", "index.html", *pictures}
    with (written / "results.csv").open() as stream:
        rows = {row["experiment"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["rates-2", "rates-1", "rates-0123abcd"]
    timing = json.loads((project.folder / "reports/timing.json").read_text())
    assert float(rows["rates-1"]["seconds"]) == pytest.approx(timing["train"]["seconds"], abs=0.05)
    assert float(rows["rates-0123abcd"]["validation.accuracy"]) == pytest.approx(
        metrics["validation"]["accuracy"], abs=1e-6
    )
    text = (written / "summary.md").read_text()
    assert "- `x` failed" in text
    assert re.search("Without kernels.*: rates-0123abcd", text)
    assert str(project.folder) not in text


@pytest.mark.slow
def test_its_page_holds_what_the_experiments_hold(swept, written):
    project, commit, _ = swept
    text = (written / "index.html").read_text()
    assert "`x` failed" in text
    assert str(project.folder) not in text
    values = values_of(text)
    shown = {run["name"]: run for one in values["configurations"] for run in one["runs"]}
    held = reference(commit, "rates-1")
    scores = project.run("git", "show", f"{held}:reports/classes.csv").splitlines()
    rows = zip(*shown["rates-1"]["classes"].values(), strict=True)
    # The digits' classes are numbers themselves.
    assert [list(map(float, row)) for row in rows] == [
        [float(cell) for cell in row.split(",")] for row in scores[1:]
    ]
    history = project.run("git", "show", f"{held}:reports/history.tsv").splitlines()
    losses = [float(row.split("\t")[3]) for row in history[1:]]
    assert losses == shown["rates-1"]["history"]["val_loss"]
    kernel = convolutions(read_layers(project.folder / "models/best.keras"))[0].kernel
    block = re.search(r'data-name="kernel/rates-1"[^>]*>([^<]*)<', text)[1]
    found = np.frombuffer(base64.b64decode(block), "<f2").reshape(kernel.shape)
    np.testing.assert_allclose(found, kernel, rtol=1e-3, atol=1e-6)
    assert shown["rates-0123abcd"]["kernel"] is None


@pytest.mark.slow
def test_experiments_without_results_leave_an_earlier_result_as_it_is(swept, written):
    project, commit, _ = swept
    before = digest(written, "*")
    bare = dataclasses.replace(
        result.experiments_of(project.folder, "rates", commit)[0],
        commit=git(project.folder, "rev-list", "--max-parents=0", "main"),
    )
    with pytest.raises(InputError, match="rates: none of 1 experiments has results"):
        result.write_result(project.folder, "rates", [bare])
    assert digest(written, "*") == before


def test_a_sweep_over_data_sets_has_no_best():
    runs = [run(accuracy=0.9, data__name="digits"), run(accuracy=0.99, data__name="mnist")]
    text = summary.answer(configurations(runs))
    assert "none of them is called the best" in text
    assert "Best:" not in text
    rows = summary.table(configurations(runs)).splitlines()[2:4]
    assert [row.split("|")[-2].strip() for row in rows] == ["", ""]


def test_values_are_no_markup_in_the_table():
    folders = ("a|b`<c", "[d](e)&_f_")
    runs = [run(f"data.folder={one}", "seed=1", data__folder=one) for one in folders]
    page = summary.table(configurations(runs))
    assert "a&#124;b&#96;&#60;c" in page
    assert len({line.count("|") for line in page.splitlines() if line.startswith("|")}) == 1
    assert "- a b # c\n" in page_of(runs, ["a\nb\n\n# c"])
