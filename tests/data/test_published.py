"""Sources are tried in order and believed only once verified."""

import gzip
import hashlib
import http.server
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from pipeline.base import arrays
from pipeline.base.errors import InputError
from pipeline.data import downloads, npz, published
from pipeline.data.downloads import SourceError


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file, written from the format's description."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


RNG = np.random.default_rng(0)
IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture
def small_fashion(monkeypatch, tmp_path):
    """Four small IDX files in a folder, with their digests in place of Fashion-MNIST's."""
    folder = tmp_path / "source"
    folder.mkdir()
    digests = {}
    for name in published.FASHION_MNIST:
        content = idx(IMAGES if "images" in name else np.array([3, 9]))
        digests[name] = hashlib.sha256(content).hexdigest()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(published, "FASHION_MNIST", digests)
    return folder


def load(folder, mirror=None, update_package_lists=False):
    return published.fashion_mnist(folder and str(folder), mirror, update_package_lists)


def read(part) -> tuple[np.ndarray, np.ndarray]:
    """All images and labels of a part."""
    images, labels = zip(*part(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def test_a_named_folder_is_read_with_and_without_gz(small_fashion):
    packed = small_fashion / "train-images-idx3-ubyte.gz"
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    dataset = load(small_fashion)
    np.testing.assert_array_equal(read(dataset.train)[0][..., 0], IMAGES)
    np.testing.assert_array_equal(read(dataset.test)[1], [3, 9])
    assert dataset.classes[9] == "Ankle boot"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:30], "truncated or corrupt"),
        (lambda data: data[:12] + b"\xff\xff\xff" + data[15:], "corrupt"),
        (lambda data: b"no gzip file", "truncated or corrupt"),
        (lambda data: gzip.compress(idx(IMAGES + 1)), "has SHA-256 .*: damaged or another file"),
    ],
)
def test_a_damaged_file_in_a_named_folder_is_refused_and_nothing_else_is_tried(
    small_fashion, damage, message
):
    path = small_fashion / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=message) as caught:
        load(small_fashion, mirror="https://nowhere.invalid", update_package_lists=True)
    assert "mirror" not in str(caught.value)


def test_when_no_source_has_the_data_each_is_listed_with_its_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(published, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as caught:
        load(None, mirror="https://nowhere.invalid")
    message = str(caught.value)
    order = ["Keras' cache", "Debian's folder", "the mirror https://nowhere.invalid", "apt-get download"]
    assert sorted(order, key=message.index) == order
    assert "no such folder" in message
    assert "cannot be downloaded" in message
    assert "this system has no apt-get" in message
    assert "set data.folder" in message


def test_keras_own_cache_is_used_before_any_download(monkeypatch, small_fashion, tmp_path, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    small_fashion.rename(tmp_path / "keras" / "datasets" / "fashion-mnist")
    load(None)
    assert "from Keras' cache" in capsys.readouterr().out


def test_a_damaged_cache_is_passed_over_for_the_next_source(monkeypatch, small_fashion, tmp_path, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
    cache.mkdir(parents=True)
    (cache / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
    monkeypatch.setattr(published, "DEBIAN_FOLDER", small_fashion)
    load(None)
    out = capsys.readouterr().out
    assert "not from Keras' cache" in out
    assert "from Debian's folder" in out


@pytest.fixture
def server(small_fashion):
    """An HTTP server of the small files on the loopback address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(small_fashion))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def from_mirror(address: str):
    names = {f"{name}.gz": 10_000 for name in published.FASHION_MNIST}
    source = ("the mirror", downloads.downloaded(address, names))
    return downloads.first_of([source], published._read_fashion, "Fashion-MNIST", "")


def test_a_mirror_gives_verified_files(server):
    np.testing.assert_array_equal(read(from_mirror(server).train)[0][..., 0], IMAGES)


def test_a_mirror_that_sends_another_file_is_refused(server, small_fashion):
    (small_fashion / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES + 1)))
    with pytest.raises(InputError, match="the mirror: train-images-idx3-ubyte has SHA-256"):
        from_mirror(server)


def test_a_mirror_without_a_file_is_refused(server, small_fashion):
    (small_fashion / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz cannot be downloaded"):
        from_mirror(server)


def fake_apt(folder, monkeypatch, script: str) -> None:
    """Put an `apt-get` of our own before the system's."""
    path = folder / "bin" / "apt-get"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")


def test_apt_get_reads_new_lists_only_when_it_must_and_may(monkeypatch, tmp_path):
    fake_apt(tmp_path, monkeypatch, f'echo "$@" >> {tmp_path}/calls; echo "E: no such package" >&2; exit 100')
    (tmp_path / "bin" / "dpkg-deb").symlink_to("/bin/true")
    calls = tmp_path / "calls"
    for refresh, updates in ((False, 0), (True, 1)):
        with (
            pytest.raises(SourceError, match="apt-get failed: E: no such package"),
            downloads.debian_package("fashion", Path("/usr/share/x"), refresh),
        ):
            pass
        assert calls.read_text().count(" update") == updates
    assert "Dir::State::lists=" in calls.read_text()


def test_digits_use_the_whole_range_and_hold_out_a_fifth_of_each_class():
    digits = published.digits()
    images, train_labels = read(digits.train)
    _, test_labels = read(digits.test)
    assert (images.min(), images.max(), digits.shape) == (0, 255, (8, 8, 1))
    assert len(train_labels) + len(test_labels) == 1797
    shares = np.bincount(test_labels) / np.bincount(np.concatenate([train_labels, test_labels]))
    np.testing.assert_allclose(shares, 0.2, atol=0.01)


def small_mnist(monkeypatch, folder, kind: str) -> None:
    """A small MNIST, with its digests in place of the real ones."""
    labels = np.array([3, 9], np.uint8)
    if kind == "npz":
        np.savez(folder / "mnist.npz", x_train=IMAGES, y_train=labels, x_test=IMAGES[:1], y_test=labels[:1])
        digest = hashlib.sha256((folder / "mnist.npz").read_bytes()).hexdigest()
        monkeypatch.setattr(published, "MNIST_NPZ", {"mnist.npz": digest})
        return
    parts = dict(zip(published.MNIST, (IMAGES, labels, IMAGES[:1], labels[:1]), strict=True))
    for name, array in parts.items():
        (folder / name).write_bytes(idx(array))
    digests = {name: hashlib.sha256(idx(array)).hexdigest() for name, array in parts.items()}
    monkeypatch.setattr(published, "MNIST", digests)


@pytest.mark.parametrize("kind", ["npz", "idx"])
def test_mnist_is_read_from_either_kind_of_file(kind, monkeypatch, tmp_path):
    small_mnist(monkeypatch, tmp_path, kind)
    dataset = published.mnist(str(tmp_path), None)
    images, labels = read(dataset.train)
    np.testing.assert_array_equal(images[..., 0], IMAGES)
    assert labels.tolist() == [3, 9]
    assert read(dataset.test)[0].shape == (1, 3, 4, 1)
    assert dataset.classes == list("0123456789")


def test_mnist_in_keras_own_cache_is_found(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    small_mnist(monkeypatch, tmp_path / "datasets", "npz")
    published.mnist(None, None)
    assert "MNIST from Keras' cache" in capsys.readouterr().out


def test_the_digest_of_mnist_is_the_one_that_keras_checks():
    import keras

    text = (Path(keras.__file__).parent / "src" / "datasets" / "mnist.py").read_text()
    assert all(digest in text for digest in published.MNIST_NPZ.values())


@pytest.mark.parametrize("kind", ["npz", "idx"])
def test_another_file_of_mnists_name_is_refused(kind, monkeypatch, tmp_path):
    original = dict(published.MNIST_NPZ), dict(published.MNIST)
    small_mnist(monkeypatch, tmp_path, kind)
    monkeypatch.setattr(published, "MNIST_NPZ", original[0])
    monkeypatch.setattr(published, "MNIST", original[1])
    with pytest.raises(InputError, match=r"MNIST was not found.* has SHA-256 .*set data\.folder"):
        published.mnist(str(tmp_path), None)


GOOD = {
    "x_train": RNG.integers(0, 256, (9, 3, 4, 3), np.uint8),
    "y_train": np.arange(9) % 3,
    "x_test": RNG.integers(0, 256, (3, 3, 4, 3), np.uint8),
    "y_test": np.arange(3),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_users_arrays_come_in_chunks_packed_or_not(save, monkeypatch, tmp_path):
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": None}, r"received the arrays y_train, x_test, y_test, expected x_train, y_train, "),
        ({"x_train": GOOD["x_train"] / 255}, r"x_train: received float64 \(9, 3, 4, 3\), expected uint8"),
        ({"x_train": GOOD["y_train"]}, r"x_train: received int64 \(9,\), expected uint8"),
        ({"x_test": GOOD["x_test"][:, :2]}, r"images of \(3, 4, 3\).* of \(2, 4, 3\)"),
        ({"y_train": np.arange(8)}, r"y_train: received int64 \(8,\), expected integers \(9,\)"),
        ({"y_train": np.arange(9.0)}, r"y_train: received float64 \(9,\), expected integers"),
        ({"y_train": np.arange(9) - 1}, r"y_train: received values -1 to 7, expected 0 to 255"),
        ({"y_test": np.array([0, 1, 256])}, r"y_test: received values 0 to 256, expected 0 to 255"),
        ({"classes": np.array(["cat", "dog"])}, r"classes: received <U3 \(2,\), expected 3 or more texts"),
        ({"classes": np.array(["cat", "dog", "cat"])}, r"classes: .* expected names that differ"),
        ({"classes": np.array(["cat", "dog", None])}, r"the array classes cannot be read: .*Python objects"),
        ({"x_train": np.asfortranarray(GOOD["x_train"])}, r"x_train cannot be read: it is in Fortran order"),
    ],
)
def test_arrays_of_another_kind_are_refused(change, message, tmp_path):
    changed = {name: array for name, array in (GOOD | change).items() if array is not None}
    np.savez(tmp_path / "mine.npz", **changed)
    with pytest.raises(InputError, match=rf"mine\.npz: .*{message}"):
        npz.npz(str(tmp_path))


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "found none"), (("a.npz", "b.npz"), "found a.npz, b.npz")],
)
def test_a_folder_without_exactly_one_npz_file_is_refused(names, message, tmp_path):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(
        InputError, match=rf"data\.folder: .*expected a folder with one \.npz file; {message}"
    ):
        npz.npz(str(tmp_path))


def test_an_npz_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"mine\.npz cannot be read as an \.npz file"):
        npz.npz(str(tmp_path))


def test_a_folder_must_be_named_for_arrays():
    with pytest.raises(InputError, match=r"data\.folder: received null"):
        npz.npz(None)


def test_a_damaged_array_is_noticed_while_it_is_read(tmp_path):
    np.savez(tmp_path / "mine.npz", **GOOD)
    content = bytearray((tmp_path / "mine.npz").read_bytes())
    place = content.index(GOOD["x_train"].tobytes())
    content[place + 50] ^= 1
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"the array x_train cannot be read: Bad CRC-32"):
        read(npz.npz(str(tmp_path)).train)
