"""Stage `report`: from a whole run to one page."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from made_run import ASSETS, json_of, network_of, remake_page, write_run

from pipeline.base.errors import InputError
from pipeline.network.checkpoint import load_model

pytest_plugins = ["page_fixtures"]

SMALL = ("model.filters=[3,4]", "model.dense=[6]")
CLASSES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, network_of(*SMALL, shape=(12, 12, 1), num_classes=3), CLASSES)
    return folder


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def test_the_same_run_gives_the_same_bytes(run):
    page = remake_page(run)
    first = page.read_bytes()
    page.unlink()
    assert remake_page(run).read_bytes() == first


def test_a_whole_run_becomes_a_page_that_agrees_with_itself(trained, opened):
    watched = opened(trained.folder / "reports/index.html")
    truth = watched.page.evaluate("filterscope.values.truth")
    assert truth["same_class"] == truth["images"] > 20
    for name in ("extremes", "activations"):
        assert truth[name]["count"] > 20
        assert 0 < truth[name]["largest_difference"] < 1e-4
    watched.page.locator("#truth").scroll_into_view_if_needed()
    watched.page.locator(".here dd").first.wait_for(timeout=30000)
    assert watched.complaints == []
    accuracy = json_of(trained.folder / "reports/metrics.json")["test"]["accuracy"]
    assert watched.page.locator(".score strong").first.inner_text() == f"{100 * accuracy:.2f} %"


def test_the_untrained_score_is_that_of_the_untrained_network(run, opened):
    network = load_model(run / "models/untrained.keras", (12, 12, 1))
    images = np.load(run / "prepared/validation_images.npy") / 255.0
    labels = np.load(run / "prepared/validation_labels.npy")
    hits = np.asarray(network(images.astype(np.float32))).argmax(axis=1) == labels
    page = opened(remake_page(run)).page
    about = page.evaluate("filterscope.values.untrained_score")
    assert about["images"] == len(images) == 24
    assert about["accuracy"] == pytest.approx(hits.mean())


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("models/epochs.npz", r"epochs\.npz is missing: run `dvc repro`"),
        ("models/best.keras", r"best\.keras is missing: run `dvc repro train`"),
        ("reports/classes.csv", r"classes\.csv is missing: run `dvc repro`"),
        ("reports/explain.json", r"explain\.json is missing: run `dvc repro`"),
    ],
)
def test_a_missing_input_is_named_in_one_line(run, path, message):
    (run / path).unlink()
    with pytest.raises(InputError, match=message):
        remake_page(run)


def test_epochs_of_another_network_are_refused(run):
    stored = dict(np.load(run / "models/epochs.npz"))
    stored["conv2d/kernel"] = stored["conv2d/kernel"][:, :, :, :, :2]
    np.savez(run / "models/epochs.npz", **stored)
    with pytest.raises(
        InputError, match=r"received \(4, 3, 3, 1, 2\) for conv2d/kernel, expected \(4, 3, 3, 1, 3\)"
    ):
        remake_page(run)


def test_damaged_epochs_are_told_in_one_line(run):
    (run / "models/epochs.npz").write_bytes(b"PK no archive")
    with pytest.raises(InputError, match=r"epochs\.npz is damaged"):
        remake_page(run)


def test_predictions_of_other_test_images_are_refused(run):
    table = run / "reports/confusion.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="has 89 rows, there are 90 test images"):
        remake_page(run)
    table.write_text("actual,predicted\na,d\n")
    with pytest.raises(InputError, match="received the class 'd', expected one of"):
        remake_page(run)


def test_a_bug_of_ours_is_no_damaged_file(run, monkeypatch):
    def broken(*_arguments, **_named):
        raise KeyError("a name that is not there")

    monkeypatch.setattr("pipeline.stages.report.export", broken)
    with pytest.raises(KeyError):
        remake_page(run)


def test_it_imports_no_tensorflow(run):
    script = (
        "import sys, runpy; sys.argv = ['report', *sys.argv[1:]];"
        "runpy.run_module('pipeline.stages.report', run_name='__main__');"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    shutil.copy(ROOT / "params.yaml", run)
    paths = ["prepared", "models", "reports", str(ASSETS), "reports/index.html"]
    command, environment = [sys.executable, "-c", script, *paths], {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=run, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("report: reports/index.html, ")
