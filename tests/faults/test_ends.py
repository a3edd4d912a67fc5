"""However a process ends, it leaves whole files and no others; SIGTERM ends as Ctrl-C does."""

import errno
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import tensorflow as tf
from conftest import ROOT

from pipeline.base import files
from pipeline.base.errors import UNFINISHED, InputError, one_line_errors
from pipeline.network.checkpoint import read_layers

WRITING = """
import time
from pathlib import Path
from pipeline.base.errors import one_line_errors
from pipeline.base.files import replaced, replaced_folder
with one_line_errors(), replaced(Path("a.txt")) as text, replaced_folder(Path("folder")) as folder:
    text.write_text("half")
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


def test_what_a_kill_leaves_is_ignored_by_git_and_goes_when_the_same_file_is_written(writing, tmp_path):
    writing.kill()
    writing.wait(10)
    assert (tmp_path / "a.txt").read_text() == "earlier"
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith(UNFINISHED)]
    assert len(left) == 2
    ignored = subprocess.run(["git", "check-ignore", "--no-index", *left], cwd=ROOT, capture_output=True)
    assert len(ignored.stdout.splitlines()) == 2
    files.write_text(tmp_path / "a.txt", "new")
    with files.replaced_folder(tmp_path / "folder"):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "folder"]


def ended(error):
    """The message with which a command ends that raises an error."""
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise error
    assert end.value.code.startswith("error: ")
    assert "\n" not in end.value.code
    return end.value.code


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_what_the_system_refuses_is_one_line_with_the_path_that_was_meant(tmp_path, number):
    with pytest.raises(InputError) as refused, files.replaced(tmp_path / "a.json") as temporary:
        try:
            raise OSError(number, os.strerror(number), str(temporary))
        finally:
            # As `zipfile` complains of its own open handle when the disk is full.
            raise ValueError("an open handle")
    message = ended(refused.value)
    assert str(tmp_path / "a.json") in message
    assert os.strerror(number) in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")]
)
def test_out_of_memory_names_what_to_lower(error):
    assert {"train.batch_size", "data.image_size"} <= set(ended(error).replace(",", " ").split())


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("without a number")])
def test_a_bug_keeps_its_traceback(error):
    with pytest.raises(type(error)), one_line_errors():
        raise error


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, make):
    path = tmp_path / "a.file"
    make(path)
    started = time.monotonic()
    for read in (partial(files.read_bytes, limit=10), read_layers):
        with pytest.raises(InputError, match="expected a regular file"):
            read(path)
    assert time.monotonic() - started < 5
