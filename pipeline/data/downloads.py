"""Where the files of a published data set lie: a folder, an HTTPS mirror, a Debian package."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.data.dataset import Dataset


def verify(content: bytes, name: str, digest: str) -> None:
    """Refuse, by `SourceError`, a content of another SHA-256 (hex)."""
    received = hashlib.sha256(content).hexdigest()
    if received != digest:
        raise SourceError(f"{name} has SHA-256 {received}, expected {digest}: damaged or another file")


TIMEOUT_SECONDS = 20
Source = tuple[str, Callable[[], AbstractContextManager[Path]]]


class SourceError(Exception):
    """One source does not have the data; the next may."""


def first_of(sources: Sequence[Source], read: Callable[[Path], Dataset], title: str, advice: str) -> Dataset:
    """Read a data set from the first source that has it.

    Args:
        sources: names for the screen, each with a function that opens the folder of the files.
        read: reads and verifies the files of a folder; raises `SourceError`.
        title: of the data set, for the screen.
        advice: what a user can do when no source has it.

    Raises:
        InputError: no source has it; the line lists each source and why it failed.
    """
    failures = []
    for name, source in sources:
        try:
            with source() as folder:
                dataset = read(folder)
        except SourceError as error:
            failures.append(f"{name}: {error}")
            print(f"fetch: not from {name}: {error}", flush=True)
        else:
            print(f"fetch: {title} from {name}, SHA-256 verified")
            return dataset
    raise InputError(f"{title} was not found. {'; '.join(failures)}. {advice}")


@contextmanager
def existing(folder: Path) -> Iterator[Path]:
    """The folder itself, when there is one; else `SourceError`."""
    if not folder.is_dir():
        raise SourceError("no such folder")
    yield folder


def keras_cache() -> Path:
    """The folder in which Keras keeps the data sets that it has downloaded."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"


@contextmanager
def downloaded(mirror: str, names: Sequence[str]) -> Iterator[Path]:
    """Download files from an HTTPS mirror into a temporary folder; who reads them verifies them.

    Raises:
        SourceError: the mirror cannot be reached.
    """
    with tempfile.TemporaryDirectory(prefix="filterscope-") as temporary:
        folder = Path(temporary)
        for name in names:
            _download(f"{mirror}/{name}", folder / name)
        yield folder


def _download(address: str, path: Path) -> None:
    from rich.progress import wrap_file

    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response:
            size = int(response.headers.get("Content-Length", 0))
            shown = wrap_file(response, size, description=Path(address).name)
            with shown as stream, path.open("wb") as target:
                shutil.copyfileobj(stream, target)
    except (OSError, ValueError) as error:
        raise SourceError(f"{address} cannot be downloaded ({error})") from None


@contextmanager
def debian_package(package: str, installed: Path, refresh: bool) -> Iterator[Path]:
    """Download and unpack a Debian package into a temporary folder; nothing is installed.

    Works without root: when apt-get's lists are missing or old and `refresh` allows it, new lists
    are fetched into the temporary folder too, and the system's are left alone.

    Args:
        package: its name.
        installed: the folder of its files, once installed.
        refresh: whether apt-get may read new lists.

    Raises:
        SourceError: not a Debian system, or the package cannot be had.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise SourceError("this system has no apt-get")
    with tempfile.TemporaryDirectory(prefix="filterscope-") as temporary:
        folder = Path(temporary)
        try:
            _run(["apt-get", "download", package], folder)
        except SourceError:
            if not refresh:
                raise
            _download_with_own_lists(package, folder)
        archive = next(folder.glob("*.deb"), None)
        if archive is None:
            raise SourceError("apt-get left no package")
        _run(["dpkg-deb", "-x", str(archive), str(folder / "unpacked")], folder)
        yield folder / "unpacked" / installed.relative_to("/")


def _download_with_own_lists(package: str, folder: Path) -> None:
    print("fetch: apt-get has no such package in its lists; reading new lists", flush=True)
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    own = ["-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
    _run(["apt-get", *own, "update"], folder)
    _run(["apt-get", *own, "download", package], folder)


def _run(command: list[str], folder: Path) -> None:
    options = ["-o", f"Acquire::http::Timeout={TIMEOUT_SECONDS}", "-o", "APT::Sandbox::User="]
    if command[0] == "apt-get":
        command = [command[0], *options, *command[1:]]
    environment = {**os.environ, "LC_ALL": "C"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()] or ["no message"]
        raise SourceError(f"{command[0]} failed: {lines[-1].strip()}")
