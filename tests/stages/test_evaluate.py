"""Stage `evaluate`, on the shared trained network: what it reports is what the network does."""

import csv
import json

import numpy as np
import pytest
from made_run import rows_of
from sklearn.metrics import balanced_accuracy_score

from pipeline.network.checkpoint import load_model, save_network
from pipeline.network.layers import build_model


@pytest.fixture(scope="module")
def scores(trained):
    return json.loads(trained.read("reports/metrics.json"))


OF_A_SPLIT = {
    *("loss", "accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "never_predicted"),
    *("images", "different_images"),
}


def test_the_metrics_have_their_agreed_names(scores):
    assert {
        key: sorted(value) if isinstance(value, dict) else type(value) for key, value in scores.items()
    } == {
        "validation": sorted(OF_A_SPLIT),
        "test": sorted(OF_A_SPLIT),
        "train": ["images"],
        "majority": float,
        "parameters": int,
        "epochs": int,
        "kept_epoch": int,
    }


def test_the_numbers_of_the_test_images_are_scikit_learns(trained, scores):
    rows = rows_of(trained.folder / "reports/confusion.csv")
    actual, predicted = ([row[name] for row in rows] for name in ("actual", "predicted"))
    test = scores["test"]
    assert test["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(actual, predicted))
    assert test["accuracy_low"] < test["accuracy"] < test["accuracy_high"]
    assert test["images"] == len(rows)
    assert scores["majority"] == max(actual.count(name) for name in set(actual)) / len(rows)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_scores_are_those_of_keras_own_evaluation(trained, scores, split):
    network = load_model(trained.folder / "models/best.keras", (8, 8, 1))
    network.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = (
        np.load(trained.folder / f"data/prepared/{split}_{part}.npy") for part in ("images", "labels")
    )
    loss, accuracy = network.evaluate(images / 255, labels, verbose=0)
    assert scores[split]["loss"] == pytest.approx(loss, abs=1e-5)
    assert scores[split]["accuracy"] == pytest.approx(accuracy, abs=1e-6)


def test_the_network_has_learned(scores):
    # A guess is right once in ten.
    assert scores["validation"]["accuracy"] > 0.8
    assert scores["test"]["accuracy"] > 0.8


def test_the_kept_epoch_is_that_of_the_lowest_validation_loss(trained, scores):
    rows = list(csv.DictReader(trained.read("reports/history.tsv").splitlines(), delimiter="\t"))
    losses = [float(row["val_loss"]) for row in rows]
    assert scores["kept_epoch"] == losses.index(min(losses)) + 1
    assert scores["validation"]["loss"] == pytest.approx(min(losses), abs=1e-5)
    assert scores["epochs"] == len(rows)


def test_the_tables_agree_with_the_accuracy(trained, scores):
    pairs = list(csv.DictReader(trained.read("reports/confusion.csv").splitlines()))
    right = sum(row["actual"] == row["predicted"] for row in pairs)
    assert right / len(pairs) == pytest.approx(scores["test"]["accuracy"])
    classes = list(csv.DictReader(trained.read("reports/classes.csv").splitlines()))
    found = sum(float(row["recall"]) * int(row["images"]) for row in classes)
    assert found / len(pairs) == pytest.approx(scores["test"]["accuracy"], abs=1e-5)


def test_a_checkpoint_of_other_data_is_refused_and_the_earlier_results_stay(trained, tmp_path, compose):
    foreign = build_model(compose("model.filters=[2]").model, input_shape=(28, 28, 1), num_classes=10)
    save_network(foreign, tmp_path / "foreign.keras")
    arguments = ["data/prepared", "reports/history.tsv", str(tmp_path / "r"), str(tmp_path / "f")]
    output = trained.stage("evaluate", str(tmp_path / "foreign.keras"), *arguments, fails=True)
    assert "error: " in output
    assert "takes images of shape (28, 28, 1), the data has (8, 8, 1)" in output
    assert "Traceback" not in output
    assert not (tmp_path / "r").exists()
