"""Stage `prepare`: raw images -> a training, a validation and a test split.

python -m pipeline.stages.prepare data/raw data/prepared
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt

from pipeline.base import arrays, files
from pipeline.base.errors import InputError
from pipeline.config.data import DataConfig
from pipeline.config.params import load
from pipeline.config.section import Section
from pipeline.config.visualize import VisualizeConfig, check_images
from pipeline.data.prepared import Described, read_described, read_rows, split_rows
from pipeline.stages import stage


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    data: DataConfig
    visualize: VisualizeConfig


AGAIN = "run `dvc repro --force fetch`"
Part = Literal["train_images", "train_labels", "test_images", "test_labels"]


class Fetched(Described):
    """What `dataset.json` of the raw data says besides: counts of images, SHA-256 (hex) of each array."""

    name: str
    counts: Annotated[dict[Literal["train_images", "test_images"], PositiveInt], Field(min_length=2)]
    sha256: Annotated[dict[Part, str], Field(min_length=4)]


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
    dataset = read_described(raw / "dataset.json", Fetched, AGAIN)
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
        about = {"name": dataset.name, "classes": dataset.classes, "shape": dataset.shape, "counts": counts}
        files.write_json(folder / "dataset.json", about)
    print("prepare: " + ", ".join(f"{count:,} {split}" for split, count in counts.items()))


def _read_arrays(raw: Path, dataset: Fetched) -> dict[str, arrays.RowFile]:
    """The images and labels of both parts, on disk, compared with what `dataset.json` says of them."""
    stored: dict[str, arrays.RowFile] = {}
    counts = {name.removesuffix("_images"): count for name, count in dataset.counts.items()}
    for name, digest in dataset.sha256.items():
        part, _, kind = name.partition("_")
        row = dataset.shape if kind == "images" else ()
        stored[name] = read_rows(raw / f"{name}.npy", (counts[part], *row), np.uint8, AGAIN)
        if arrays.sha256(stored[name]) != digest:
            raise InputError(f"{raw / name}.npy is damaged: not the SHA-256 of dataset.json; {AGAIN}")
    return stored


def _write_rows(path: Path, stored: arrays.RowFile, rows: arrays.Array | None = None) -> None:
    arrays.write_rows(path, stored.shape[1:], stored.dtype, arrays.chunks(stored, rows))


if __name__ == "__main__":
    with stage():
        prepare(load(Settings), *map(Path, sys.argv[1:]))
