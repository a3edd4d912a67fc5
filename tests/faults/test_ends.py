"""However a process ends, it leaves whole files and no others; SIGTERM ends as Ctrl-C does."""

import errno
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
import yaml
from conftest import ROOT

from pipeline.base import files, locks
from pipeline.base.errors import InputError, one_line_errors
from pipeline.base.processes import lock

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]

WRITING = """
import sys, time
from pathlib import Path
from pipeline.base.errors import one_line_errors
from pipeline.base.files import replaced_together
with one_line_errors(), replaced_together(Path("a.txt"), Path("folder")) as [text, folder]:
    text.write_text("half")
    folder.mkdir()
    (folder / "picture.png").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writing(tmp_path):
    """A process that has written half, in a folder with an earlier result."""
    (tmp_path / "a.txt").write_text("earlier")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITING],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_with_its_code_and_leaves_the_earlier_results_alone(writing, tmp_path, how, code):
    writing.send_signal(how)
    assert writing.wait(10) == code
    assert writing.stderr.read() == ""
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "earlier"


def test_what_a_kill_leaves_goes_at_the_next_start_and_not_before(writing, tmp_path):
    with files.replaced(tmp_path / "a.txt") as temporary:
        temporary.write_text("another")
    # The other one is still at work.
    assert len(list(tmp_path.glob(".a.txt-*"))) == 1
    writing.kill()
    writing.wait(10)
    files.write_text(tmp_path / "a.txt", "new")
    with files.replaced_folder(tmp_path / "folder"):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "folder"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_runs_beside_itself_is_refused(tmp_path, stage):
    _, *arguments = shlex.split(STAGES[stage]["cmd"])
    with locks.claimed(lock(tmp_path / arguments[-1]), str):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        result = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
    assert result.returncode == 1
    assert result.stderr == (
        f"error: this stage is at work in this folder already, as process {os.getpid()}; wait for it or end"
        f" it with `kill {os.getpid()}`\n"
    )


def test_a_lock_that_its_holder_removes_meanwhile_is_locked_at_its_path(tmp_path, monkeypatch):
    path, calls = tmp_path / "lock", []

    def flock(*arguments):
        if not calls:
            path.unlink()
        calls.append(arguments)
        return real(*arguments)

    real = locks.fcntl.flock
    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with locks.claimed(path, str):
        with (
            pytest.raises(InputError, match=f"held by {os.getpid()}"),
            locks.claimed(path, "held by {}".format),
        ):
            pass
        assert len(calls) == 3


def test_git_ignores_what_a_kill_leaves(project):
    for folder in ("models", "reports/figures", "data", "reports"):
        left = project.folder / folder / f".best.keras-abc{files.UNFINISHED}"
        left.mkdir(parents=True)
        (left / "a").touch()
    assert project.run("git", "status", "--porcelain", "--untracked-files=all") == ""


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "No space left on device; free some space"),
        (errno.EROFS, "Read-only file system; it cannot be written to"),
        (errno.EACCES, "Permission denied; change its permissions"),
        (errno.EIO, "Input/output error; the disk may be failing"),
    ],
)
def test_what_the_system_refuses_is_one_line_with_the_path_that_was_meant(tmp_path, number, advice):
    def write():
        with one_line_errors(), files.replaced_together(tmp_path / "a.json", tmp_path / "b") as [first, _]:
            raise OSError(number, os.strerror(number), str(first))

    with pytest.raises(SystemExit) as ended:
        write()
    assert ended.value.code.startswith(f"error: {tmp_path / 'a.json'}: {advice}")
    assert "\n" not in ended.value.code
    assert list(tmp_path.iterdir()) == []


def test_out_of_memory_is_one_line():
    def fail():
        with one_line_errors():
            raise MemoryError

    with pytest.raises(SystemExit) as ended:
        fail()
    assert ended.value.code.startswith("error: out of memory: ")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, make):
    from pipeline.base.arrays import RowFile
    from pipeline.network.checkpoint import read_layers

    path = tmp_path / "a.file"
    make(path)
    started = time.monotonic()
    for read in (files.read_json, files.read_columns, RowFile, read_layers):
        with pytest.raises(InputError, match=r"received a (pipe|folder|device), expected a regular file"):
            read(path)
    assert time.monotonic() - started < 5
