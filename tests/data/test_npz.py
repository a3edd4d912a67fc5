"""A user's arrays become a data set, or one line says why not."""

import numpy as np
import pytest

from pipeline.base import arrays
from pipeline.base.errors import InputError
from pipeline.data import npz

RNG = np.random.default_rng(0)
GOOD = {
    "x_train": RNG.integers(0, 256, (9, 3, 4, 3), np.uint8),
    "y_train": np.arange(9) % 3,
    "x_test": RNG.integers(0, 256, (3, 3, 4, 3), np.uint8),
    "y_test": np.arange(3),
}


def read(part) -> tuple[np.ndarray, np.ndarray]:
    """All images and labels of a part."""
    images, labels = zip(*part(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_in_chunks_packed_or_not(save, monkeypatch, tmp_path):
    save(tmp_path / "mine.npz", **GOOD, classes=np.array(["cat", "dog", "owl"]))
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 2 * 36)
    dataset = npz.npz(str(tmp_path))
    assert [len(labels) for _, labels in dataset.train()] == [2, 2, 2, 2, 1]
    images, labels = read(dataset.train)
    np.testing.assert_array_equal(images, GOOD["x_train"])
    np.testing.assert_array_equal(labels, GOOD["y_train"])
    np.testing.assert_array_equal(read(dataset.test)[0], GOOD["x_test"])
    assert dataset.classes == ["cat", "dog", "owl"]
    assert dataset.shape == (3, 4, 3)


def test_grey_arrays_with_tensorflows_names_and_columns_of_labels_are_taken(tmp_path):
    renamed = dict(zip(npz.NPZ_NAMES[1], GOOD.values(), strict=True))
    for part in ("train", "test"):
        renamed[f"{part}_images"] = renamed[f"{part}_images"][..., 0]
        renamed[f"{part}_labels"] = renamed[f"{part}_labels"][:, np.newaxis]
    np.savez(tmp_path / "mine.npz", **renamed)
    dataset = npz.npz(str(tmp_path))
    images, labels = read(dataset.train)
    np.testing.assert_array_equal(images[..., 0], GOOD["x_train"][..., 0])
    np.testing.assert_array_equal(labels, GOOD["y_train"])
    assert dataset.classes == ["0", "1", "2"]


def test_a_hidden_file_beside_the_arrays_is_passed_over(tmp_path):
    np.savez(tmp_path / "mine.npz", **GOOD)
    # As macOS leaves it on a USB stick.
    (tmp_path / "._mine.npz").write_bytes(b"\0\5\26\7")
    np.testing.assert_array_equal(read(npz.npz(str(tmp_path)).train)[0], GOOD["x_train"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": None}, r"y_train, x_test, y_test, expected x_train, y_train, "),
        ({"x_train": GOOD["x_train"] / 255}, r"x_train: .*float64 \(9, 3, 4, 3\), expected uint8"),
        ({"x_train": GOOD["y_train"]}, r"x_train: .*int64 \(9,\), expected uint8"),
        ({"x_test": GOOD["x_test"][:, :2]}, r"\(3, 4, 3\).*\(2, 4, 3\)"),
        ({"y_train": np.arange(8)}, r"y_train: .*int64 \(8,\), expected integers \(9,\)"),
        ({"y_train": np.arange(9.0)}, r"y_train: .*float64 \(9,\), expected integers"),
        ({"y_train": np.arange(9) - 1}, r"y_train: .*-1 to 7, expected 0 to 255"),
        ({"y_test": np.array([0, 1, 256])}, r"y_test: .*0 to 256, expected 0 to 255"),
        ({"classes": np.array(["cat", "dog"])}, r"classes: .*<U3 \(2,\), expected 3"),
        ({"classes": np.array(["cat", "dog", "cat"])}, r"classes: .*differ"),
        ({"classes": np.array(["cat", "dog", None])}, r"classes.*Python objects"),
        ({"x_train": np.asfortranarray(GOOD["x_train"])}, r"x_train.*Fortran order"),
    ],
)
def test_arrays_of_another_kind_are_refused(change, message, tmp_path):
    changed = {name: array for name, array in (GOOD | change).items() if array is not None}
    np.savez(tmp_path / "mine.npz", **changed)
    with pytest.raises(InputError, match=rf"mine\.npz: .*{message}"):
        npz.npz(str(tmp_path))


def test_a_folder_must_be_named_and_hold_one_npz_file(tmp_path):
    (tmp_path / "file").touch()
    for folder, message in ((None, "null"), (tmp_path / "file", "Not a directory"), (tmp_path, "none")):
        with pytest.raises(InputError, match=rf"data\.folder: .*{message}"):
            npz.npz(folder and str(folder))
    for name in ("a.npz", "b.npz"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"data\.folder: .*a\.npz, b\.npz"):
        npz.npz(str(tmp_path))


def test_a_file_that_is_none_and_one_that_is_damaged_are_refused(tmp_path):
    path = tmp_path / "mine.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"mine\.npz cannot be read as an \.npz file"):
        npz.npz(str(tmp_path))
    np.savez(path, **GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(GOOD["x_train"].tobytes()) + 50] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x_train cannot be read: .*CRC"):
        read(npz.npz(str(tmp_path)).train)
