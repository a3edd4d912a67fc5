"""Every stage, picture and statistic, for each network of `conf/model`."""

import numpy as np
import pytest
from conftest import PICTURES
from every_stage import check_every_stage, drawn, expected_pictures, run_every_stage
from sklearn.datasets import load_digits

# cnn is what the `trained` project of the other tests has, an unusual one what test_own_images has.
NETWORKS = {
    "simple_convnet": ["model=simple_convnet"],
    "lenet": ["model=lenet"],
    "alexnet": ["model=alexnet", "model.filters=[4,8,6,6,4]", "model.dense=[32,32]"],
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


@pytest.mark.parametrize("name", NETWORKS)
def test_every_stage_draws_and_counts_for_each_network(name, compose, arrays, tmp_path):
    quick = ("train.epochs=1", "explain.ablation_images=40", "explain.sanity_images=2")
    cfg = compose("data=npz", f"data.folder={arrays}", *NETWORKS[name], *quick, *PICTURES)
    run_every_stage(cfg, arrays, tmp_path)
    check_every_stage(cfg, tmp_path)


def test_every_stage_run_by_dvc_leaves_every_picture(trained):
    convolutions = ["conv2d", "conv2d_1"]
    layers = ["max_pooling2d", "max_pooling2d_1", "flatten", "dense", "dropout", "dense_1"]
    figures = trained.folder / "reports/figures"
    assert drawn(figures) == expected_pictures([*convolutions, *layers], convolutions)
