"""Stage `prepare`: every image in exactly one split, as scikit-learn draws it."""

import dataclasses

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from pipeline.base.errors import InputError
from pipeline.stages.fetch import fetch
from pipeline.stages.prepare import Settings, prepare


@pytest.fixture
def cfg(compose):
    return compose("data=digits")


@pytest.fixture
def raw(cfg, tmp_path):
    fetch(cfg, tmp_path, tmp_path / "raw")
    return tmp_path / "raw"


def load(folder, name):
    return np.load(folder / f"{name}.npy")


def test_the_default_split_is_scikit_learns_own_call(cfg, raw, tmp_path):
    prepare(cfg, raw, tmp_path / "prepared")
    train_images, validation_images, train_labels, validation_labels = train_test_split(
        load(raw, "train_images"), load(raw, "train_labels"), test_size=0.2, random_state=42
    )
    for name, expected in (
        ("train_images", train_images),
        ("validation_images", validation_images),
        ("train_labels", train_labels),
        ("validation_labels", validation_labels),
        ("test_images", load(raw, "test_images")),
        ("test_labels", load(raw, "test_labels")),
    ):
        np.testing.assert_array_equal(load(tmp_path / "prepared", name), expected)


def test_each_image_is_in_exactly_one_split_and_its_row_is_known(cfg, raw, tmp_path):
    prepare(cfg, raw, tmp_path / "prepared")
    rows = [load(tmp_path / "prepared", f"{split}_rows") for split in ("train", "validation")]
    assert sorted(np.concatenate(rows)) == list(range(len(load(raw, "train_labels"))))
    images = load(tmp_path / "prepared", "validation_images")
    np.testing.assert_array_equal(images, load(raw, "train_images")[rows[1]])


def test_the_split_does_not_depend_on_the_seed_of_training(cfg, raw, tmp_path):
    for seed in (1, 2):
        prepare(dataclasses.replace(cfg, seed=seed), raw, tmp_path / str(seed))
    np.testing.assert_array_equal(load(tmp_path / "1", "train_rows"), load(tmp_path / "2", "train_rows"))


def test_a_changed_pixel_is_noticed_and_the_earlier_split_stays(cfg, raw, tmp_path):
    prepare(cfg, raw, tmp_path / "prepared")
    images = load(raw, "train_images")
    images[5, 3, 3] ^= 1
    np.save(raw / "train_images.npy", images)
    with pytest.raises(InputError, match=r"train_images\.npy is damaged"):
        prepare(cfg, raw, tmp_path / "prepared")
    assert (tmp_path / "prepared" / "train_images.npy").exists()


def test_an_image_to_show_that_is_not_there_is_refused_before_training(cfg, raw, tmp_path):
    wanted = dataclasses.replace(cfg.visualize, images=[{"split": "test", "index": 360}])
    # Of data that only fetching can count.
    settings = Settings(dataclasses.replace(cfg.data, name="npz"), wanted)
    with pytest.raises(InputError, match=r"visualize\.images: received test 360, expected .* below 360"):
        prepare(settings, raw, tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()


def test_a_missing_fetch_is_named(cfg, tmp_path):
    with pytest.raises(InputError, match=r"dataset\.json is missing: run `dvc repro`"):
        prepare(cfg, tmp_path / "raw", tmp_path / "prepared")
