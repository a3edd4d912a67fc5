"""A folder that changes while it is read is noticed, wherever it lies."""

import os
from pathlib import Path

import pytest

from pipeline.base.errors import InputError
from pipeline.data.folders import links_out_of, named, unchanged


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


def test_links_to_folders_elsewhere_are_found_where_classes_are(tmp_path):
    external, elsewhere = tmp_path / "external", tmp_path / "elsewhere"
    for folder in (
        external / "pets/owl",
        external / "parts/train/owl",
        external / "all/cat",
        elsewhere / "cat",
    ):
        folder.mkdir(parents=True)
        (folder / "1.png").touch()
    assert links_out_of(external / "pets", external) == links_out_of(external / "nowhere", external) == []
    # A link that stays within, and one to a file: DVC notices changes behind these.
    (external / "pets/dog").symlink_to(external / "all/cat")
    (external / "pets/owl/2.png").symlink_to(elsewhere / "cat/1.png")
    (external / "pets/loop").symlink_to(external / "pets")
    assert links_out_of(external / "pets", external) == []
    (external / "pets/cat").symlink_to(elsewhere / "cat")
    (external / "parts/train/cat").symlink_to(elsewhere / "cat")
    (external / "parts/test").symlink_to(elsewhere)
    assert links_out_of(external / "pets", external) == [external / "pets/cat", external / "pets/loop/cat"]
    expected = [external / "parts/test", external / "parts/train/cat"]
    assert links_out_of(external / "parts", external) == expected


@pytest.mark.parametrize(("count", "more"), [(1, None), (3, None), (4, "1 more"), (2003, "2,000 more")])
def test_the_first_three_are_named_and_the_others_counted(count, more):
    text = named([Path(f"{number}.png") for number in range(count)])
    assert text.count(".png") == min(count, 3)
    assert text.endswith(more or ".png")
