"""Stage `explain`, on the shared trained network."""

import json

import numpy as np
import pytest

from pipeline.network.checkpoint import load_model, save_network
from pipeline.stages.explain import explain


@pytest.fixture(scope="module")
def report(trained):
    return json.loads(trained.read("reports/explain.json"))


def test_the_patches_alone_give_the_stored_activations(report):
    for name, size in (("conv2d", [3, 3]), ("conv2d_1", [8, 8])):
        layer = report["patches"]["layers"][name]
        assert layer["patch_size"] == size
        assert layer["largest_difference_when_recomputed"] < 1e-5
        assert (np.diff(layer["activations"], axis=1) <= 0).all()


def test_a_dead_filter_costs_nothing_and_the_accuracy_is_that_of_the_metrics(trained, report):
    metrics = json.loads(trained.read("reports/metrics.json"))
    features = json.loads(trained.read("reports/features.json"))
    # All 288 validation images of the digits are fewer than explain.ablation_images.
    assert report["importance"]["images"] == 288
    assert report["importance"]["accuracy"] == pytest.approx(metrics["validation"]["accuracy"])
    for name, layer in report["importance"]["layers"].items():
        assert len(layer["accuracy_lost"]) == len(features["layers"][name]["fire_rates"])
        for number in features["layers"][name]["dead"]:
            assert layer["accuracy_lost"][number] == 0


def test_attributions_are_complete_within_one_percent(report):
    (image,) = report["attributions"]
    assert (image["split"], image["index"], len(image["logits"])) == ("source", 0, 2)
    for row in image["logits"]:
        assert row["complete"]
        assert row["sum"] == pytest.approx(row["logit"] - row["baseline_logit"], rel=0.01)


def test_integrated_gradients_pass_the_sanity_test_and_the_edge_detector_does_not(report):
    sanity = report["sanity"]
    assert sanity["random_down_to"] == ["none", "dense_1", "dense", "conv2d_1", "conv2d"]
    assert sanity["integrated_gradients"][0] == pytest.approx(1)
    assert (sanity["passed"], sanity["edge_detector_passed"]) == (True, False)


def test_of_a_dead_network_the_sanity_test_says_nothing(trained, tmp_path, capsys):
    network = load_model(trained.folder / "models/best.keras", (8, 8, 1))
    for layer in network.layers:
        if hasattr(layer, "filters"):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, bias - 1000])
    save_network(network, tmp_path / "dead.keras")
    report = tmp_path / "explain.json"
    explain(
        trained.params(), tmp_path / "dead.keras", trained.folder / "data/prepared", report, tmp_path / "p"
    )
    sanity = json.loads(report.read_text(encoding="utf-8"))["sanity"]
    assert sanity["passed"] is None
    assert sanity["integrated_gradients"] == [1, None, None, None, None]
    assert sanity["reason"] in capsys.readouterr().out
