"""Sources are tried in order and believed only once verified."""

import gzip
import hashlib
import http.server
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.data import published

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([3, 9], np.uint8)


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file, written from the format's description."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return header + array.tobytes()


def small(monkeypatch, name: str) -> dict[str, bytes]:
    """The contents of four small IDX files, their digests in place of a published data set's."""
    contents = {file: idx(IMAGES if "images" in file else LABELS) for file in published.MNIST}
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    monkeypatch.setattr(published, name, digests)
    return contents


def read(part) -> tuple[np.ndarray, np.ndarray]:
    """All images (N, H, W) and labels of a part."""
    images, labels = zip(*part(), strict=True)
    return np.concatenate(images)[..., 0], np.concatenate(labels)


@pytest.fixture
def fashion(monkeypatch, tmp_path):
    """A small Fashion-MNIST in a folder, where no other source is."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(published, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / "source"
    folder.mkdir()
    for name, content in small(monkeypatch, "FASHION_MNIST").items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return folder


def test_a_named_folder_is_read_with_and_without_gz(fashion):
    packed = fashion / "train-images-idx3-ubyte.gz"
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    dataset = published.fashion_mnist(str(fashion), None)
    for part in (dataset.train, dataset.test):
        images, labels = read(part)
        np.testing.assert_array_equal(images, IMAGES)
        np.testing.assert_array_equal(labels, LABELS)
    assert dataset.classes[9] == "Ankle boot"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:30], "truncated or corrupt"),
        (lambda data: data[:12] + b"\xff\xff\xff" + data[15:], "corrupt"),
        (lambda data: b"no gzip file", "truncated or corrupt"),
        (lambda data: gzip.compress(idx(IMAGES + 1)), "SHA-256"),
    ],
)
def test_a_damaged_file_in_a_named_folder_is_refused_and_nothing_else_is_tried(fashion, damage, message):
    path = fashion / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=rf"t10k-images-idx3-ubyte.*{message}") as caught:
        published.fashion_mnist(str(fashion), "https://nowhere.invalid")
    assert "mirror" not in str(caught.value)


def test_when_no_source_has_the_data_each_is_listed_in_order(fashion):
    with pytest.raises(InputError, match=r"no apt-get.*data\.folder") as caught:
        published.fashion_mnist(None, "https://nowhere.invalid")
    order = ["Keras' cache", "Debian's folder", "the mirror https://nowhere.invalid", "apt-get download"]
    assert sorted(order, key=str(caught.value).index) == order


def test_a_damaged_cache_is_passed_over_for_the_next_source(fashion, tmp_path, capsys):
    cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
    cache.mkdir(parents=True)
    (cache / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
    fashion.rename(tmp_path / "debian")
    published.fashion_mnist(None, None)
    out = capsys.readouterr().out
    assert out.index("not from Keras' cache") < out.index("from Debian's folder")


def test_a_mirror_is_read_and_its_files_verified(fashion, capsys):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(fashion))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        np.testing.assert_array_equal(read(published.fashion_mnist(None, address).train)[0], IMAGES)
        (fashion / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES + 1)))
        with pytest.raises(InputError, match=rf"{address}: train-images-idx3-ubyte has SHA-256"):
            published.fashion_mnist(None, address)
        (fashion / "train-images-idx3-ubyte.gz").unlink()
        with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz cannot be downloaded.*404"):
            published.fashion_mnist(None, address)
        server.shutdown()


def test_digits_use_the_whole_range_and_hold_out_a_fifth_of_each_class():
    digits = published.digits()
    images, train_labels = read(digits.train)
    _, test_labels = read(digits.test)
    assert (images.min(), images.max(), digits.shape) == (0, 255, (8, 8, 1))
    assert len(train_labels) + len(test_labels) == 1797
    shares = np.bincount(test_labels) / np.bincount(np.concatenate([train_labels, test_labels]))
    np.testing.assert_allclose(shares, 0.2, atol=0.01)


@pytest.mark.parametrize("kind", ["npz", "idx"])
def test_mnist_is_read_from_either_kind_of_file_in_keras_cache(kind, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "datasets"
    folder.mkdir()
    if kind == "npz":
        np.savez(folder / "mnist.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:1], y_test=LABELS[:1])
        digest = hashlib.sha256((folder / "mnist.npz").read_bytes()).hexdigest()
        monkeypatch.setattr(published, "MNIST_NPZ", {"mnist.npz": digest})
    else:
        for name, content in small(monkeypatch, "MNIST").items():
            (folder / name).write_bytes(content)
    dataset = published.mnist(None, None)
    images, labels = read(dataset.train)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert dataset.classes == list("0123456789")


def test_the_digest_of_mnist_is_the_one_that_keras_checks():
    import keras

    text = (Path(keras.__file__).parent / "src" / "datasets" / "mnist.py").read_text(encoding="utf-8")
    assert all(digest in text for digest in published.MNIST_NPZ.values())


@pytest.mark.parametrize("name", ["mnist.npz", "train-images-idx3-ubyte"])
def test_another_file_of_mnists_name_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(idx(IMAGES))
    with pytest.raises(InputError, match=rf"{name} has SHA-256 .*data\.folder"):
        published.mnist(str(tmp_path), None)
