"""What a data set must have, and its splits."""

import numpy as np
import pytest

from pipeline.base import arrays
from pipeline.base.errors import InputError
from pipeline.config.visualize import ImageChoice
from pipeline.data.dataset import check_classes, check_readable, check_shape, in_memory
from pipeline.data.prepared import find_image, split_rows


def test_parts_in_memory_come_with_their_labels(monkeypatch):
    images = np.arange(7 * 4, dtype=np.uint8).reshape(7, 2, 2)
    labels = np.arange(7, dtype=np.uint8)
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 3 * 4)
    dataset = in_memory(["a"] * 7, images, labels, images[:2], labels[:2])
    assert dataset.shape == (2, 2, 1)
    pairs = list(dataset.train())
    assert [numbers.tolist() for _, numbers in pairs] == [[0, 1, 2], [3, 4, 5], [6]]
    np.testing.assert_array_equal(np.concatenate([part for part, _ in pairs])[..., 0], images)
    assert sum(len(numbers) for _, numbers in dataset.test()) == 2


def test_images_of_another_size_than_configured_are_refused():
    with pytest.raises(InputError, match=r"received \(28, 28, 1\), but the images of digits are \(8, 8, 1\)"):
        check_shape((8, 8, 1), (28, 28, 1), "digits")


@pytest.mark.parametrize("count", [1, 257])
def test_too_few_and_too_many_classes_are_refused(count):
    with pytest.raises(InputError, match=f"received {count} classes, expected 2 to 256"):
        check_classes({}, [str(number) for number in range(count)])


def test_a_class_without_images_in_a_part_is_named():
    labels = {"train": np.array([0, 1, 2]), "test": np.array([0, 0])}
    with pytest.raises(InputError, match=r"no test image of class dog \(2 of 3 classes lack one\)"):
        check_classes(labels, ["cat", "dog", "owl"])


def test_unreadable_files_are_counted_and_named(capsys):
    lines = [f"file {number} is damaged" for number in range(7)]
    with pytest.raises(InputError, match=r"^7 unreadable files: .*file 4 .*; and 2 more.*skip_unreadable"):
        check_readable(lines, skip=False)
    check_readable(lines, skip=True)
    out = capsys.readouterr().out
    assert all(f"skipped: {line}" in out for line in lines)


@pytest.mark.parametrize("name", ["two\nlines", "\udcff", "x" * 101, " "])
def test_class_names_that_cannot_be_shown_are_refused(name):
    labels = {"train": np.array([0, 1]), "test": np.array([0, 1])}
    with pytest.raises(InputError, match=r"class name .*expected one line") as error:
        check_classes(labels, ["good", name])
    assert "\n" not in str(error.value)
    assert str(error.value).encode()


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        (0.999999, "resulting train set will be empty"),
        (0.01, "leaves the validation split of 1 images without"),
    ],
)
def test_a_split_without_some_class_is_refused(fraction, message):
    labels = np.tile(np.arange(10), 10).astype(np.uint8)
    with pytest.raises(InputError, match=message):
        split_rows(labels, fraction, 0, ["a", "b"])


def test_an_image_of_the_source_is_found_in_the_split_that_holds_it():
    rows = {"train": np.array([4, 0, 2]), "validation": np.array([3, 1])}
    counts = {"train": 3, "validation": 2, "test": 7}
    assert find_image(rows, counts, ImageChoice(split="source", index=0)) == ("train", 1)
    assert find_image(rows, counts, ImageChoice(split="source", index=3)) == ("validation", 0)
    assert find_image(rows, counts, ImageChoice(split="test", index=6)) == ("test", 6)
    with pytest.raises(InputError, match="received source 5, expected an index below 5"):
        find_image(rows, counts, ImageChoice(split="source", index=5))
