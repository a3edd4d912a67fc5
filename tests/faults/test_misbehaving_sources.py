"""What a mirror or a file does costs that source alone: one line, no hang, no flood."""

import contextlib
import gzip
import hashlib
import http.client
import os
import socket
import threading
import time
import urllib.error
import urllib.request
import zipfile

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.data import downloads, npz, published
from pipeline.data.downloads import SourceError

HEADERS = b"HTTP/1.1 200 OK\r\n"


@contextlib.contextmanager
def answering(*parts: bytes, pause_seconds: float = 0):
    """A server on the loopback address that answers with parts, and pauses after each; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(2**16)
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause_seconds)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def download(address: str, limit: int = 1000) -> None:
    with downloads.downloaded(address, {"file": limit}):
        pass


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([b"\x1b[31mSSH-2.0\r\n\r\n"], r"\(\[31mSSH-2.0\)"),
        ([b""], "Remote end closed connection"),
        ([HEADERS, b"Content-Length: many\r\n\r\n"], "invalid literal"),
        ([HEADERS, b"Content-Length: 9\r\n\r\n", b"seven"], "it ended after 5 of 9 bytes"),
        ([HEADERS, b"Transfer-Encoding: chunked\r\n\r\n", b"9\r\nseven"], "IncompleteRead"),
        ([HEADERS, b"\r\n", bytes(1001)], "it has more than 1,000 bytes, expected no more"),
        ([HEADERS, *[b"X: " + bytes([97]) * 9 + b"\r\n"] * 200], "got more than 100 headers"),
    ],
)
def test_an_answer_that_is_none_is_one_line_of_that_source(parts, reason):
    with (
        answering(*parts) as address,
        pytest.raises(SourceError, match=f"file cannot be downloaded.*{reason}") as caught,
    ):
        download(address)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("mirror", ["https://[::1", "https://host:port", "https://a b", "https://\x00"])
def test_an_address_that_is_none_leaves_the_other_sources(mirror, tmp_path, capsys):
    sources = [
        ("the mirror", downloads.downloaded(mirror, {"file": 1000})),
        ("the folder", downloads.existing(tmp_path)),
    ]
    assert downloads.first_of(sources, lambda folder: folder, "Data", "") == tmp_path
    assert "not from the mirror: https://" in capsys.readouterr().out


@pytest.mark.parametrize("start", [[HEADERS], [HEADERS, b"\r\n"]], ids=["in the headers", "in the content"])
def test_a_slow_drip_is_given_up_after_the_time_that_the_size_allows(start, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(downloads, "MIN_BYTES_PER_SECOND", 1000)
    began = time.monotonic()
    with (
        answering(*start, *[b"x"] * 100, pause_seconds=0.2) as address,
        pytest.raises(SourceError, match="it was not done after 2 seconds"),
    ):
        download(address)
    assert time.monotonic() - began < 10


def test_https_does_not_lead_to_http():
    class Answers(urllib.request.HTTPSHandler):
        def https_open(self, request):
            headers = http.client.HTTPMessage()
            headers["Location"] = "http://127.0.0.1:9/file"
            return self.parent.error("http", request, None, 302, "Found", headers)

    opener = urllib.request.build_opener(downloads.StaysSecure, Answers)
    with pytest.raises(urllib.error.URLError, match=r"leads to http://.*, expected an https://"):
        opener.open("https://example.invalid/file")


def one_idx_file(monkeypatch, folder, content: bytes) -> str:
    """The first file of Fashion-MNIST, with the digest of a content of ours."""
    name = next(iter(published.FASHION_MNIST))
    monkeypatch.setattr(published, "FASHION_MNIST", {name: hashlib.sha256(content).hexdigest()})
    return name


def refusal(folder) -> str:
    with pytest.raises(InputError) as caught:
        published.fashion_mnist(str(folder), None, False)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_gzip_file_is_unpacked_no_further_than_the_size_that_is_expected(monkeypatch, tmp_path):
    name = one_idx_file(monkeypatch, tmp_path, b"")
    monkeypatch.setattr(published, "IDX_BYTES", {name: 1000})
    read = []
    original = gzip.GzipFile.read
    monkeypatch.setattr(
        gzip.GzipFile, "read", lambda self, size=-1: read.append(size) or original(self, size)
    )
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(bytes(50_000_000)))
    assert "holds more than 1,000 bytes, expected no more" in refusal(tmp_path)
    assert read == [1001]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("make", "kind"),
    [(os.mkfifo, "a pipe"), (lambda path: path.symlink_to("/dev/zero"), "a device"), (os.mkdir, "a folder")],
)
def test_a_pipe_a_device_and_a_folder_are_no_data_file(make, kind, suffix, tmp_path):
    make(tmp_path / f"train-images-idx3-ubyte{suffix}")
    assert f"{suffix}: received {kind}, expected a regular file" in refusal(tmp_path)


def test_mnist_in_one_file_is_no_pipe_and_no_larger_than_it_is(tmp_path):
    path = tmp_path / "mnist.npz"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(InputError, match=r"mnist\.npz: received more than 11,490,434 bytes"):
        published.mnist(str(tmp_path), None)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"mnist\.npz: received a pipe"):
        published.mnist(str(tmp_path), None)


def test_mnist_is_made_of_the_bytes_that_were_verified(monkeypatch, tmp_path):
    names = npz.NPZ_NAMES[0]
    images, labels = np.ones((2, 3, 4), np.uint8), np.array([3, 9], np.uint8)
    good = dict(zip(names, (images, labels, images, labels), strict=True))
    np.savez(tmp_path / "mnist.npz", **good)
    digest = hashlib.sha256((tmp_path / "mnist.npz").read_bytes()).hexdigest()
    monkeypatch.setattr(published, "MNIST_NPZ", {"mnist.npz": digest})
    verify = downloads.verify

    def exchanged(*given):
        verify(*given)
        np.savez(tmp_path / "mnist.npz", **{name: array * 0 for name, array in good.items()})

    monkeypatch.setattr(downloads, "verify", exchanged)
    read = published.mnist(str(tmp_path), None)
    assert all(pixels.min() == 1 for pixels, _ in read.train())


@pytest.mark.parametrize(
    ("make", "kind"), [(os.mkfifo, "a pipe"), (lambda path: path.symlink_to("/dev/zero"), "a device")]
)
def test_a_users_arrays_are_no_pipe_and_no_device(make, kind, tmp_path):
    make(tmp_path / "mine.npz")
    with pytest.raises(InputError, match=f"received {kind}, expected a regular file"):
        npz.npz(str(tmp_path))


def test_a_folder_of_arrays_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"data\.folder: .*file: Not a directory"):
        npz.npz(str(tmp_path / "file"))


def test_names_of_classes_that_unpack_to_gigabytes_are_refused_by_their_header(tmp_path):
    images, labels = np.zeros((2, 3, 4), np.uint8), np.arange(2)
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    with zipfile.ZipFile(path, "a") as archive, archive.open("classes.npy", "w") as member:
        about = {"descr": "<U500000000", "fortran_order": False, "shape": (2,)}
        np.lib.format.write_array_header_1_0(member, about)
    with pytest.raises(InputError, match=r"classes: received <U500000000 \(2,\), expected at most"):
        npz.npz(str(tmp_path))
