"""Every stage, picture and statistic, for each network of `conf/model` and for unusual ones."""

import json
import math

import numpy as np
import pytest
from every_stage import run_every_stage
from sklearn.datasets import load_digits

from pipeline import files, weights

# The `trained` project of the other tests is the fifth: cnn.
NETWORKS = {
    "simple_convnet": ["model=simple_convnet"],
    "lenet": ["model=lenet"],
    "alexnet": ["model=alexnet", "model.filters=[4,8,6,6,4]", "model.dense=[32,32]"],
    "no pooling, stride 2, valid padding, several dense layers": [
        "model.filters=[6,8]",
        "model.pool=none",
        "model.strides=2",
        "model.padding=valid",
        "model.dense=[24,16,12]",
    ],
}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """A user's arrays: some of scikit-learn's digits, three times as large, on 28×28 pixels."""
    folder = tmp_path_factory.mktemp("arrays")
    digits = load_digits()
    images = np.kron(np.rint(digits.images[:500] * 255 / 16), np.ones((3, 3))).astype(np.uint8)
    images = np.pad(images, [(0, 0), (2, 2), (2, 2)])
    labels = digits.target[:500].astype(np.uint8)
    np.savez(
        folder / "a.npz", x_train=images[:400], y_train=labels[:400], x_test=images[400:], y_test=labels[400:]
    )
    return folder


def numbers(value):
    """All numbers of a report, wherever they are in it."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    own = [value] if isinstance(value, (int, float)) else []
    return own + [number for child in children for number in numbers(child)]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_stage_draws_and_counts_for_each_network(name, compose, arrays, tmp_path):
    quick = ("train.epochs=1", "explain.ablation_images=40", "explain.sanity_images=2")
    cfg = compose("data=npz", f"data.folder={arrays}", *NETWORKS[name], *quick)
    run_every_stage(cfg, arrays, tmp_path)

    reports = tmp_path / "reports"
    network = weights.layers(*files.read_keras(tmp_path / "models/best.keras"))
    layers = [layer.name for layer in network if layer.kind != "InputLayer"]
    convolutions = [layer.name for layer in network if layer.kind == "Conv2D"]
    assert len(convolutions) == len(cfg.model.filters)
    pictures = {str(path.relative_to(reports / "figures")) for path in (reports / "figures").rglob("*.png")}
    assert pictures == {
        *(f"evaluate/{n}.png" for n in ("loss", "confusion", "predictions", "mistakes")),
        "visualize_weights/architecture.png",
        *(f"visualize_weights/{kind}_{n}.png" for kind in ("kernels", "weights") for n in convolutions),
        *(
            f"compare_untrained/compare_{kind}_{n}.png"
            for kind in ("kernels", "weights")
            for n in convolutions
        ),
        "visualize_features/input.png",
        "visualize_features/walk_0.png",
        *(f"visualize_features/features_{n}.png" for n in convolutions),
        *(f"visualize_features/walk_0_{n}.png" for n in layers),
        "explain/attribution_0.png",
        "explain/sanity.png",
        *(f"explain/{kind}_{n}.png" for kind in ("patches", "importance") for n in convolutions),
    }
    for report in ("metrics", "weights", "features", "compare_untrained", "explain"):
        values = numbers(json.loads((reports / f"{report}.json").read_text()))
        assert values
        assert all(map(math.isfinite, values))
    explained = json.loads((reports / "explain.json").read_text())
    for layer in explained["patches"]["layers"].values():
        assert layer["largest_difference_when_recomputed"] < 1e-4
    assert all(row["complete"] for image in explained["attributions"] for row in image["logits"])
