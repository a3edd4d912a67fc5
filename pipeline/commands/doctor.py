"""Whether this machine can do what the README promises: a line for each thing, with what fixes it.

    filterscope doctor

`ok`; `note`, the pipeline runs without it; `wrong`, it does not, and the exit code is 1. It needs nothing
but Python, so `make doctor` can ask before anything is installed.
"""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pipeline.base.errors import InputError, one_line_errors
from pipeline.base.git import git
from pipeline.network.machine import CPU_INFO, cpu_flags

ROOT = Path(__file__).resolve().parents[2]
OLDEST, NEWEST = (3, 11), (3, 13)
# `.venv` takes 3.4 GB, and pip as much as a package again while it installs one; data, models and DVC's
# cache of them 0.5 GB.
INSTALL_GIGABYTES, RUN_GIGABYTES = 5, 1
PACKAGES = ("tensorflow", "dvc", "hydra")
# State, subject and text.
Finding = tuple[str, str, str]


def check(subject: str, right: object, text: str, fix: str, otherwise: str = "wrong") -> Finding:
    """What is the case, or what fixes that it is not."""
    return ("ok", subject, text) if right else (otherwise, subject, fix)


def machine(root: Path) -> Iterator[Finding]:
    """Python, the processor, room on the disk of a folder, and the packages."""
    version, kind, flags = platform.python_version(), platform.machine(), cpu_flags(CPU_INFO)
    installed = all(importlib.util.find_spec(name) for name in PACKAGES)
    needed = RUN_GIGABYTES if installed else INSTALL_GIGABYTES
    free = shutil.disk_usage(root).free / 10**9
    fix = f"{version}, expected 3.11 to 3.13: `make clean`, `make repro PYTHON=python3.12`"
    yield check("Python", OLDEST <= sys.version_info[:2] <= NEWEST, version, fix)
    # Linux alone names what the processor can do.
    fit = kind != "x86_64" or not flags or "avx" in flags
    yield check("processor", fit, kind, "no AVX, which TensorFlow needs: use another machine")
    fix = f"{free:.1f} GB free, {needed} needed: free some (`dvc gc -w`)"
    yield check("disk", free >= needed, f"{free:.1f} GB free", fix)
    yield check("packages", installed, "installed", "not installed: `make repro` does it", "note")


def repository(root: Path) -> Finding:
    """Whether Git reads a commit here, and whether it knows who would commit an experiment."""
    try:
        git(root, "log", "-1")
    except InputError as error:
        return "wrong", "Git", str(error)
    try:
        # Without this option Git makes an author of the names of the user and the machine; DVC does not.
        git(root, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
    except InputError:
        fix = "`git config --global user.name NAME`, `git config --global user.email ADDRESS`"
        return "note", "Git", f"no author for experiments: {fix}"
    return "ok", "Git", "a commit, and an author for experiments"


def configuration(root: Path) -> Finding:
    """The files that a merge left with both versions."""
    paths = [root / "params.yaml", root / "dvc.yaml", root / "dvc.lock", *sorted(root.glob("conf/**/*.yaml"))]
    both = [path for path in paths if path.is_file() and b"\n<<<<<<< " in b"\n" + path.read_bytes()]
    names = ", ".join(str(path.relative_to(root)) for path in both)
    fix = f"a merge conflict in {names}: choose a version, then `dvc repro`"
    return check("configuration", not both, "no merge conflict", fix)


def databases(folder: Path) -> Finding:
    """The folder of DVC's databases, which run code when they are read."""
    if not (folder / "private").exists():
        return "note", "DVC's databases", "every user may write to them: `make repro` makes them private"
    # Windows keeps no such bits; what is in a user's folder is private there.
    private = os.name == "nt" or not folder.stat().st_mode & 0o077
    fix = f"others may enter {folder}: `rm -rf {folder}`, `make repro`"
    return check("DVC's databases", private, "for this user alone", fix)


def main() -> None:
    """Check, print, and fail when something is wrong."""
    findings = [*machine(ROOT), repository(ROOT), configuration(ROOT), databases(ROOT / ".site")]
    for state, subject, text in findings:
        print(f"{state:6}{subject:17}{text}")
    if wrong := sum(state == "wrong" for state, *_ in findings):
        raise InputError(f"{wrong} of these must be fixed first")


if __name__ == "__main__":
    with one_line_errors():
        main()
