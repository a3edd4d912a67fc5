"""A folder that changes while it is read is noticed, wherever it lies."""

import os

import pytest

from pipeline.base.errors import InputError
from pipeline.data.folders import unchanged


@pytest.fixture
def folder(tmp_path):
    """Two pictures of a class behind a link, and a file beside it."""
    for name in ("elsewhere/1.png", "elsewhere/2.png", "given/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "given/cat").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "given"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cat: (cat / "3.png").touch(), "1 files more"),
        (lambda cat: (cat / "1.png").unlink(), "1 files fewer"),
        (lambda cat: (cat / "1.png").write_text("more of it"), "1 files changed"),
        (lambda cat: os.utime(cat / "1.png", (1, 1)), "1 files changed"),
        (lambda cat: (cat / "1.png").rename(cat.parent / "x.png"), "1 files more, 1 files fewer"),
    ],
)
def test_a_change_is_counted_also_behind_a_link(folder, change, message):
    with (
        pytest.raises(InputError, match=rf"^{folder} changed.*\({message}\).*dvc repro"),
        unchanged(str(folder)),
    ):
        change(folder / "cat")


def test_what_is_passed_over_may_change_and_a_folder_may_be_missing(folder):
    with unchanged(str(folder)), unchanged(None), unchanged(str(folder / "nowhere")):
        (folder / "cat" / ".DS_Store").touch()
        (folder / "cat" / "Thumbs.db").touch()
        (folder / "cat" / "to nothing").symlink_to("nowhere")
