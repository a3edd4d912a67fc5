"""Stage `prepare`: every image in exactly one split, as scikit-learn draws it."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from pipeline.base.errors import InputError
from pipeline.config.data import Plain
from pipeline.config.visualize import ImageChoice
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


def test_the_default_split_is_scikit_learns_own_call_and_each_row_is_known(cfg, raw, tmp_path):
    prepare(cfg, raw, tmp_path / "prepared", tmp_path / "data.json")
    images, labels = load(raw, "train_images"), load(raw, "train_labels")
    rows = np.arange(len(labels))
    drawn = train_test_split(images, labels, rows, test_size=0.2, random_state=42)
    splits = ("train", "validation")
    names = [f"{split}_{kind}" for kind in ("images", "labels", "rows") for split in splits]
    kept = {name: load(raw, name) for name in ("test_images", "test_labels")}
    for name, expected in {**dict(zip(names, drawn, strict=True)), **kept}.items():
        np.testing.assert_array_equal(load(tmp_path / "prepared", name), expected)


def test_an_image_to_show_that_is_not_there_is_refused_before_training(cfg, raw, tmp_path):
    wanted = cfg.visualize.model_copy(update={"images": [ImageChoice(split="test", index=360)]})
    # Of data that only fetching can count.
    data = cfg.data.model_copy(update={"source": Plain(kind="npz")})
    settings = Settings(data=data, visualize=wanted)
    with pytest.raises(InputError, match=r"visualize\.images: received test 360, expected .* below 360"):
        prepare(settings, raw, tmp_path / "prepared", tmp_path / "data.json")
    assert not (tmp_path / "prepared").exists()


def test_a_missing_fetch_is_named(cfg, tmp_path):
    with pytest.raises(InputError, match=r"dataset\.json is missing: run `dvc repro`"):
        prepare(cfg, tmp_path / "raw", tmp_path / "prepared", tmp_path / "data.json")
