"""Sources are tried in order and believed only once verified."""

import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from pipeline import datasets
from pipeline.config import InputError
from pipeline.datasets import SourceError


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file, written from the format's description."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture
def small_fashion(monkeypatch, tmp_path):
    """Four small IDX files in a folder, with their digests in place of Fashion-MNIST's."""
    folder = tmp_path / "source"
    folder.mkdir()
    digests = {}
    for name in datasets.FASHION_MNIST:
        content = idx(IMAGES if "images" in name else np.array([3, 9]))
        digests[name] = hashlib.sha256(content).hexdigest()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(datasets, "FASHION_MNIST", digests)
    return folder


def load(folder, **options):
    return datasets.load("fashion_mnist", (3, 4, 1), folder=folder and str(folder), **options)


def test_an_idx_file_becomes_an_array_of_its_shape():
    np.testing.assert_array_equal(datasets.parse_idx(idx(IMAGES), "x"), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x starts with , expected 00000801 or 00000803"),
        (b"\x00\x00\x0d\x03" + bytes(12), "x starts with 00000d03"),
        (b"\x00\x00\x08\x02" + bytes(12), "x starts with 00000802"),
        (idx(IMAGES)[:9], "x ends within its header, after 9 bytes"),
        (idx(IMAGES)[:-1], r"x is 39 bytes, its header \(2, 3, 4\) means 40"),
        (idx(IMAGES) + b"\x00", r"x is 41 bytes, its header \(2, 3, 4\) means 40"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, r"x is 16 bytes, its header"),
    ],
)
def test_an_idx_header_that_does_not_fit_is_refused(content, message):
    with pytest.raises(SourceError, match=message):
        datasets.parse_idx(content, "x")


def test_a_named_folder_is_read_with_and_without_gz(small_fashion):
    packed = small_fashion / "train-images-idx3-ubyte.gz"
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    dataset = load(small_fashion)
    np.testing.assert_array_equal(dataset.train_images[..., 0], IMAGES)
    np.testing.assert_array_equal(dataset.test_labels, [3, 9])
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
    monkeypatch.setattr(datasets, "DEBIAN_FOLDER", tmp_path / "debian")
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
    monkeypatch.setattr(datasets, "DEBIAN_FOLDER", small_fashion)
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


def test_a_mirror_gives_verified_files(server):
    with datasets.downloaded(server) as folder:
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            f"{name}.gz" for name in datasets.FASHION_MNIST
        )


def test_a_mirror_that_sends_another_file_is_refused(server, small_fashion):
    (small_fashion / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES + 1)))
    with pytest.raises(SourceError, match="has SHA-256"), datasets.downloaded(server):
        pass


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
            datasets.debian_package(refresh),
        ):
            pass
        assert calls.read_text().count(" update") == updates
    assert "Dir::State::lists=" in calls.read_text()


def test_images_of_another_size_than_configured_are_refused():
    with pytest.raises(InputError, match=r"received \(28, 28, 1\), but the images of digits are \(8, 8, 1\)"):
        datasets.load("digits", (28, 28, 1))


def test_digits_use_the_whole_range_and_hold_out_a_fifth_of_each_class():
    digits = datasets.load("digits", (8, 8, 1))
    assert digits.train_images.min() == 0
    assert digits.train_images.max() == 255
    assert len(digits.train_labels) + len(digits.test_labels) == 1797
    shares = np.bincount(digits.test_labels) / np.bincount(
        np.concatenate([digits.train_labels, digits.test_labels])
    )
    np.testing.assert_allclose(shares, 0.2, atol=0.01)


def test_the_split_is_scikit_learns_own_index_by_index():
    labels = np.tile(np.arange(10), 50).astype(np.uint8)
    images = np.arange(500)
    expected = train_test_split(images, labels, test_size=0.2, random_state=42)[:2]
    train, validation = datasets.split_rows(labels, 0.2, 42)
    np.testing.assert_array_equal(images[train], expected[0])
    np.testing.assert_array_equal(images[validation], expected[1])


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        (0.999999, "resulting train set will be empty"),
        (0.01, "leaves the validation split of 1 images without"),
    ],
)
def test_a_split_without_some_class_is_refused(fraction, message):
    labels = np.tile(np.arange(10), 10).astype(np.uint8)
    with pytest.raises(InputError, match=message):
        datasets.split_rows(labels, fraction, 0)


def test_an_image_of_the_source_is_found_in_the_split_that_holds_it():
    rows = {"train": np.array([4, 0, 2]), "validation": np.array([3, 1])}
    counts = {"train": 3, "validation": 2, "test": 7}
    assert datasets.find_image(rows, counts, "source", 0) == ("train", 1)
    assert datasets.find_image(rows, counts, "source", 3) == ("validation", 0)
    assert datasets.find_image(rows, counts, "test", 6) == ("test", 6)
    with pytest.raises(InputError, match="received source 5, expected an index below 5"):
        datasets.find_image(rows, counts, "source", 5)
