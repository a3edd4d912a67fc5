"""The command `compare`, on the shared trained network, a real experiment and edited branches."""

import json
import re

import numpy as np
import pytest
from conftest import DIGITS

from pipeline.analysis.groups import score
from pipeline.base.errors import InputError
from pipeline.commands.compare import compare, fail_on_regression
from pipeline.runs import plots
from pipeline.runs.changes import changed_inputs, changed_params, equal
from pipeline.runs.tables import as_markdown


@pytest.fixture(scope="module")
def compared(trained, tmp_path_factory):
    """A copy with: `bare` (nothing run), main, `worse` and seeds (edited), experiment `second` (real)."""
    project = trained.copied(tmp_path_factory.mktemp("compared") / "project")
    project.run("git", "branch", "bare")
    project.commit()
    save(project, "worse", seed=42, accuracy=0.5)
    for number, accuracy in ((1, 0.90), (2, 0.94)):
        save(project, f"small-{number}", seed=number, accuracy=accuracy)
    project.dvc("exp", "run", "--name", "second", *DIGITS, "-S", "seed=1", "evaluate")
    project.run("git", "checkout", "--quiet", "--force", "main")
    project.dvc("checkout", "--quiet")
    return project


def save(project, branch, *, seed, accuracy):
    """Commit a layer less, a seed and an accuracy on a branch, and return to main."""
    project.run("git", "checkout", "--quiet", "-b", branch, "main")
    metrics = json.loads(project.read("reports/metrics.json"))
    metrics["validation"]["accuracy"] = accuracy
    (project.folder / "reports/metrics.json").write_text(json.dumps(metrics))
    for name in ("params.yaml", "dvc.lock"):
        text = re.sub(r"( *)- 8\n *- 12\n", r"\1- 8\n", project.read(name))
        (project.folder / name).write_text(re.sub(r"(?m)^( *)seed: 42$", rf"\1seed: {seed}", text))
    project.commit()
    project.run("git", "checkout", "--quiet", "main")


def compare_of(project, *names):
    return compare(project.folder, names)


def code_of(groups):
    try:
        fail_on_regression(groups)
    except SystemExit as end:
        return end.code
    return 0


def test_head_and_one_revision_are_compared_with_the_workspace(compared):
    assert [one.label for one in compare_of(compared, "worse")] == ["worse", "workspace"]
    groups = compare_of(compared)
    assert [one.label for one in groups] == ["HEAD", "workspace"]
    assert equal(groups)


def test_an_experiment_differs_as_dvc_says_and_brings_what_it_was_made_with(compared):
    groups = compare_of(compared, "main", "second")
    assert changed_params(groups) == {"seed": [42, 1]}
    assert changed_inputs(groups) == []
    differences = json.loads(compared.dvc("metrics", "diff", "main", "second", "--json"))
    for name, entry in differences["reports/metrics.json"].items():
        assert [score(one, name).mean for one in groups] == [entry["old"], entry["new"]]
    commits = [one.runs[0].made_with["commit"] for one in groups]
    assert commits == [compared.run("git", "rev-parse", name).strip() for name in ("bare", "main")]


def test_a_regression_fails_with_1_and_names_the_metric(compared):
    command = ("python", "-m", "pipeline.commands.compare", "main", "worse", "--fail-on-regression")
    output = compared.run(*command, fails=True)
    assert re.search(r"^regression: validation\.accuracy of worse .*0\.5000", output, re.M)
    assert "Traceback" not in output
    assert code_of(compare_of(compared, "main", "worse")) == 1
    assert code_of(compare_of(compared, "worse", "main")) == 0


def test_another_split_or_machine_is_named_and_another_split_fails_with_2(compared, tmp_path):
    project = compared.copied(tmp_path / "project")
    record = json.loads(project.read("reports/made_with.json")) | {"processor": "another"}
    (project.folder / "reports/made_with.json").write_text(json.dumps(record))
    assert re.search(r"processor: .+ / another$", as_markdown(compare_of(project, "second")), re.M)
    # Of the parameters and the digest, the digest decides what the scores are of.
    lock = project.read("dvc.lock")
    digest = re.search(r"path: data/prepared\n\s+hash: md5\n\s+md5: (\w+\.dir)", lock)[1]
    (project.folder / "dvc.lock").write_text(lock.replace(digest, "0" * 32 + ".dir"))
    groups = compare_of(project, "second", "workspace")
    assert code_of(groups) == 2
    # Loss and both accuracies of two splits.
    assert as_markdown(groups).count("(other data)") == 6


def test_seeds_of_one_configuration_are_a_mean_and_a_spread(compared):
    text = as_markdown(compare_of(compared, "main", "small-1", "small-2"))
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()]
    cells = {name: values for name, *values in rows if values}
    assert cells["metric"] == ["main", "small-1 (2 seeds)"]
    assert cells["model.filters"] == ["[8, 12]", "[8]"]
    assert cells["seed"] == ["42", "[1, 2]"]
    # Of 0.90 and 0.94: mean 0.92, deviation 0.02 * sqrt(2).
    assert cells["validation.accuracy"][1].startswith("0.9200 ± 0.0283 ")


def test_what_a_revision_lacks_is_said_and_the_rest_compared(compared, tmp_path):
    groups = compare_of(compared, "bare", "main")
    text = as_markdown(groups)
    assert "bare has no reports/metrics.json" in text
    assert "data.source.kind" in text
    # The default data there, the digits here.
    assert code_of(groups) == 2
    project = compared.copied(tmp_path / "project")
    project.edit("params.yaml", "  epochs: 3", "  epochs: 4")
    (note,) = compare_of(project)[1].runs[0].notes
    assert re.search(r"workspace.*older than params\.yaml.*train\.epochs", note)


def test_pictures_are_drawn_of_what_is_there_and_the_rest_is_named(compared, tmp_path):
    groups = compare_of(compared, "main", "worse", "bare")
    notes = plots.write_plots(compared.folder, groups, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("curves.png", "confusion_1_worse.png", "classes_1_worse.png"),
        *("kernels_conv2d.png", "kernels_conv2d_1.png"),
    }
    for missing in ("reports/history.tsv", "reports/classes.csv", "models/best.keras"):
        assert any(missing in note for note in notes)


def test_the_drawn_confusion_agrees_with_the_accuracy(compared):
    for one in compare_of(compared, "main", "second"):
        _, confusion, _ = plots._test(compared.folder, one)
        assert confusion.sum() == len(compared.read("reports/confusion.csv").splitlines()) - 1
        assert np.trace(confusion) / confusion.sum() == pytest.approx(score(one, "test.accuracy").mean)


def test_revisions_without_anything_are_an_error(project):
    for name in ("params.yaml", "dvc.yaml"):
        (project.folder / name).unlink()
    project.commit()
    with pytest.raises(InputError, match=r"HEAD has no params\.yaml"):
        compare(project.folder, [])
