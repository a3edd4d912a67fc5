"""Stage `report`: from a whole run to one page."""

import shutil

import numpy as np
import pytest
from browser import array_of
from made_run import json_of, network_of, remake_page, write_run

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
    watched.page.locator("#check").scroll_into_view_if_needed()
    watched.page.locator(".here dd").first.wait_for(timeout=30000)
    assert watched.complaints == []
    accuracy = json_of(trained.folder / "reports/metrics.json")["test"]["accuracy"]
    assert watched.page.locator(".score strong").first.inner_text() == f"{100 * accuracy:.2f} %"


def test_the_networks_in_the_page_are_scored_by_keras(run, opened):
    def computed(name, images):
        network = load_model(run / f"models/{name}.keras", (12, 12, 1))
        return np.asarray(network((images / 255.0).astype(np.float32)))

    page = opened(remake_page(run)).page
    images, labels = (np.load(run / f"prepared/validation_{kind}.npy") for kind in ("images", "labels"))
    about = page.evaluate("filterscope.values.untrained_score")
    assert about["images"] == len(images) == 24
    assert about["accuracy"] == pytest.approx(np.mean(computed("untrained", images).argmax(axis=1) == labels))
    shown, probabilities = (array_of(page, name) for name in ("images", "probabilities"))
    np.testing.assert_allclose(probabilities, computed("best", shown), atol=1e-6)


@pytest.mark.parametrize(
    "path", ["models/epochs.npz", "models/best.keras", "reports/classes.csv", "reports/explain.json"]
)
def test_a_missing_input_is_named(run, path):
    (run / path).unlink()
    with pytest.raises(InputError, match=rf"{path}.*missing.*dvc repro"):
        remake_page(run)


def test_a_bug_of_ours_is_no_damaged_file(run, monkeypatch):
    def broken(*_arguments, **_named):
        raise KeyError("a name that is not there")

    monkeypatch.setattr("pipeline.stages.report.export", broken)
    with pytest.raises(KeyError):
        remake_page(run)
