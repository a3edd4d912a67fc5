"""How much memory the stages take for data that need not fit into it.

    python benchmarks/larger_than_memory.py            4 GB of images: three to five minutes, 14 GB of disk
    python benchmarks/larger_than_memory.py 400        400 MB

Makes a folder of JPEG files, runs fetch, prepare, train and evaluate on it, each in its own process as
`dvc repro` does, and prints each one's peak memory beside that of a process that only imports TensorFlow.
"""

import sys
import tempfile
from pathlib import Path

import measured
import numpy as np

SIZE_PIXELS = 160
CLASSES = 4
OVERRIDES = (
    "data=image_folder",
    "data.folder=images",
    f"data.image_size=[{SIZE_PIXELS},{SIZE_PIXELS}]",
    "model.filters=[8,16]",
    "model.strides=4",
    "train.epochs=1",
)
IMPORT = ("import TensorFlow", "-c", "from pipeline.network.start import import_keras; import_keras()")
STAGES = (
    ("fetch", "images", "raw"),
    ("prepare", "raw", "prepared", "data.json"),
    ("train", "prepared", "models", "reports", "scratch"),
    ("evaluate", "models/best.keras", "prepared", "reports/history.tsv", "reports", "figures"),
)


def make_images(folder: Path, count: int) -> None:
    """Write noisy images of the given size, in one folder per class; each class has its own shade."""
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 60, (SIZE_PIXELS * 4, SIZE_PIXELS, 3), np.uint8)
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
    for number in range(count):
        label, shift = number % CLASSES, number % (SIZE_PIXELS * 3)
        pixels = noise[shift : shift + SIZE_PIXELS] + np.uint8(50 * label)
        Image.fromarray(pixels).save(folder / str(label) / f"{number:06}.jpg", quality=80)


def main(megabytes: int) -> None:
    """Make that many megabytes of decoded images, and print a table of peaks."""
    count = megabytes * 10**6 // (SIZE_PIXELS**2 * 3)
    with tempfile.TemporaryDirectory(prefix="larger-than-memory-") as temporary:
        folder = Path(temporary)
        make_images(folder / "images", count)
        measured.compose(folder, *OVERRIDES)
        print(f"{count:,} images of {SIZE_PIXELS}×{SIZE_PIXELS}×3: {megabytes:,} MB decoded")
        print(f"{'process':20}{'peak MB':>10}{'seconds':>10}")
        stages = [(name, "-m", f"pipeline.stages.{name}", *paths) for name, *paths in STAGES]
        for name, *arguments in [IMPORT, *stages]:
            done = measured.watch(folder, *arguments)
            print(f"{name:20}{done.peak_mb:10,.0f}{done.seconds:10.0f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
