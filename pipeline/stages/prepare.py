"""Stage `prepare`: raw images -> a training, a validation and a test split.

python -m pipeline.stages.prepare data/raw data/prepared
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.base import arrays, files
from pipeline.base.errors import InputError
from pipeline.config.data import DataConfig, check_images
from pipeline.config.fields import at_least_1
from pipeline.config.params import load
from pipeline.config.visualize import VisualizeConfig
from pipeline.data.dataset import PARTS
from pipeline.data.prepared import DESCRIBED, read_rows, split_rows
from pipeline.stages import stage


@dataclass(frozen=True)
class Settings:
    """What this stage reads of `params.yaml`."""

    data: DataConfig
    visualize: VisualizeConfig


AGAIN = "run `dvc repro --force fetch`"
STORED = {f"{part}_{kind}" for part in PARTS for kind in ("images", "labels")}
# What `dataset.json` of the raw data says besides.
FETCHED: files.Described = {
    "name": (lambda v: isinstance(v, str), "a name"),
    "counts": (
        lambda v: isinstance(v, dict) and all(at_least_1(v.get(f"{part}_images")) for part in PARTS),
        "the number of images in train and test",
    ),
    "sha256": (
        lambda v: isinstance(v, dict) and set(v) == STORED,
        "the SHA-256 of the images and labels of train and test",
    ),
}


def prepare(cfg: Settings, raw: Path, prepared: Path) -> None:
    """Hold out a validation split, exactly as scikit-learn's `train_test_split` does.

    Args:
        cfg: uses `data.validation_fraction`, `data.split_seed`, and `visualize.images`: one that is not
            there is refused before anything is trained.
        raw: folder of stage `fetch`; its arrays must have the SHA-256 of its `dataset.json`.
        prepared: folder to write: `{train,validation,test}_{images,labels}.npy`, memory-mappable
            uint8 (N, H, W, C) and (N,), `{train,validation}_rows.npy` (N,) int64 with each image's
            row in the source's training set, and `dataset.json`.

    Raises:
        InputError: an array is damaged, a split would be empty or miss a class, or an image to show is
            not there.
    """
    dataset = files.read_mapping(raw / "dataset.json", {**DESCRIBED, **FETCHED}, AGAIN)
    stored = _read_arrays(raw, dataset)
    labels = stored["train_labels"][:]
    splits = split_rows(labels, cfg.data.validation_fraction, cfg.data.split_seed)
    rows = dict(zip(("train", "validation"), splits, strict=True))
    counts = {split: len(chosen) for split, chosen in rows.items()} | {"test": len(stored["test_labels"])}
    check_images(cfg.visualize.images, counts)
    with files.replaced_folder(prepared) as folder:
        for split, chosen in rows.items():
            _write_rows(folder / f"{split}_images.npy", stored["train_images"], chosen)
            arrays.write_array(folder / f"{split}_labels.npy", labels[chosen])
            arrays.write_array(folder / f"{split}_rows.npy", chosen)
        for name in ("test_images", "test_labels"):
            _write_rows(folder / f"{name}.npy", stored[name])
        kept = {key: dataset[key] for key in ("name", "classes", "shape")}
        files.write_json(folder / "dataset.json", {**kept, "counts": counts})
    print("prepare: " + ", ".join(f"{count:,} {split}" for split, count in counts.items()))


def _read_arrays(raw: Path, dataset: dict[str, Any]) -> dict[str, arrays.RowFile]:
    """The images and labels of both parts, on disk, compared with what `dataset.json` says of them."""
    stored = {}
    for part in PARTS:
        count = dataset["counts"][f"{part}_images"]
        for kind, row in (("images", dataset["shape"]), ("labels", [])):
            name = f"{part}_{kind}"
            stored[name] = read_rows(raw / f"{name}.npy", (count, *row), np.uint8, AGAIN)
            if arrays.sha256(stored[name]) != dataset["sha256"][name]:
                raise InputError(f"{raw / name}.npy is damaged: not the SHA-256 of dataset.json; {AGAIN}")
    return stored


def _write_rows(path: Path, stored: arrays.RowFile, rows: arrays.Array | None = None) -> None:
    arrays.write_rows(path, stored.shape[1:], stored.dtype, arrays.chunks(stored, rows))


if __name__ == "__main__":
    with stage():
        prepare(load(Settings), *map(Path, sys.argv[1:]))
