"""Stage `compare_untrained`, on the shared trained network."""

import json

import numpy as np
import pytest

from pipeline.network.checkpoint import load_model


@pytest.fixture(scope="module")
def report(trained):
    return json.loads(trained.read("reports/compare_untrained.json"))


def kernels(trained, name):
    return [
        load_model(trained.folder / f"models/{which}.keras", (8, 8, 1)).get_layer(name).kernel.numpy()
        for which in ("best", "untrained")
    ]


@pytest.mark.parametrize("name", ["conv2d", "conv2d_1"])
def test_the_distances_are_those_between_the_saved_kernels(trained, report, name):
    after, before = kernels(trained, name)
    row = report[name]
    # Two samples of one size: the mean distance of the sorted values.
    expected = np.abs(np.sort(after.ravel()) - np.sort(before.ravel())).mean()
    assert row["wasserstein"] == pytest.approx(expected, rel=1e-4)
    assert row["relative_travel"] == pytest.approx(
        np.sqrt(((after - before) ** 2).sum() / (before**2).sum()), rel=1e-4
    )
    assert len(row["cosine"]) == after.shape[-1]
    first = [kernel[..., 0].ravel() for kernel in (after, before)]
    assert row["cosine"][0] == pytest.approx(
        first[0] @ first[1] / np.linalg.norm(first[0]) / np.linalg.norm(first[1]), rel=1e-4
    )


def test_training_widened_the_weights_beyond_the_initializers_limits(trained, report):
    after, before = kernels(trained, "conv2d")
    # Glorot: sqrt(6 / (9 + 9 * 8))
    limit = (6 / (9 * 1 + 9 * 8)) ** 0.5
    assert report["conv2d"]["initializer_limit"] == pytest.approx(limit)
    assert np.abs(before).max() <= limit
    assert np.abs(after).max() > limit
    assert report["conv2d"]["trained"]["std"] > report["conv2d"]["untrained"]["std"]
