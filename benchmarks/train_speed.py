"""`default` and `fast` against the textbook's script: seconds, accuracy and memory, in one run.

    python benchmarks/train_speed.py                    three seeds: a quarter of an hour on two cores
    python benchmarks/train_speed.py --torch PYTHON     and in PyTorch, which that Python must have
    python benchmarks/train_speed.py --seeds 1 --data digits

Alternates between them, so that a machine that becomes slower or faster favours none. Seconds of an epoch
hold its validation; those of a run hold imports. Peaks are above that of a process that only imports
TensorFlow. The accuracy of a run is that of the network it keeps: the one with the lowest validation loss.
"""

import argparse
import re
import statistics
import tempfile
from pathlib import Path
from typing import Any

import measured

HERE = Path(__file__).parent
MARKS = (0.92, 0.9234)
IMPORT = "import tensorflow"


def runs(folder: Path, data: Path, seed: int, given: argparse.Namespace) -> dict[str, measured.Watched]:
    """Each recipe once."""
    common = (f"data={given.data}", f"seed={seed}")
    done = {
        "plain": measured.watch(folder, str(HERE / "plain.py"), str(data), str(seed)),
        "default": measured.train(folder / f"default-{seed}", data, *common),
        "fast": measured.train(folder / f"fast-{seed}", data, "train=fast", *common),
    }
    if given.torch:
        script = str(HERE / "plain_torch.py")
        done["torch"] = measured.watch(folder, script, str(data), str(seed), python=given.torch)
    return done


def row(recipe: str, seed: int, done: measured.Watched, import_mb: float) -> dict[str, Any]:
    """What one run took and reached."""
    kept = kept_accuracy(done)
    until = {f"seconds_until_{mark}": done.seconds_until(mark) for mark in MARKS}
    return {
        "recipe": recipe,
        "seed": seed,
        "seconds": round(done.seconds, 1),
        "epochs": len(done.epochs),
        "epoch_seconds": round(statistics.median(seconds for _, _, seconds in done.epochs), 2),
        **until,
        "validation_accuracy": kept,
        "peak_mb_above_import": round(done.peak_mb - import_mb),
    }


def kept_accuracy(done: measured.Watched) -> float:
    """Validation accuracy of the epoch that `train` says it keeps; of a script, of the lowest loss."""
    if told := re.search(r"best epoch (\d+) of", done.lines[-1][1]):
        return done.epochs[int(told[1]) - 1][1]
    losses = [float(line.split("val_loss ")[1].split(",")[0]) for _, line in done.lines if "val_loss" in line]
    return done.epochs[losses.index(min(losses))][1]


def ratios(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Medians over the seeds of what a recipe takes, divided by what the plain script takes."""

    def median(recipe: str, key: str) -> float:
        return statistics.median(r[key] for r in rows if r["recipe"] == recipe)

    def ratio(recipe: str, key: str) -> float:
        return round(median(recipe, key) / median("plain", key), 3)

    return {
        "default_epoch_to_plain": ratio("default", "epoch_seconds"),
        "fast_run_to_plain": ratio("fast", "seconds"),
        "default_peak_to_plain": ratio("default", "peak_mb_above_import"),
        "fast_peak_to_plain": ratio("fast", "peak_mb_above_import"),
    }


def main(given: argparse.Namespace) -> None:
    """Print a line a run, then the ratios, and write all of it."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = measured.prepared(folder, f"data={given.data}")
        import_mb = measured.watch(folder, "-c", IMPORT).peak_mb
        for seed in range(1, given.seeds + 1):
            for recipe, done in runs(folder, data, seed, given).items():
                rows.append(row(recipe, seed, done, import_mb))
                print(rows[-1], flush=True)
    found = {
        "data": given.data,
        "import_mb": round(import_mb),
        "ratios": ratios(rows),
        "fast_validation_accuracy": measured.mean(
            [r["validation_accuracy"] for r in rows if r["recipe"] == "fast"]
        ),
        "runs": rows,
    }
    print(found["ratios"], found["fast_validation_accuracy"])
    measured.write("train_speed", __doc__ or "", found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--torch", metavar="PYTHON")
    main(parser.parse_args())
