"""Stage `visualize_weights`, on the shared trained network."""

import json

import numpy as np

from pipeline.network.checkpoint import load_model


def test_the_report_holds_the_statistics_of_the_saved_kernels(trained):
    report = json.loads(trained.read("reports/weights.json"))
    network = load_model(trained.folder / "models/best.keras", (8, 8, 1))
    assert list(report) == ["conv2d", "conv2d_1"]
    for name, row in report.items():
        kernel = network.get_layer(name).kernel.numpy()
        assert row["kernel_shape"] == list(kernel.shape)
        np.testing.assert_allclose(
            [row["mean"], row["std"], row["min"], row["max"]],
            [kernel.mean(), kernel.std(), kernel.min(), kernel.max()],
            rtol=1e-4,
        )
        norms = np.sqrt((kernel**2).sum(axis=(0, 1, 2)))
        np.testing.assert_allclose(row["filter_norms"], norms, rtol=1e-5)


def test_neither_stage_of_weights_imports_tensorflow(trained, tmp_path):
    code = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
assert "tensorflow" not in sys.modules
"""
    best, untrained = "models/best.keras", "models/untrained.keras"
    for name, inputs in (("visualize_weights", [best]), ("compare_untrained", [best, untrained])):
        outputs = [str(tmp_path / f"{name}.json"), str(tmp_path / name)]
        trained.run("python", "-c", code, f"pipeline.stages.{name}", *inputs, *outputs)


def test_a_damaged_checkpoint_fails_in_one_line_and_the_earlier_results_stay(trained, tmp_path):
    path = tmp_path / "damaged.keras"
    content = (trained.folder / "models/best.keras").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    report = tmp_path / "weights.json"
    report.write_text("earlier")
    output = trained.stage("visualize_weights", str(path), str(report), str(tmp_path / "f"), fails=True)
    assert f"error: {path} is not a Keras archive" in output
    assert "Traceback" not in output
    assert report.read_text() == "earlier"
