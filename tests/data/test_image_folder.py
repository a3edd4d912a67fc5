"""A folder of images becomes a data set, whatever lies in it, or one line says why not."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.base import arrays
from pipeline.base.errors import InputError
from pipeline.data.image_folder import image_folder

SHAPE = (4, 4, 3)
OPTIONS = {"resize": "stretch", "test_fraction": 0.25, "split_seed": 1}


def save(path, value: int) -> None:
    """A small image of one colour, by which it is known again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4, 3), value, np.uint8)).save(path)


@pytest.fixture
def pets(tmp_path):
    """Twelve cats, valued 0 to 11, and eight dogs, valued 100 to 107."""
    for first, count, name in ((0, 12, "cat"), (100, 8, "dog")):
        for number in range(count):
            save(tmp_path / name / f"{number:02}.png", first + number)
    return tmp_path


def load(folder, **options):
    return image_folder(str(folder), SHAPE, **(OPTIONS | options))


def read(part) -> tuple[list[int], list[int]]:
    """The value of each image, and its label."""
    images, labels = zip(*part(), strict=True)
    return np.concatenate(images)[:, 0, 0, 0].tolist(), np.concatenate(labels).tolist()


def test_each_image_is_in_one_part_with_the_label_of_its_folder(pets):
    dataset = load(pets)
    assert dataset.classes == ["cat", "dog"]
    train, test = read(dataset.train), read(dataset.test)
    assert sorted(train[0] + test[0]) == [*range(12), *range(100, 108)]
    for values, labels in (train, test):
        assert labels == [int(value >= 100) for value in values]


def test_the_test_part_is_the_configured_share_of_each_class_drawn_by_its_seed(pets):
    drawn = read(load(pets).test)
    assert (drawn[1].count(0), drawn[1].count(1)) == (3, 2)
    assert drawn == read(load(pets).test)
    assert drawn != read(load(pets, split_seed=2).test)


def test_separate_folders_for_training_and_testing_are_kept_apart(tmp_path):
    for part, value in (("train", 10), ("test", 20)):
        for label, name in enumerate(("cat", "dog")):
            for number in range(3):
                save(tmp_path / part / name / f"{number}.png", value + label)
    dataset = load(tmp_path)
    # By file name first: the classes take turns.
    assert read(dataset.train) == ([10, 11] * 3, [0, 1] * 3)
    assert read(dataset.test) == ([20, 21] * 3, [0, 1] * 3)


def test_large_folders_come_in_chunks(pets, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 4 * 48)
    assert [len(labels) for _, labels in load(pets).train()] == [4, 4, 4, 3]


def test_unreadable_files_are_left_out_and_named(pets):
    (pets / "cat" / "notes.txt").write_text("no image")
    (pets / "dog" / "03.png").write_bytes((pets / "dog" / "03.png").read_bytes()[:45])
    dataset = load(pets)
    values = read(dataset.train)[0] + read(dataset.test)[0]
    assert sorted(values) == [*range(12), 100, 101, 102, 104, 105, 106, 107]
    assert sorted(line.split()[0] for line in dataset.reading.unreadable) == ["cat/notes.txt", "dog/03.png"]


def test_hidden_files_and_what_systems_leave_are_passed_over(pets):
    for name in (".cache", "__MACOSX"):
        (pets / name / "cat").mkdir(parents=True)
    for name in ("cat/.DS_Store", "cat/Thumbs.db", "dog/desktop.ini", "LICENSE"):
        (pets / name).touch()
    dataset = load(pets)
    assert len(read(dataset.train)[0] + read(dataset.test)[0]) == 20
    assert dataset.reading.unreadable == []


def test_more_classes_than_a_label_can_number_are_refused(tmp_path):
    for number in range(257):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "0.png").touch()
    with pytest.raises(InputError, match="received 257 classes, expected 2 to 256"):
        load(tmp_path)


def test_a_file_name_that_is_no_utf_8_is_named(pets):
    Path(os.fsdecode(os.fsencode(pets / "cat") + b"/\xff.png")).touch()
    with pytest.raises(InputError, match=r"cat: .*'\\udcff\.png'.*UTF-8") as caught:
        load(pets)
    assert str(caught.value).encode()


PARTS = ("train/cat", "train/dog", "test/cat", "test/dog")


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["cat"], "received the class folders cat, expected two"),
        (["cat", "dog", "owl/"], "owl: received no file"),
        (["cat", "dog"], r"data\.source\.test_fraction: received 0\.25"),
        (["cat", "dog/puppies/"], "received the folders cat, dog, .*expected one folder of images per class"),
        ([*PARTS, "validation/cat"], "received the folders test, train, validation"),
        (["train/cat", "train/dog", "test/cat", "test/owl"], "class dog is in only one of train and test"),
        ([*PARTS, "train/cat/kittens"], "train/cat/kittens: received a folder, expected an image"),
    ],
)
def test_a_folder_that_is_no_data_set_is_refused(folders, message, tmp_path):
    """An image in each of the folders, but for those that end in a slash."""
    for name in folders:
        (tmp_path / name).mkdir(parents=True)
        if not name.endswith("/"):
            save(tmp_path / name / "0.png", 0)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


@pytest.mark.parametrize(
    ("folder", "message"), [(None, "received null"), ("nowhere", "nowhere.* is no folder")]
)
def test_a_folder_that_is_not_there_is_named(folder, message):
    with pytest.raises(InputError, match=rf"data\.folder: .*{message}"):
        image_folder(folder, SHAPE, **OPTIONS)
