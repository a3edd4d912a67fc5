"""Stage `prepare`: raw images -> a training, a validation and a test split.

python -m pipeline.stages.prepare data/raw data/prepared
"""

import sys
from pathlib import Path

from pipeline.base import arrays, files
from pipeline.config.data import DataConfig
from pipeline.config.params import load
from pipeline.config.section import Section
from pipeline.config.visualize import VisualizeConfig, check_images
from pipeline.data.prepared import split_rows
from pipeline.stages import stage


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    data: DataConfig
    visualize: VisualizeConfig


def prepare(cfg: Settings, raw: Path, prepared: Path) -> None:
    """Hold out a validation split, exactly as scikit-learn's `train_test_split` does.

    Args:
        cfg: uses `data.validation_fraction`, `data.split_seed`, and `visualize.images`: one that is not
            there is refused before anything is trained.
        raw: folder of stage `fetch`.
        prepared: folder to write: `{train,validation,test}_{images,labels}.npy`, memory-mappable
            uint8 (N, H, W, C) and (N,), `{train,validation}_rows.npy` (N,) int64 with each image's
            row in the source's training set, and `dataset.json`.

    Raises:
        InputError: a split would be empty or miss a class, or an image to show is not there.
    """
    dataset = files.read_json(raw / "dataset.json")
    stored = {name: arrays.RowFile(raw / f"{name}.npy") for name in dataset["sha256"]}
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


def _write_rows(path: Path, stored: arrays.RowFile, rows: arrays.Array | None = None) -> None:
    arrays.write_rows(path, stored.shape[1:], stored.dtype, arrays.chunks(stored, rows))


if __name__ == "__main__":
    with stage():
        prepare(load(Settings), *map(Path, sys.argv[1:]))
