"""The command `compare`, on the shared trained network, a real experiment and edited branches."""

import json
import re
import subprocess

import numpy as np
import pytest
from conftest import DIGITS, environment

from pipeline.analysis.groups import score
from pipeline.base.errors import InputError
from pipeline.commands import compare
from pipeline.runs import plots


@pytest.fixture(scope="module")
def compared(trained, tmp_path_factory):
    """A copy with: `bare` (nothing run), main, `worse` and seeds (edited), experiment `second` (real)."""
    project = trained.copied(tmp_path_factory.mktemp("compared") / "project")
    project.run("git", "branch", "bare")
    project.commit()
    save(project, "worse", seed=42, accuracy=0.5, filters="8")
    for number, accuracy in ((1, 0.90), (2, 0.94)):
        save(project, f"small-{number}", seed=number, accuracy=accuracy, filters="8")
    project.dvc("exp", "run", "--name", "second", *DIGITS, "-S", "seed=1", "evaluate")
    project.run("git", "checkout", "--quiet", "--force", "main")
    project.dvc("checkout", "--quiet")
    return project


def save(project, branch, *, seed, accuracy, filters):
    """Commit edited parameters and metrics on a branch, and return to main."""
    project.run("git", "checkout", "--quiet", "-b", branch, "main")
    metrics = json.loads(project.read("reports/metrics.json"))
    metrics["validation"]["accuracy"] = accuracy
    (project.folder / "reports/metrics.json").write_text(json.dumps(metrics))
    for name in ("params.yaml", "dvc.lock"):
        text = re.sub(r"( *)- 8\n *- 12\n", rf"\1- {filters}\n", project.read(name))
        text = re.sub(r"\bseed: 42\n", f"seed: {seed}\n", re.sub(r"split_seed: 42", "split_seed: @", text))
        (project.folder / name).write_text(text.replace("@", "42"))
    project.commit()
    project.run("git", "checkout", "--quiet", "main")


@pytest.fixture
def command(compared):
    def run(*arguments, **options):
        return compared.run("python", "-m", "pipeline.commands.compare", *map(str, arguments), **options)

    return run


def labels(project, *names):
    return [one.label for one in compare.compare(project.folder, names)]


def test_without_a_revision_head_is_compared_with_the_workspace_and_one_with_the_workspace(compared, command):
    output = command()
    assert "nothing differs between HEAD and workspace" in output
    assert "0.005 (share of images) in accuracy, 0.02 (nats) in loss" in output
    assert labels(compared, "worse") == ["worse", "workspace"]


def test_an_experiment_differs_as_dvc_says(compared, command):
    content = json.loads(command("main", "second", "--json"))
    assert content["parameters"] == {"seed": [42, 1]}
    assert content["inputs"] == []
    told = json.loads(compared.dvc("metrics", "diff", "main", "second", "--json"))["reports/metrics.json"]
    for name, entry in told.items():
        old, new = content["metrics"][name]
        assert (old["mean"], new["mean"]) == (entry["old"], entry["new"])
        assert new["difference"] == pytest.approx(entry["diff"])
    told = json.loads(compared.dvc("params", "diff", "main", "second", "--json"))["params.yaml"]
    assert told["seed"] == {"old": 42, "new": 1, "diff": -41}


def test_an_experiment_brings_what_it_was_made_with_and_another_processor_is_named(compared, tmp_path):
    commits = [
        one.runs[0].made_with["commit"] for one in compare.compare(compared.folder, ["main", "second"])
    ]
    heads = [compared.run("git", "rev-parse", name).strip() for name in ("bare", "main")]
    assert commits == heads
    project = compared.copied(tmp_path / "project")
    record = json.loads(project.read("reports/made_with.json")) | {"processor": "another"}
    (project.folder / "reports/made_with.json").write_text(json.dumps(record))
    command = ("python", "-m", "pipeline.commands.compare", "second")
    assert re.search(r"^not made with the same, .*: processor: .+ / another$", project.run(*command), re.M)


def test_dvc_draws_the_curves_of_both(compared, tmp_path):
    compared.dvc("plots", "diff", "main", "second", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    assert "main" in page
    assert "second" in page


def test_a_regression_fails_and_names_the_metric_and_a_tolerance_lifts_it(command):
    output = command("main", "worse", "--fail-on-regression", fails=True)
    assert re.search(r"^regression: validation\.accuracy of worse is 0\.5000, .* worse than", output, re.M)
    assert "Traceback" not in output
    command("worse", "main", "--fail-on-regression")
    command("main", "worse", "--fail-on-regression", "--tolerance", "accuracy=0.6")


def test_another_split_is_not_called_better_and_fails_with_2(compared, tmp_path):
    project = compared.copied(tmp_path / "project")
    # Of the parameters and the digest, the digest tells what the scores are of.
    lock = project.read("dvc.lock")
    digest = re.search(r"path: data/prepared\n\s+hash: md5\n\s+md5: (\w+\.dir)", lock)[1]
    (project.folder / "dvc.lock").write_text(lock.replace(digest, "0" * 32 + ".dir"))
    command = ("python", "-m", "pipeline.commands.compare", "second", "workspace", "--fail-on-regression")
    result = subprocess.run(command, cwd=project.folder, env=environment(), capture_output=True, text=True)
    assert result.returncode == 2
    assert "not compared: workspace is of other data or another split than second" in result.stderr
    assert result.stdout.count("(other data)") == 4
    assert "better" not in result.stdout.split("A change up to")[0]


def test_seeds_of_one_configuration_are_a_mean_and_a_spread(compared, command):
    text = command("main", "small-1", "small-2", "--markdown")
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    table = {name: values for name, *values in cells}
    assert table["metric"] == ["main", "small-1 (2 seeds)"]
    assert table["model.filters"] == ["[8, 12]", "[8]"]
    assert table["seed"] == ["42", "[1, 2]"]
    # Of 0.90 and 0.94: mean 0.92, deviation 0.02 * sqrt(2).
    assert table["validation.accuracy"][1].startswith("0.9200 ± 0.0283 ")
    assert "small-1 (seed 1), small-2 (seed 2)" in text
    assert labels(compared, "small-1", "small-2") == ["small-1", "small-2"]


def test_what_a_revision_lacks_is_said_and_the_rest_compared(command):
    output = command("bare", "main")
    assert "bare has no reports/metrics.json" in output
    assert "data.name" in output
    assert "is missing in bare" in command("bare", "main", "--fail-on-regression", fails=True)


def test_scores_older_than_the_configuration_are_said_to_be(compared, tmp_path):
    project = compared.copied(tmp_path / "project")
    project.edit("params.yaml", "  epochs: 3", "  epochs: 4")
    (_, workspace) = compare.compare(project.folder, [])
    assert workspace.runs[0].notes == [
        "workspace: the scores are older than params.yaml (train.epochs changed); run `dvc repro`"
    ]


@pytest.fixture(scope="module")
def pictures(compared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    output = compared.run(
        *("python", "-m", "pipeline.commands.compare", "main", "worse", "bare", "--plot", str(folder))
    )
    return folder, output


def test_pictures_are_drawn_of_what_is_there_and_the_rest_is_named(pictures):
    folder, output = pictures
    assert {path.name for path in folder.iterdir()} == {
        "curves.png",
        "confusion_1_worse.png",
        "classes_1_worse.png",
        "kernels_conv2d.png",
        "kernels_conv2d_1.png",
    }
    for missing in ("reports/history.tsv", "reports/classes.csv", "models/best.keras"):
        assert re.search(rf"--plot: .*{missing}", output)


def test_the_drawn_numbers_are_those_of_the_predictions(compared, monkeypatch, tmp_path):
    drawn = {}
    figures, kernels = plots.comparison, plots.kernels
    confusion = figures.confusion_change

    def keep_confusion(difference, *arguments):
        drawn["difference"] = difference
        return confusion(difference, *arguments)

    def keep_kernels(panels, **options):
        drawn.setdefault("kernels", []).append(panels)
        return kernels(panels, **options)

    monkeypatch.setattr(figures, "confusion_change", keep_confusion)
    monkeypatch.setattr(plots, "kernels", keep_kernels)
    groups = compare.compare(compared.folder, ["main", "second"])
    assert plots.write_plots(compared.folder, groups, tmp_path) == []
    right = [score(one, "test.accuracy").mean for one in groups]
    images = len(compared.read("reports/confusion.csv").splitlines()) - 1
    assert np.trace(drawn["difference"]) == pytest.approx((right[1] - right[0]) * images)
    assert drawn["difference"].sum(axis=1) == pytest.approx(0)
    first, second = drawn["kernels"][0].values()
    assert first.shape == second.shape == (3, 3, 1, 8)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["secnod"], "did you mean second"),
        (["--tolerance=-1"], "--tolerance: received '-1', expected a number of 0 or more"),
        (["--tolerance=speed=1"], "with KIND one of accuracy, loss"),
        (["--tolerance=nan"], "received 'nan'"),
    ],
)
def test_wrong_arguments_are_one_line(compared, arguments, message):
    output = compared.run("python", "-m", "pipeline.commands.compare", *arguments, fails=True)
    assert output.startswith("error: ")
    assert message in output
    assert output.count("\n") == 1


def test_revisions_without_anything_are_an_error(project):
    for name in ("params.yaml", "dvc.yaml"):
        (project.folder / name).unlink()
    project.commit()
    with pytest.raises(InputError, match=r"HEAD has no params\.yaml"):
        compare.compare(project.folder, [])
