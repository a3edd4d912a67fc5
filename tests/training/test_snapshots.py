"""The convolutions' weights from epoch to epoch."""

import numpy as np

from pipeline.network.layers import build_model
from pipeline.training.snapshots import joined, snapshot, write_snapshots


def test_a_snapshot_names_the_weights_of_the_convolutions_alone(compose):
    cfg = compose("model.filters=[2,3]", "model.dense=[4]").model
    network = build_model(cfg, input_shape=(8, 8, 1), num_classes=2)
    found = snapshot(network)
    shapes = {name: array.shape for name, array in found.items()}
    assert shapes == {
        "conv2d/kernel": (1, 3, 3, 1, 2),
        "conv2d/bias": (1, 2),
        "conv2d_1/kernel": (1, 3, 3, 2, 3),
        "conv2d_1/bias": (1, 3),
    }
    kernel = network.layers[0].kernel.numpy()
    np.testing.assert_allclose(found["conv2d/kernel"][0], kernel, rtol=2**-11, atol=1e-7)


def test_a_weight_too_large_for_half_precision_is_infinite_and_raises_no_warning(compose):
    cfg = compose("model.filters=[1]", "model.dense=[]").model
    network = build_model(cfg, input_shape=(8, 8, 1), num_classes=2)
    network.layers[0].bias.assign([1e30])
    assert np.isinf(snapshot(network)["conv2d/bias"]).all()


def test_the_file_holds_the_epochs_from_0_and_has_the_same_bytes_each_time(tmp_path):
    parts = [{"conv2d/bias": np.full((1, 2), value, np.float16)} for value in range(3)]
    whole = joined(joined(parts[0], parts[1]), parts[2])
    for name in ("a.npz", "b.npz"):
        write_snapshots(tmp_path / name, whole)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as stored:
        assert stored["epochs"].tolist() == [0, 1, 2]
        assert stored["epochs"].dtype == np.int64
        assert stored["conv2d/bias"].tolist() == [[0, 0], [1, 1], [2, 2]]
