"""What a mirror, a file or apt does costs that source alone: one line, no flood."""

import contextlib
import gzip
import itertools
import os
import socket
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.data import downloads, idx, npz, published

HEADERS = b"HTTP/1.1 200 OK\r\n"


@contextlib.contextmanager
def responding(*parts: bytes):
    """A server on the loopback address that sends parts to whoever comes first; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(2**16)
                for part in parts:
                    connection.sendall(part)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def refusal_of(source) -> str:
    with pytest.raises(InputError) as caught, source:
        pass
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([b"\x1b[31mSSH-2.0\r\n\r\n"], "SSH-2.0"),
        ([b""], "closed connection"),
        ([HEADERS, b"Content-Length: many\r\n\r\n"], "many"),
        ([HEADERS, b"Content-Length: 9\r\n\r\n", b"seven"], "5 of 9 bytes"),
        ([HEADERS, b"Transfer-Encoding: chunked\r\n\r\n", b"9\r\nseven"], "IncompleteRead"),
        ([HEADERS, b"\r\n", bytes(1001)], "more than 1,000 bytes"),
    ],
)
def test_a_wrong_response_is_one_line_of_that_source(parts, reason, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_BYTES", 1000)
    with responding(*parts) as address:
        line = refusal_of(downloads.downloaded(address, ["file"]))
    assert f"{address}/file" in line
    assert reason in line


def test_a_download_has_a_total_time(monkeypatch):
    # A minute passes whenever the clock is read.
    monkeypatch.setattr(downloads, "time", SimpleNamespace(monotonic=itertools.count(0, 60).__next__))
    with responding(HEADERS, b"\r\n", bytes(30 * downloads.CHUNK_BYTES)) as address:
        line = refusal_of(downloads.downloaded(address, ["file"]))
    assert f"{downloads.MAX_SECONDS} seconds" in line


@pytest.mark.parametrize("mirror", ["https://[::1", "https://host:port", "https://a b", "https://\x00"])
def test_an_address_that_is_none_leaves_the_other_sources(mirror, tmp_path, capsys):
    sources = [
        ("the mirror", downloads.downloaded(mirror, ["file"])),
        ("the folder", contextlib.nullcontext(tmp_path)),
    ]
    assert downloads.first_of(sources, lambda folder: folder, "Data", "") == tmp_path
    assert "not from the mirror: https://" in capsys.readouterr().out


def test_https_does_not_lead_to_http(monkeypatch):
    response = contextlib.nullcontext(SimpleNamespace(url="http://example.invalid/file"))
    monkeypatch.setattr(downloads.urllib.request, "urlopen", lambda *given, **more: response)
    line = refusal_of(downloads.downloaded("https://example.invalid", ["file"]))
    assert "http://example.invalid/file, expected an https://" in line


@pytest.mark.parametrize("writable", [False, True])
def test_apt_reads_new_lists_where_it_may_and_else_the_user_is_told_to(writable, monkeypatch, tmp_path):
    for name, script in (
        ("apt-get", 'echo "$@" >> calls; echo "E: no package" >&2; exit 100'),
        ("dpkg-deb", ""),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(downloads, "APT_LISTS", tmp_path if writable else tmp_path / "nowhere")
    line = refusal_of(downloads.debian_package("fashion", Path("/usr/share/x")))
    assert "E: no package" in line
    assert "apt-get update" in line
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["download fashion", *["update"] * writable]


def test_a_gzip_file_is_unpacked_no_further_than_the_size_that_is_expected(monkeypatch, tmp_path):
    read = []
    original = gzip.GzipFile.read
    monkeypatch.setattr(
        gzip.GzipFile, "read", lambda self, size=-1: read.append(size) or original(self, size)
    )
    monkeypatch.setattr(idx, "MAX_BYTES", 1000)
    (tmp_path / "file.gz").write_bytes(gzip.compress(bytes(5_000_000)))
    with pytest.raises(InputError, match=r"file\.gz holds more than 1,000 bytes"):
        idx.read_idx(tmp_path, "file", "")
    assert read == [1001]


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "mnist.npz"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_a_device_and_a_folder_are_no_data_file(make, name, tmp_path):
    make(tmp_path / name)
    with pytest.raises(InputError, match=rf"{name}: .*expected a regular file"):
        published.mnist(str(tmp_path), None)
    if name.endswith(".npz"):
        with pytest.raises(InputError, match=rf"{name}: .*expected a regular file"):
            npz.npz(str(tmp_path))


def test_names_of_classes_that_unpack_to_gigabytes_are_refused_by_their_header(tmp_path):
    images, labels = np.zeros((2, 3, 4), np.uint8), np.arange(2)
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    with zipfile.ZipFile(path, "a") as archive, archive.open("classes.npy", "w") as member:
        about = {"descr": "<U500000000", "fortran_order": False, "shape": (2,)}
        np.lib.format.write_array_header_1_0(member, about)
    with pytest.raises(InputError, match=r"classes: received <U500000000 \(2,\), expected at most"):
        npz.npz(str(tmp_path))
