"""A folder of images becomes a data set, whatever lies in it, or one line says why not."""

import os
import shutil
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


def test_files_beside_the_classes_are_named(pets):
    (pets / "notes.txt").touch()
    save(pets / "loose.png", 1)
    dataset = load(pets)
    assert dataset.reading.passed_over == ["loose.png", "notes.txt"]
    assert len(read(dataset.train)[0] + read(dataset.test)[0]) == 20
    # What is left out of a class is named too.
    (pets / "cat" / "torn.png").touch()
    (pets / "loose.png").unlink()
    dataset = load(pets)
    read(dataset.train), read(dataset.test)
    assert dataset.reading.passed_over == ["notes.txt", "cat/torn.png"]


def test_files_beside_the_classes_of_given_parts_are_named(pets, tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    for part in ("train", "test"):
        shutil.copytree(pets, root / part)
        save(root / part / "loose.png", 1)
    save(root / "loose.png", 1)
    assert sorted(load(root).reading.passed_over) == ["loose.png", "test/loose.png", "train/loose.png"]


@pytest.mark.parametrize(
    "names",
    [("train", "test"), ("Train", "Test"), ("training", "validation"), ("train", "test", "val", "cat")],
)
def test_parts_without_class_folders_are_no_classes(names, tmp_path):
    for name in names:
        for number in range(5):
            save(tmp_path / name / f"{number}.png", number)
    with pytest.raises(InputError, match=r"without class folders.* expected .*move"):
        load(tmp_path)


def test_a_class_may_be_called_train(pets):
    (pets / "cat").rename(pets / "train")
    assert load(pets).classes == ["dog", "train"]


def save_bits(root, scale: int, top: int, dtype) -> None:
    """Two classes of grey pictures with values 0 to `top`, each times `scale`."""
    generator = np.random.default_rng(0)
    for number in range(10):
        for name in ("cat", "dog"):
            values = generator.integers(0, top + 1, (4, 4)) * scale
            values[0, 0] = top * scale
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(dtype)).save(root / name / f"{number}.png")


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_16_bit_files_are_the_same_as_8_bit_files_whatever_their_range(bits, tmp_path):
    # Each range has 3 steps, so that neither loses anything: 255 = 3 * 85, 1023 = 3 * 341, ...
    scaled = (2**bits - 1) // 3
    save_bits(tmp_path / "eight", 85, 3, np.uint8)
    save_bits(tmp_path / "deep", scaled, 3, np.uint16)
    eight, deep = load(tmp_path / "eight"), load(tmp_path / "deep")
    for part in ("train", "test"):
        expected, received = (
            np.concatenate([images for images, _ in getattr(dataset, part)()]) for dataset in (eight, deep)
        )
        np.testing.assert_array_equal(received, expected)
    assert (eight.reading.largest, eight.reading.deep_range) == (None, None)
    assert (deep.reading.largest, deep.reading.deep_range) == (2**bits - 1, 2**bits - 1)


def test_the_range_is_that_of_the_set_so_that_a_dark_picture_stays_dark(pets):
    for name, value in (("dark", 100), ("bright", 4000)):
        Image.fromarray(np.full((4, 4), value, np.uint16)).save(pets / "cat" / f"{name}.png")
    dataset = load(pets)
    values = read(dataset.train)[0] + read(dataset.test)[0]
    assert sorted(values) == sorted([*range(12), *range(100, 108), round(100 / 4095 * 255), 249])


def test_what_was_changed_is_counted_by_kind_for_both_parts_together(pets):
    for number in range(5):
        clear = np.full((4, 4, 4), 255, np.uint8)
        clear[:2, :, 3] = 0
        Image.fromarray(clear).save(pets / "dog" / f"clear{number}.png")
        Image.new("RGB", (1, 4 + number)).save(pets / "cat" / f"thin{number}.png")
    Image.new("L", (2, 4)).save(pets / "cat" / "half.png")
    dataset = load(pets)
    assert len(read(dataset.train)[0] + read(dataset.test)[0]) == 31
    assert dataset.reading.changes == {"transparency on white": 5, "stretched": 6, "L to RGB": 1}
    # A side of less than half of the four pixels.
    assert dataset.reading.small == 5


@pytest.fixture
def copied(tmp_path):
    """Twenty different pictures, of two classes in turn, each six times; and some in both classes."""
    generator = np.random.default_rng(0)
    for number in range(20):
        image = Image.fromarray(generator.integers(0, 256, (4, 4, 3), np.uint8))
        for name in ("cat", "dog") if number % 5 == 0 else (("cat", "dog")[number % 2],):
            (tmp_path / name).mkdir(exist_ok=True)
            for copy in range(6):
                image.save(tmp_path / name / f"{generator.integers(10**9)}.{('png', 'bmp')[copy % 2]}")
    return tmp_path


def pictures(part):
    return {row.tobytes() for images, _ in part() for row in images}


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_on_one_side_on_demand(copied, seed):
    apart = load(copied, split_seed=seed)
    assert pictures(apart.train) & pictures(apart.test)
    together = load(copied, split_seed=seed, keep_copies_together=True)
    train, test = pictures(together.train), pictures(together.test)
    assert (len(train & test), len(train | test)) == (0, 20)
    for label in (0, 1):
        counts = [read(part)[1].count(label) for part in (together.train, together.test)]
        assert counts[1] == pytest.approx(0.25 * sum(counts), abs=6)


def test_without_copies_the_split_is_the_same_on_demand(pets):
    (pets / "cat" / "torn.png").touch()
    (pets / "dog" / "torn.png").touch()
    first, second = load(pets), load(pets, keep_copies_together=True)
    assert read(first.train) == read(second.train)
    assert read(first.test) == read(second.test)
    assert first.reading.unreadable == second.reading.unreadable


def test_given_parts_stay_as_they_are(copied, tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    for part in ("train", "test"):
        shutil.copytree(copied, root / part)
    dataset = load(root, keep_copies_together=True)
    assert read(dataset.train) == read(dataset.test) == read(load(root).test)
    assert (dataset.reading.drawn, load(copied).reading.drawn) == (False, True)


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
        (["cat", "dog"], r"data\.source\.test_fraction 0\.25"),
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
