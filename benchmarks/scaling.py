"""How seconds and memory of `train` grow with images, filters, image size and threads.

    python benchmarks/scaling.py              four minutes on two cores; also draws docs/scaling.png

One epoch of `train=fast` on noise, which takes as long as pictures do. Seconds are those of the epoch, with
its validation; peaks are of the whole process, TensorFlow included.
"""

import tempfile
from pathlib import Path
from typing import Any

import measured
import numpy as np
from matplotlib.figure import Figure

BASE = {"images": 24_000, "filters": 32, "size": 28, "threads": 2}
VARIED = {
    "images": (10_000, 30_000, 100_000, 300_000, 1_000_000),
    "filters": (8, 16, 32, 64, 128),
    "size": (14, 28, 56, 112),
    "threads": (1, 2),
}
WORDS = {
    "images": "training images",
    "filters": "filters of the first convolution (the second has twice as many)",
    "size": "height and width of the images (pixels)",
    "threads": "threads",
}
# A quarter of the images: larger ones would not fit in the time.
LARGE_SIZE, LARGE_SHARE = 56, 4
ROWS = 100
PICTURE = Path(__file__).parents[1] / "docs" / "scaling.png"


def noise(folder: Path, images: int, size: int) -> Path:
    """Make a prepared data set of noise, with 10 classes and 1,000 images to validate on."""
    data = folder / f"noise-{images}-{size}"
    data.mkdir()
    generator = np.random.default_rng(0)
    counts = {"train": images, "validation": 1000, "test": ROWS}
    for split, count in counts.items():
        # By rows: a process that is started counts what this one has in memory as its own at first.
        about = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 1)}
        with (data / f"{split}_images.npy").open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, about)
            for _ in range(count // ROWS):
                stream.write(generator.bytes(ROWS * size * size))
        np.save(data / f"{split}_labels.npy", np.arange(count, dtype=np.uint8) % 10)
        np.save(data / f"{split}_rows.npy", np.arange(count))
    content = {"name": "noise", "classes": list("abcdefghij"), "shape": [size, size, 1], "counts": counts}
    measured.write_json(data / "dataset.json", content)
    return data


def point(folder: Path, varied: str, value: int) -> dict[str, Any]:
    """Train for one epoch with one number changed."""
    given = {**BASE, varied: value}
    if varied == "size" and value >= LARGE_SIZE:
        given["images"] //= LARGE_SHARE
    size, first = given["size"], given["filters"]
    done = measured.train(
        folder / f"{varied}-{value}",
        noise(folder, given["images"], size),
        *("train=fast", "train.epochs=1", f"data.image_size=[{size},{size}]"),
        *(f"model.filters=[{first},{2 * first}]", f"runtime.threads={given['threads']}"),
    )
    return {**given, "epoch_seconds": done.epochs[0][2], "peak_mb": round(done.peak_mb)}


def draw(found: dict[str, list[dict[str, Any]]]) -> None:
    """Seconds above memory, one column for each number that was varied."""
    figure = Figure(figsize=(14, 6), layout="constrained")
    axes = figure.subplots(2, len(found), sharex="col")
    for column, (varied, rows) in enumerate(found.items()):
        values = [row[varied] for row in rows]
        per_image = [1e3 * row["epoch_seconds"] / row["images"] for row in rows]
        axes[0, column].plot(values, per_image, "o-")
        axes[1, column].plot(values, [row["peak_mb"] / 1000 for row in rows], "o-", color="C1")
        for axis in axes[:, column]:
            axis.set_ylim(0, 1.1 * axis.dataLim.ymax)
        axes[1, column].set_xscale("log", base=10 if varied == "images" else 2)
        axes[1, column].set_xticks(values, [f"{value:,}" for value in values], rotation=30)
        axes[1, column].minorticks_off()
        axes[1, column].set_xlabel(WORDS[varied].replace(" (the", "\n(the"))
    axes[0, 0].set_ylabel("training (ms an image)")
    axes[1, 0].set_ylabel("peak memory (GB)")
    figure.suptitle(
        f"One epoch of train=fast, {measured.processor()['processor']}, {BASE['threads']} threads"
    )
    figure.savefig(PICTURE, dpi=100, metadata={"Software": None})


def main() -> None:
    """Print a line a point, write and draw them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for varied, values in VARIED.items():
        for value in values:
            with tempfile.TemporaryDirectory() as temporary:
                found.setdefault(varied, []).append(point(Path(temporary), varied, value))
            print(varied, found[varied][-1], flush=True)
    measured.write("scaling", __doc__ or "", found)
    draw(found)


if __name__ == "__main__":
    main()
