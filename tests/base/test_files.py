"""Files are complete or not there, and equal content is equal bytes."""

import json
import zipfile

import numpy as np
import pytest

from pipeline.base import files
from pipeline.base.arrays import RowFile, read_npz
from pipeline.base.errors import InputError
from pipeline.network.checkpoint import write_canonical_keras
from pipeline.training.state import write_state


def test_a_failure_leaves_the_earlier_file_and_no_other(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "earlier")
    with pytest.raises(RuntimeError), files.replaced(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole(tmp_path):
    for name in ("a", "b"):
        with files.replaced_folder(tmp_path / "folder") as folder:
            (folder / name).touch()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["b"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_it_cannot_say(tmp_path, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"x": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read", [files.read_json, RowFile, read_npz, files.read_columns])
def test_a_missing_file_is_named_with_what_to_do(tmp_path, read):
    with pytest.raises(InputError, match=r"a\.file is missing: run `dvc repro`"):
        read(tmp_path / "a.file")


def test_columns_come_back_by_name(tmp_path):
    files.write_table(tmp_path / "a.tsv", ("epoch", "loss"), [[1, 0.5], [2, 0.25]], separator="\t")
    assert files.read_columns(tmp_path / "a.tsv") == {"epoch": [1, 2], "loss": [0.5, 0.25]}


def test_canonical_archives_of_equal_models_are_equal_bytes(tmp_path):
    def archive(name: str, address: int, date: str):
        shared = {"shared_object_id": address}
        network = {"layers": [dict(shared), {"x": [dict(shared)]}, {"shared_object_id": address + 1}]}
        with zipfile.ZipFile(tmp_path / name, "w") as target:
            target.writestr("metadata.json", json.dumps({"date_saved": date, "keras_version": "3"}))
            target.writestr("config.json", json.dumps(network))
            target.writestr("model.weights.h5", b"weights")
        write_canonical_keras(tmp_path / name, tmp_path / f"canonical-{name}")
        return (tmp_path / f"canonical-{name}").read_bytes()

    first, second = archive("a.keras", 17, "today"), archive("b.keras", 99, "tomorrow")
    assert first == second
    with zipfile.ZipFile(tmp_path / "canonical-a.keras") as result:
        layers = json.loads(result.read("config.json"))["layers"]
    ids = [
        layers[0]["shared_object_id"],
        layers[1]["x"][0]["shared_object_id"],
        layers[2]["shared_object_id"],
    ]
    assert ids == [1, 1, 2]


def test_state_comes_back_as_it_was(tmp_path):
    arrays = {"a": np.arange(3), "b": np.array(2.5, np.float32)}
    write_state(tmp_path / "deep" / "state.npz", arrays)
    restored = read_npz(tmp_path / "deep" / "state.npz")
    assert {key: value.tolist() for key, value in restored.items()} == {"a": [0, 1, 2], "b": 2.5}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["state.npz"]
