"""What each part of `fast` and of `tuned` is worth: each recipe without one of them, three seeds.

    python benchmarks/ablation.py fast            a quarter of an hour on two cores
    python benchmarks/ablation.py tuned 8         with 8 epochs instead of 40: twenty minutes

Validation accuracy of the kept network; the test images are not looked at. Two trainings run at a time, one
thread each. Writes results/ablation_<recipe>.json and draws docs/ablation_<recipe>.png.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import measured
from matplotlib.figure import Figure
from train_speed import kept_accuracy

SEEDS = (1, 2, 3)
# The recipe as it is, then without a part: what it is called, and the overrides that take it out.
PARTS = {
    "fast": {
        "as it is": (),
        "Adam, not Muon": ("train.muon_learning_rate=null",),
        "constant rates, not a triangle": ("train.learning_rate_schedule=constant", "train.warmup=0"),
        "no label smoothing": ("train.label_smoothing=0",),
        "dropout 0.4, not 0": ("model.dropout=0.4",),
        "batches of 32, not 128": ("train.batch_size=32",),
        "float32, not bfloat16": ("train.mixed_precision=false",),
    },
    "tuned": {
        "as it is": (),
        "Adam, not Muon": ("train.muon_learning_rate=null",),
        "constant rates, not a triangle": ("train.learning_rate_schedule=constant", "train.warmup=0"),
        "no label smoothing": ("train.label_smoothing=0",),
        "no flips": ("train.flip=false",),
        "no shifts": ("train.shift=0",),
        "no averaged weights": ("train.average_decay=0",),
        "no dropout, not 0.2": ("model.dropout=0",),
    },
}
PICTURES = Path(__file__).parents[1] / "docs"


def accuracy(folder: Path, data: Path, overrides: tuple[str, ...], seed: int) -> float:
    """Validation accuracy of one training."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    return kept_accuracy(measured.train(folder, data, *overrides, f"seed={seed}", "runtime.threads=1"))


def draw(recipe: str, epochs: str, rows: list[dict[str, Any]]) -> None:
    """Each run as a dot, the mean as a line, the recipe's own mean across all."""
    figure = Figure(figsize=(8, 0.5 * len(rows) + 1.4), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        axes.plot(row["validation_accuracy"], [place] * len(SEEDS), "o", color="C0", alpha=0.6)
        axes.plot(row["mean"], place, "|", color="black", markersize=18)
    axes.axvline(rows[0]["mean"], color="grey", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [row["part"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(f"validation accuracy (dots: seeds {', '.join(map(str, SEEDS))}; line: mean)")
    length = f", {epochs} epochs" if epochs else ""
    axes.set_title(f"train={recipe}{length}, without one part at a time")
    figure.savefig(PICTURES / f"ablation_{recipe}.png", dpi=100, metadata={"Software": None})


def main(recipe: str, epochs: str) -> None:
    """Print a line a part, write and draw them."""
    common = (f"train={recipe}", *((f"train.epochs={epochs}",) if epochs else ()))
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(2) as pool:
        folder = Path(temporary)
        data = measured.prepared(folder)
        waiting = {
            part: [pool.submit(accuracy, folder, data, (*common, *overrides), seed) for seed in SEEDS]
            for part, overrides in PARTS[recipe].items()
        }
        rows = []
        for part, runs in waiting.items():
            accuracies = [run.result() for run in runs]
            rows.append({"part": part, "validation_accuracy": accuracies, **measured.mean(accuracies)})
            print(rows[-1], flush=True)
    measured.write(f"ablation_{recipe}", __doc__ or "", {"epochs": epochs or "all", "parts": rows})
    draw(recipe, epochs, rows)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
