"""Stage `fetch`: a named data set -> data/raw.

python -m pipeline.stages.fetch data/raw
"""

import sys
from pathlib import Path

from pipeline import datasets, files
from pipeline.config import Config, load_config, one_line_errors


def fetch(cfg: Config, raw: Path) -> None:
    """Bring the data here, verified, as plain arrays.

    Args:
        cfg: uses `data`, but for how it is split.
        raw: folder to write: `{train,test}_images.npy` (N, H, W, C) uint8,
            `{train,test}_labels.npy` (N,) uint8, and `dataset.json`.

    Raises:
        InputError: no source has the data, or what it has is not the data.
    """
    dataset = datasets.load(
        cfg.data.name,
        cfg.data.input_shape,
        folder=cfg.data.folder,
        mirror=cfg.data.mirror,
        update_package_lists=cfg.data.update_package_lists,
    )
    arrays = dataset.arrays()
    with files.replaced_folder(raw) as folder:
        for name, array in arrays.items():
            files.write_array(folder / f"{name}.npy", array)
        digests = {name: files.sha256(array) for name, array in arrays.items()}
        files.write_json(folder / "dataset.json", datasets.describe(cfg.data.name, dataset, digests))
    print(f"fetch: {len(dataset.train_images):,} training and {len(dataset.test_images):,} test images")


if __name__ == "__main__":
    with one_line_errors():
        fetch(load_config(), *map(Path, sys.argv[1:]))
