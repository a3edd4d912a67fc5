"""Stage `fetch`: verified arrays, or one line and nothing written."""

import json

import numpy as np

from pipeline.base import arrays
from pipeline.stages.fetch import fetch


def test_digits_arrive_as_arrays_with_their_digests(compose, tmp_path):
    fetch(compose("data=digits"), tmp_path, tmp_path / "raw")
    about = json.loads((tmp_path / "raw" / "dataset.json").read_text(encoding="utf-8"))
    assert (about["name"], about["shape"], len(about["classes"])) == ("digits", [8, 8, 1], 10)
    for name, expected in about["sha256"].items():
        array = np.load(tmp_path / "raw" / f"{name}.npy")
        assert array.dtype == np.uint8
        assert arrays.sha256(array) == expected
    read = json.loads((tmp_path / "raw" / "read.json").read_text(encoding="utf-8"))
    assert (read["images"], read["changes"], read["deep_range"]) == (1797, {}, None)


def test_a_folder_without_the_data_fails_in_one_line_and_writes_nothing(project, tmp_path):
    project.edit("params.yaml", "folder: null", f"folder: {tmp_path}/nowhere")
    output = project.stage("fetch", "data/external", "data/raw", fails=True)
    [error] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert f"data.folder {tmp_path}/nowhere: " in error
    assert "Traceback" not in output
    assert not (project.folder / "data" / "raw").exists()
