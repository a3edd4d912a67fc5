"""Where the files of a published data set lie: a folder, an HTTPS mirror, a Debian package."""

import http.client
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.base.errors import InputError
from pipeline.data.dataset import Dataset
from pipeline.data.idx import MAX_BYTES

# Without a byte.
TIMEOUT_SECONDS = 20
# Of one file, or one command of apt.
MAX_SECONDS = 900
APT_LISTS = Path("/var/lib/apt/lists")
CHUNK_BYTES = 2**16
Source = tuple[str, AbstractContextManager[Path]]


def first_of(sources: Sequence[Source], read: Callable[[Path], Dataset], title: str, advice: str) -> Dataset:
    """Read a data set from the first source that has it.

    Args:
        sources: names for the screen, each with its folder of the files, which is opened when it is tried.
        read: reads and verifies the files of a folder.
        title: of the data set, for the screen.
        advice: what a user can do when no source has it.

    Raises:
        InputError: no source has it; the line lists each source and why it failed.
    """
    failures = []
    for name, source in sources:
        try:
            with source as folder:
                dataset = read(folder)
        except InputError as error:
            failures.append(f"{name}: {error}")
            print(f"fetch: not from {name}: {error}", flush=True)
        else:
            print(f"fetch: {title} from {name}, SHA-256 verified")
            return dataset
    raise InputError(f"{title} was not found. {'; '.join(failures)}. {advice}")


def keras_cache() -> Path:
    """The folder in which Keras keeps the data sets that it has downloaded."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"


@contextmanager
def downloaded(mirror: str, names: Sequence[str]) -> Iterator[Path]:
    """Download files from an HTTPS mirror into a temporary folder; who reads them verifies them.

    Args:
        mirror: address of the folder of the files.
        names: of the files.

    Raises:
        InputError: the mirror cannot be reached, leads to plain HTTP, or sends too much or too slowly.
    """
    with tempfile.TemporaryDirectory(prefix="filterscope-") as temporary:
        for name in names:
            address = f"{mirror}/{name}"
            try:
                _download(address, Path(temporary, name))
            # HTTPException: what responds does not speak HTTP, or the address is none.
            except (OSError, ValueError, http.client.HTTPException) as error:
                raise InputError(f"{address} cannot be downloaded ({str(error)!r})") from None
        yield Path(temporary)


def _download(address: str, path: Path) -> None:
    from rich.progress import wrap_file

    end = time.monotonic() + MAX_SECONDS
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response:
        if urlsplit(response.url).scheme != urlsplit(address).scheme:
            raise ValueError(f"it leads to {response.url}, expected an https:// address")
        size = int(response.headers.get("Content-Length", 0))
        with wrap_file(response, size, description=path.name) as stream, path.open("wb") as target:
            while content := stream.read(CHUNK_BYTES):
                target.write(content)
                if target.tell() > MAX_BYTES:
                    raise ValueError(f"it has more than {MAX_BYTES:,} bytes, expected no more")
                if time.monotonic() > end:
                    raise TimeoutError(f"it was not done after {MAX_SECONDS} seconds")
            if target.tell() < size:
                raise ValueError(f"it ended after {target.tell():,} of {size:,} bytes")


@contextmanager
def debian_package(package: str, installed: Path) -> Iterator[Path]:
    """Download and unpack a Debian package into a temporary folder; nothing is installed.

    Works without root; where the system's package lists may be written they are read anew if need be.

    Args:
        package: its name.
        installed: the folder of its files, once installed.

    Raises:
        InputError: not a Debian system, or the package cannot be downloaded.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise InputError("this system has no apt-get")
    with tempfile.TemporaryDirectory(prefix="filterscope-") as temporary:
        download = ["apt-get", "download", package]
        error = _failure(download, temporary)
        if error and os.access(APT_LISTS, os.W_OK):
            print(f"fetch: {error}; trying again after `apt-get update`", flush=True)
            error = _failure(["apt-get", "update"], temporary) or _failure(download, temporary)
        if error:
            raise InputError(f"{error}; run `apt-get update`")
        [archive] = Path(temporary).glob("*.deb")
        if error := _failure(["dpkg-deb", "-x", str(archive), "unpacked"], temporary):
            raise InputError(error)
        yield Path(temporary, "unpacked") / installed.relative_to("/")


def _failure(command: Sequence[str], folder: str) -> str | None:
    """Run a command; the last line of what it complains of, or None when it succeeds."""
    try:
        result = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", timeout=MAX_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} was not done after {MAX_SECONDS} seconds"
    lines = result.stderr.strip().splitlines() or ["no message"]
    return f"{command[0]} failed: {lines[-1].strip()}" if result.returncode else None
