import numpy as np
import pytest

from pipeline.data.findings import described
from pipeline.data.quality import SIDE, copies, digests, look_alikes, reduced, scan

GENERATOR = np.random.default_rng(3)
CLASSES = ["cat", "dog"]


def noise(count, shape=(12, 10, 3), low=0, high=256):
    return GENERATOR.integers(low, high, (count, *shape), dtype=np.uint8)


def splits(train, validation, test):
    return {"train": train, "validation": validation, "test": test}


def labels_of(images):
    return {name: np.arange(len(rows)) % 2 for name, rows in images.items()}


def described_of(images, labels=None, **read):
    scans = {name: scan(rows) for name, rows in images.items()}
    return described(scans, images, labels or labels_of(images), CLASSES, read)


def kinds(found):
    return {finding["kind"] for finding in found["findings"]}


@pytest.mark.parametrize("shape", [(28, 28, 1), (5, 40, 3), (33, 17, 1), (8, 8, 3)])
def test_reduced_images_are_never_farther_apart_than_the_images(shape):
    images = noise(40, shape)
    small = reduced(images)
    assert small.shape[1] <= SIDE * SIDE * shape[2]
    for one in range(0, 40, 2):
        full = np.sqrt(((images[one].astype(float) - images[one + 1]) ** 2).mean())
        assert np.linalg.norm(small[one] - small[one + 1]) <= full * (1 + 1e-5)


def test_reduced_images_that_differ_in_brightness_alone_are_as_far_apart_as_the_images():
    images = np.stack([np.full((30, 20, 3), value, np.uint8) for value in (10, 25)])
    small = reduced(images)
    assert np.linalg.norm(small[0] - small[1]) == pytest.approx(15, rel=1e-5)


def test_digests_are_equal_for_equal_pixels_alone():
    images = noise(50)
    images[7] = images[3]
    found = digests(images)
    assert found[7] == found[3]
    assert len(set(found.tolist())) == 49


def test_copies_are_counted_within_splits_across_them_and_with_two_labels():
    unique = noise(20)
    images = splits(unique[[0, 1, 2, 2, 2]], unique[[3, 0]], unique[[4, 1, 3, 5]])
    # Image 0 has the labels 0 and 1; image 2 has 0 only.
    labels = splits(np.array([0, 0, 0, 0, 0]), np.array([1, 1]), np.array([1, 0, 1, 0]))
    found = copies({name: scan(rows) for name, rows in images.items()}, labels)
    assert found == {
        "train": 2,
        "validation": 0,
        "test": 0,
        "validation_in_train": 1,
        "test_in_others": 2,
        "with_two_labels": 2,
    }


def test_look_alikes_are_those_of_a_comparison_of_every_pair():
    train, validation, test = noise(60), noise(20), noise(15)
    for place, (source, step) in enumerate(
        [(train[5], 2), (validation[3], 5), (train[9], 7), (train[1], 30)]
    ):
        moved = source.astype(int) + GENERATOR.integers(-step, step + 1, source.shape)
        test[place] = np.clip(moved, 0, 255)
    test[4] = train[0]
    images = splits(train, validation, test)
    found = look_alikes({name: scan(rows) for name, rows in images.items()}, images)
    others = np.concatenate([train, validation]).astype(float)
    far = np.sqrt(((test[:, None] - others[None]) ** 2).mean(axis=(2, 3, 4)))
    far[far == 0] = np.inf
    nearest = far.min(axis=1)
    assert found["closer_than_3"] == (nearest < 3).sum() > 0
    assert found["closer_than_8"] == (nearest < 8).sum() > found["closer_than_3"]
    assert [pair[0] for pair in found["pairs"]] == [row for row in np.argsort(nearest) if nearest[row] < 8]


def test_more_pairs_than_can_be_compared_are_a_fixed_sample_and_said(monkeypatch):
    monkeypatch.setattr("pipeline.data.quality.MAX_PAIRS", 100)
    images = splits(noise(30), noise(20), noise(15))
    scans = {name: scan(rows) for name, rows in images.items()}
    assert look_alikes(scans, images)["test_images_compared"] == 2
    assert look_alikes(scans, images) == look_alikes(scans, images)


def test_clean_images_have_no_findings():
    assert described_of(splits(noise(40), noise(10), noise(20)))["findings"] == []


def test_what_looks_wrong_is_found():
    clean = splits(noise(40), noise(10), noise(20))
    flat = np.full((20, 12, 10, 3), 255, np.uint8)
    assert kinds(described_of({**clean, "test": flat})) >= {"flat", "copies_within"}
    dark = splits(*(noise(count, high=17) for count in (40, 10, 20)))
    assert "range" in kinds(described_of(dark))
    assert "copies_across" in kinds(described_of({**clean, "validation": clean["train"][:10]}))
    uneven = {**labels_of(clean), "test": np.array([0] * 19 + [1])}
    found = described_of(clean, uneven)
    assert (found["largest_class"], found["majority"]) == ("cat", 0.95)
    assert "uneven" in kinds(found)
    assert "small" in kinds(described_of(clean, small=50))


def test_the_different_images_of_a_split_are_counted_once():
    images = noise(6)[[0, 0, 1, 2, 2, 2]]
    found = described_of(splits(images, noise(4), noise(4)))
    assert found["different"] == {"train": 3, "validation": 4, "test": 4}
