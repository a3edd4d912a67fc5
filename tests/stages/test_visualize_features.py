"""Stage `visualize_features`, on the shared trained network."""

import json

import numpy as np
import pytest

from pipeline.network.checkpoint import load_model


def test_the_report_holds_the_fire_rates_of_every_filter(trained):
    report = json.loads(trained.read("reports/features.json"))
    images = np.load(trained.folder / "data/prepared/validation_images.npy")[:2000]
    network = load_model(trained.folder / "models/best.keras", (8, 8, 1))
    maps = np.asarray(network.layers[0]((images / 255).astype(np.float32)))
    assert report["images"] == len(images)
    rates = (maps > 0).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(report["layers"]["conv2d"]["fire_rates"], rates, atol=1e-4)
    assert [i for i, rate in enumerate(rates) if rate == 0] == report["layers"]["conv2d"]["dead"]
    assert len(report["layers"]["conv2d_1"]["fire_rates"]) == 12


LAYERS = ["conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1", "flatten", "dense", "dropout", "dense_1"]


def test_the_report_holds_the_extremes_of_every_layer_for_the_chosen_image(trained):
    walk = json.loads(trained.read("reports/features.json"))["walks"][0]
    network = load_model(trained.folder / "models/best.keras", (8, 8, 1))
    image = np.load(trained.folder / "data/raw/train_images.npy")[:1]
    label = np.load(trained.folder / "data/raw/train_labels.npy")[0]
    assert (walk["split"], walk["index"], walk["class"]) == ("source", 0, str(label))
    assert list(walk["layers"]) == LAYERS
    values = (image / 255).astype(np.float32)
    for layer in network.layers:
        values = np.asarray(layer(values))
        about = walk["layers"][layer.name]
        assert about["shape"] == list(values.shape[1:])
        assert (about["min"], about["max"]) == pytest.approx((values.min(), values.max()), rel=1e-4, abs=1e-6)
