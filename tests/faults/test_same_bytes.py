"""The same run leaves the same bytes, whatever the terminal and however many cores there are."""

import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pipeline.analysis import weights
from pipeline.network.layers import summary


@pytest.fixture
def distances():
    """Distances between two kernels, large enough for BLAS to divide the work."""
    rng = np.random.default_rng(0)
    trained, untrained = rng.normal(size=(2, 5, 5, 64, 256)).astype(np.float32)

    def compute(threads: int):
        with threadpool_limits(threads, user_api="blas"):
            norms = weights.filter_norms(trained).tolist()
            return norms, weights.compare(trained, untrained)

    return compute


def test_distances_of_kernels_do_not_depend_on_the_cores_that_blas_sees(distances):
    assert distances(1) == distances(2)


@pytest.mark.parametrize(("columns", "encoding"), [("20", "ascii"), ("300", "utf-8"), (None, "latin-1")])
def test_the_summary_of_a_network_does_not_depend_on_the_terminal(
    small_network, monkeypatch, columns, encoding, tmp_path
):
    network = small_network()
    expected = summary(network)
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    with (tmp_path / "screen").open("w", encoding=encoding) as screen:
        monkeypatch.setattr(sys, "stdout", screen)
        assert summary(network) == expected
    assert {len(line) for line in expected.splitlines() if line.startswith("│")} == {80}
