"""Where the files of a published data set lie: a folder, an HTTPS mirror, a Debian package."""

import hashlib
import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from pipeline.base.errors import InputError, words
from pipeline.data.dataset import Dataset


def verify(content: bytes, name: str, digest: str) -> None:
    """Refuse, by `SourceError`, a content of another SHA-256 (hex)."""
    received = hashlib.sha256(content).hexdigest()
    if received != digest:
        raise SourceError(f"{name} has SHA-256 {received}, expected {digest}: damaged or another file")


# Without a byte.
TIMEOUT_SECONDS = 20
# Of a line that is of any use; a file that comes more slowly is given up.
MIN_BYTES_PER_SECOND = 50_000
APT_SECONDS = 900
APT_GET = ("apt-get", "-o", f"Acquire::http::Timeout={TIMEOUT_SECONDS}", "-o", "APT::Sandbox::User=")
CHUNK_BYTES = 2**16
Source = tuple[str, AbstractContextManager[Path]]


class SourceError(Exception):
    """One source does not have the data; the next may."""


def first_of(sources: Sequence[Source], read: Callable[[Path], Dataset], title: str, advice: str) -> Dataset:
    """Read a data set from the first source that has it.

    Args:
        sources: names for the screen, each with its folder of the files, which is opened when it is tried.
        read: reads and verifies the files of a folder; raises `SourceError`, or `InputError` of a file.
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
        except (SourceError, InputError) as error:
            failures.append(f"{name}: {error}")
            print(f"fetch: not from {name}: {error}", flush=True)
        else:
            print(f"fetch: {title} from {name}, SHA-256 verified")
            return dataset
    raise InputError(f"{title} was not found. {'; '.join(failures)}. {advice}")


@contextmanager
def existing(folder: Path) -> Iterator[Path]:
    """The folder itself, when there is one; else `SourceError`."""
    try:
        if not folder.is_dir():
            raise SourceError("no such folder")
    except OSError as error:
        raise SourceError(words(error, folder)) from None
    yield folder


def keras_cache() -> Path:
    """The folder in which Keras keeps the data sets that it has downloaded."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"


@contextmanager
def downloaded(mirror: str, limits: Mapping[str, int]) -> Iterator[Path]:
    """Download files from an HTTPS mirror into a temporary folder; who reads them verifies them.

    Args:
        mirror: address of the folder of the files.
        limits: for each file's name the most bytes that it may have.

    Raises:
        SourceError: the mirror cannot be reached, leads to plain HTTP, or sends too much or too slowly.
    """
    with tempfile.TemporaryDirectory(prefix="filterscope-") as temporary:
        folder = Path(temporary)
        for name, limit in limits.items():
            _download(f"{mirror}/{name}", folder / name, limit)
        yield folder


def _download(address: str, path: Path, limit: int) -> None:
    from rich.progress import wrap_file

    try:
        with (
            _time_limit(TIMEOUT_SECONDS + limit / MIN_BYTES_PER_SECOND),
            urllib.request.build_opener(StaysSecure).open(address, timeout=TIMEOUT_SECONDS) as response,
        ):
            size = int(response.headers.get("Content-Length", 0))
            with wrap_file(response, size, description=path.name) as stream, path.open("wb") as target:
                _copy(stream, target, size, limit)
    # HTTPException: what answers does not speak HTTP, or the address is none.
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SourceError(f"{address} cannot be downloaded ({_one_line(error)})") from None


class StaysSecure(urllib.request.HTTPRedirectHandler):
    """Follows no redirection from HTTPS to something else."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        """As in the base class, but for the refusal."""
        if req.type == "https" and urllib.request.Request(newurl).type != "https":
            raise urllib.error.URLError(f"it leads to {newurl}, expected an https:// address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block, wherever it waits, after that time; for the main thread alone."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"it was not done after {seconds:.0f} seconds")

    earlier = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


def _copy(stream: IO[bytes], target: IO[bytes], size: int, limit: int) -> None:
    """Copy a stream of that size, if it is not 0, and of no more than the limit."""
    while content := stream.read(CHUNK_BYTES):
        target.write(content)
        if target.tell() > limit:
            raise ValueError(f"it has more than {limit:,} bytes, expected no more")
    if target.tell() < size:
        raise ValueError(f"it ended after {target.tell():,} of {size:,} bytes")


def _one_line(error: Exception) -> str:
    """An error's words, which may come from another machine, as what can be shown."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(error) or type(error).__name__)
    return " ".join(text.split())


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
            _run([*APT_GET, "download", package], folder)
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
    _run([*APT_GET, *own, "update"], folder)
    _run([*APT_GET, *own, "download", package], folder)


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=APT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"{command[0]} was not done after {APT_SECONDS} seconds") from None
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()] or ["no message"]
        raise SourceError(f"{command[0]} failed: {lines[-1].strip()}")
