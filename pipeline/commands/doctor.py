"""Whether this machine can do what the README promises: a line for each thing, with what mends it.

    python -m pipeline.commands.doctor

`ok`; `note`, one can do without it; `wrong`, one cannot, and the exit code is 1. Looks before anything is
installed too, then at less.
"""

import importlib.util
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError, one_line_errors
from pipeline.base.git import git as run_git
from pipeline.base.requirements import installed, pinned
from pipeline.network.machine import CPU_INFO, cpu_flags

ROOT = Path(__file__).resolve().parents[2]
OLDEST, NEWEST = (3, 11), (3, 13)
GIGABYTE = 10**9
# `.venv` takes 3.4 GB, and pip as much as a package again while it installs one; data, models and DVC's
# cache of them 0.5 GB.
INSTALL_BYTES, RUN_BYTES = 5 * GIGABYTE, GIGABYTE
# A stage takes 0.6 GB on the digits; `make test` runs four at a time.
STAGE_BYTES, TEST_BYTES = GIGABYTE, 4 * GIGABYTE
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
INSTALL = "`make repro` installs them"


@dataclass(frozen=True)
class Finding:
    """What was seen of one thing: its state ("ok", "note" or "wrong"), its name, words with the mend."""

    state: str
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{self.state:6}{self.subject:17}{self.words}"


def python(version: tuple[int, int]) -> Finding:
    """Major and minor number."""
    told = ".".join(map(str, version))
    if OLDEST <= version <= NEWEST:
        return Finding("ok", "Python", told)
    mend = "expected 3.11 to 3.13: `rm -rf .venv`, then `make repro PYTHON=python3.12`"
    return Finding("wrong", "Python", f"{told}, {mend}")


def packages(pins: Mapping[str, str], there: Mapping[str, str]) -> Finding:
    """Versions by name: of the requirements, and those that are there."""
    absent = [name for name in pins if name not in there]
    other = [f"{name} {there[name]} for {pin}" for name, pin in pins.items() if there.get(name, pin) != pin]
    if absent:
        return Finding("wrong", "packages", f"{len(absent)} not installed ({_few(absent)}): {INSTALL}")
    if other:
        mend = "results may differ in bytes: `touch requirements.txt`, `make repro`"
        return Finding("note", "packages", f"{len(other)} of other versions ({_few(other)}), {mend}")
    return Finding("ok", "packages", f"{len(pins)} as pinned")


def packages_to_be(possible: bool) -> Finding:
    """Whether this Python can make the virtual environment that is not there yet."""
    mend = INSTALL if possible else "first, on Debian, `apt-get install python3-venv`"
    return Finding("wrong", "packages", f"none installed: {mend}")


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:3]) + (", ..." if len(words) > 3 else "")


def processor(machine: str, flags: set[str]) -> Finding:
    """The architecture, and the instruction sets that Linux names (none where it names none)."""
    if machine == "x86_64" and flags and "avx" not in flags:
        return Finding("wrong", "processor", "no AVX, which TensorFlow needs: use another machine")
    return Finding("ok", "processor", f"{machine}, {len(os.sched_getaffinity(0))} cores for this process")


def disk(free: int, installed: bool) -> Finding:
    """Bytes free where the project lies."""
    needed = RUN_BYTES if installed else INSTALL_BYTES
    words = f"{free / GIGABYTE:.1f} GB free"
    if free < needed:
        return Finding("wrong", "disk", f"{words}, {needed / GIGABYTE:.0f} needed: free some (`dvc gc -w`)")
    return Finding("ok", "disk", words)


def memory(available: int | None) -> Finding:
    """Bytes that a process may still take; None where nobody tells."""
    if available is None:
        return Finding("note", "memory", f"not told by Linux, {STAGE_BYTES / GIGABYTE:.0f} GB needed")
    words = f"{available / GIGABYTE:.1f} GB available"
    if available < STAGE_BYTES:
        return Finding("wrong", "memory", f"{words}, {STAGE_BYTES / GIGABYTE:.0f} needed: end other programs")
    if available < TEST_BYTES:
        return Finding("note", "memory", f"{words}: little for `make test`; `pytest -n 1` takes less")
    return Finding("ok", "memory", words)


def fonts(path: Path | None) -> Finding:
    """The file with the letters of Korean, Chinese and Japanese names."""
    if path is None or not path.is_file():
        mend = "pictures cannot be drawn: `rm .venv/installed`, `make repro`"
        return Finding("wrong", "fonts", f"NotoSansCJKjp-Regular.otf is missing, {mend}")
    return Finding("ok", "fonts", path.name)


def browser(path: str | None) -> Finding:
    """Where one lies."""
    if path is None:
        mend = "`make test` installs one, or on Debian `apt-get install chromium`"
        return Finding("note", "browser", f"none for the page's tests: {mend}")
    return Finding("ok", "browser", Path(path).name)


def git(installed: bool, commit: str, name: str, email: str) -> Finding:
    """Whether Git is there, the commit that is checked out, and who would commit; "" for what is not set."""
    if not installed:
        return Finding("wrong", "git", "not installed: on Debian `apt-get install git`")
    if not commit:
        return Finding("wrong", "git", "no repository with a commit here: clone the project, or `git init`")
    absent = [part for part, value in (("name", name), ("email", email)) if not value]
    if absent:
        mend = " and ".join(f"`git config --global user.{part} YOURS`" for part in absent)
        return Finding("wrong", "git", f"nobody to commit experiments as: {mend}")
    return Finding("ok", "git", f"commits as {name} <{email}>")


def cache(folder: Path) -> Finding:
    """The folder of DVC's cache, which DVC makes when it first needs it."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        mend = "change its permissions, or `dvc cache dir --local FOLDER`"
        return Finding("wrong", "DVC's cache", f"{there} cannot be written to: {mend}")
    if there == folder and there.stat().st_mode & stat.S_IWOTH:
        return Finding("wrong", "DVC's cache", f"everybody may write to {folder}: `chmod o-w {folder}`")
    return Finding("ok", "DVC's cache", str(folder))


def remote(core: Mapping[str, Any], remotes: Mapping[str, Any]) -> Finding:
    """The sections `core` and `remote` of DVC's configuration."""
    name = core.get("remote")
    if name is None:
        mend = "`dvc remote add --default NAME URL`, to push models and share them"
        return Finding("note", "DVC's remote", f"none: {mend}")
    url = remotes.get(name, {}).get("url", "")
    if not url or ("://" not in url and not Path(url).is_dir()):
        mend = f"`dvc remote modify {name} url URL`"
        return Finding("wrong", "DVC's remote", f"{name}: there is no {url or 'address'}: {mend}")
    return Finding("ok", "DVC's remote", name)


def site(folder: str | None) -> Finding:
    """`core.site_cache_dir`, where DVC's databases lie, which run code when they are read."""
    if folder is None or not Path(folder).is_dir():
        mend = "`rm -f .site/private`, `make repro`"
        return Finding("wrong", "DVC's databases", f"lie where every user may write: {mend}")
    seen = Path(folder).stat()
    if seen.st_uid != os.getuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        mend = f"`rm -rf {folder}`, `make repro`"
        return Finding("wrong", "DVC's databases", f"others may enter {folder}: {mend}")
    return Finding("ok", "DVC's databases", "for this user alone")


def configuration(root: Path) -> Finding:
    """`conf/` and `params.yaml` of a folder; Hydra must know of that `conf/`."""
    from pipeline.config import composing
    from pipeline.config.params import read_values

    try:
        text, params = composing.compose(root / "conf"), root / "params.yaml"
        if params.is_file() and params.read_text() == text:
            return Finding("ok", "configuration", "params.yaml is what conf/ composes")
        old = read_values(params)
    except InputError as error:
        return Finding("wrong", "configuration", str(error))
    changes = composing.differences(composing.default_values(root / "conf"), old)
    kept = old.get("conf_digest") == composing.conf_digest(root / "conf")
    what = "`dvc repro` keeps them" if kept else "`dvc repro` composes it anew"
    told = f" ({_few(composing.told(changes))})" if changes else ""
    return Finding("note", "configuration", f"params.yaml has other values than conf/{told}; {what}")


def findings(root: Path) -> Iterator[Finding]:
    """Look at this machine and the project in a folder, one thing after another."""
    ready = importlib.util.find_spec("packaging") is not None
    yield python(sys.version_info[:2])
    yield disk(shutil.disk_usage(root).free, ready)
    yield memory(_available())
    yield processor(os.uname().machine, cpu_flags(CPU_INFO))
    person = (_person(root, part) for part in ("name", "email"))
    yield git(shutil.which("git") is not None, _git(root, "rev-parse", "HEAD"), *person)
    if not ready:
        yield packages_to_be(importlib.util.find_spec("ensurepip") is not None)
        return
    found = packages(pinned((root / "requirements.txt").read_text()), installed())
    yield found
    yield fonts(_font())
    yield browser(system_browser() or _playwrights())
    if found.state != "wrong":
        yield from _of_dvc(root)


def _available() -> int | None:
    """What Linux has left, or the limit of a container if that is less."""
    lines = [line.split() for line in Path("/proc/meminfo").read_text().splitlines()]
    kilobytes = [int(line[1]) for line in lines if line[0] == "MemAvailable:"]
    limit = Path("/sys/fs/cgroup/memory.max")
    given = limit.read_text().strip() if limit.is_file() else "max"
    counts = [*(1024 * count for count in kilobytes), *([int(given)] if given.isdigit() else [])]
    return min(counts, default=None)


def _git(root: Path, *arguments: str) -> str:
    try:
        return run_git(root, *arguments)
    except InputError:
        return ""


def _person(root: Path, part: str) -> str:
    return os.environ.get(f"GIT_COMMITTER_{part.upper()}") or _git(root, "config", f"user.{part}")


def _font() -> Path | None:
    spec = importlib.util.find_spec("noto_cjk_sans_jp_regular")
    folders = spec.submodule_search_locations if spec else None
    return Path(next(iter(folders))) / "NotoSansCJKjp-Regular.otf" if folders else None


def system_browser() -> str | None:
    """Path of the system's browser, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def _playwrights() -> str | None:
    if importlib.util.find_spec("playwright") is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _of_dvc(root: Path) -> Iterator[Finding]:
    from dvc.config import Config

    import pipeline.hydra_plugins.filterscope  # noqa: F401  (registers what conf/ needs to be composed)

    given = Config(str(root / ".dvc"))
    yield cache(Path(given["cache"].get("dir") or root / ".dvc" / "cache"))
    yield remote(given["core"], given["remote"])
    yield site(given["core"].get("site_cache_dir"))
    yield configuration(root)


def main() -> None:
    """Look, print, and fail when something is wrong."""
    wrong = 0
    for found in findings(ROOT):
        print(found, flush=True)
        wrong += found.state == "wrong"
    if wrong:
        sys.exit(f"error: {wrong} of these must be mended first")


if __name__ == "__main__":
    with one_line_errors():
        main()
