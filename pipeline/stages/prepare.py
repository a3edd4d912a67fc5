"""Stage `prepare`: raw images -> a training, a validation and a test split, and what looks wrong with them.

python -m pipeline.stages.prepare data/raw data/prepared reports/data.json
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.base import arrays, files
from pipeline.config.data import DataConfig
from pipeline.config.params import load
from pipeline.config.section import Section
from pipeline.config.visualize import VisualizeConfig, check_images
from pipeline.data.findings import described, line
from pipeline.data.prepared import SPLITS, split_rows
from pipeline.data.quality import digests, scan
from pipeline.data.splitting import held_out
from pipeline.stages import stage


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    data: DataConfig
    visualize: VisualizeConfig


def prepare(cfg: Settings, raw: Path, prepared: Path, report: Path) -> None:
    """Hold out a validation split, and look for what is wrong with the images.

    Of a published data set the split is index by index that of scikit-learn's `train_test_split`; of a
    user's images it holds a share of each class.

    Args:
        cfg: uses `data.validation_fraction`, `data.split_seed`, `data.keep_copies_together`, the kind of
            `data.source`, and `visualize.images`: one that is not there is refused before anything is
            trained.
        raw: folder of stage `fetch`.
        prepared: folder to write: `{train,validation,test}_{images,labels}.npy`, memory-mappable
            uint8 (N, H, W, C) and (N,), `{train,validation}_rows.npy` (N,) int64 with each image's
            row in the source's training set, and `dataset.json`.
        report: `data.json` to write: counts, copies, look-alikes, and a line for each thing that looks wrong.

    Raises:
        InputError: a split would be empty or miss a class, or an image to show is not there.
    """
    dataset, read = files.read_json(raw / "dataset.json"), files.read_json(raw / "read.json")
    stored = {name: arrays.RowFile(raw / f"{name}.npy") for name in dataset["sha256"]}
    labels = stored["train_labels"][:]
    splits = _split(cfg, stored["train_images"], labels, dataset["classes"])
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
        found = _looked_at(folder, dataset["classes"], read)
        about = {key: dataset[key] for key in ("name", "classes", "shape")}
        about |= {key: read[key] for key in ("resize", "deep_range")}
        about |= {"counts": counts, "different": found["different"]}
        files.write_json(folder / "dataset.json", about)
    files.write_json(report, found)
    print("prepare: " + ", ".join(f"{count:,} {split}" for split, count in counts.items()))
    for finding in found["findings"]:
        print(f"prepare: {line(finding)}")


def _split(
    cfg: Settings, images: arrays.RowFile, labels: arrays.Array, classes: list[str]
) -> tuple[arrays.Array, arrays.Array]:
    """Rows of the training and the validation split."""
    own = cfg.data.source.kind in ("image_folder", "npz")
    if not own and not cfg.data.keep_copies_together:
        return split_rows(labels, cfg.data.validation_fraction, cfg.data.split_seed, classes)
    same = None
    if cfg.data.keep_copies_together:
        same = np.concatenate([digests(part) for part in arrays.chunks(images)])
    key = f"data.validation_fraction {cfg.data.validation_fraction}"
    return held_out(
        labels, cfg.data.validation_fraction, cfg.data.split_seed, key=key, classes=classes, copies=same
    )


def _looked_at(folder: Path, classes: list[str], read: dict[str, Any]) -> dict[str, Any]:
    """The content of `data.json`."""
    images = {split: arrays.RowFile(folder / f"{split}_images.npy") for split in SPLITS}
    labels = {split: arrays.RowFile(folder / f"{split}_labels.npy")[:] for split in SPLITS}
    scans = {split: scan(part) for split, part in images.items()}
    return described(scans, images, labels, classes, read)


def _write_rows(path: Path, stored: arrays.RowFile, rows: arrays.Array | None = None) -> None:
    arrays.write_rows(path, stored.shape[1:], stored.dtype, arrays.chunks(stored, rows))


if __name__ == "__main__":
    with stage():
        prepare(load(Settings), *map(Path, sys.argv[1:]))
