"""Stage `evaluate`: the trained network -> scores and pictures of what it gets right and wrong.

    python -m pipeline.stages.evaluate models/best.keras data/prepared reports/history.tsv reports \
        reports/figures/evaluate
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.analysis.scores import (
    class_scores,
    confusion_matrix,
    kept_epoch,
    most_confident_mistakes,
    score,
)
from pipeline.analysis.trust import findings, line
from pipeline.analysis.uncertainty import interval
from pipeline.base import files
from pipeline.config.params import load
from pipeline.config.runtime import RuntimeConfig
from pipeline.config.section import Section, Seed
from pipeline.config.train import TrainConfig
from pipeline.config.visualize import VisualizeConfig
from pipeline.data.prepared import read_prepared
from pipeline.network import outputs
from pipeline.network.checkpoint import load_model
from pipeline.network.start import configure_runtime
from pipeline.pictures import curves, evaluation
from pipeline.pictures.drawing import write_figure
from pipeline.stages import stage


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    train: TrainConfig
    visualize: VisualizeConfig
    runtime: RuntimeConfig
    seed: Seed


def evaluate(
    cfg: Settings, checkpoint: Path, prepared: Path, history_file: Path, reports: Path, pictures: Path
) -> None:
    """Score the network on the validation and the test images, and draw the scores.

    Args:
        cfg: uses `seed`, `train.patience`, `runtime.threads`, `runtime.device` and how many images to draw.
        checkpoint: `best.keras` of stage `train`.
        prepared: folder of stage `prepare`.
        history_file: `history.tsv` of stage `train`.
        reports: folder to write `metrics.json`, `classes.csv` and `confusion.csv` to. The last has
            one row per test image (actual, predicted), which DVC's confusion plot counts.
        pictures: folder to write.

    Raises:
        InputError: an input is missing, damaged or does not fit the others.
    """
    dataset = read_prepared(prepared)
    history = files.read_columns(history_file)
    splits: dict[str, dict[str, Any]] = {
        split: {"images": dataset.images(split), "labels": dataset.labels(split)}
        for split in ("validation", "test")
    }
    configure_runtime(seed=cfg.seed, threads=cfg.runtime.threads, device=cfg.runtime.device)
    network = load_model(checkpoint, dataset.shape, len(dataset.classes))
    for split in splits.values():
        split["logits"], split["probabilities"] = outputs.logits_and_probabilities(network, split["images"])
        split["predicted"] = split["probabilities"].argmax(axis=1)
    scores = {name: _scores(split, dataset.different[name]) for name, split in splits.items()}
    kept = kept_epoch(history["val_loss"], cfg.train.patience)
    test, classes = splits["test"], dataset.classes
    about = {
        "train": {"images": dataset.counts["train"]},
        "majority": float(np.bincount(test["labels"]).max() / len(test["labels"])),
        "parameters": network.count_params(),
        "epochs": len(history["epoch"]),
        "kept_epoch": kept,
    }
    metrics = {**scores, **about}
    files.write_json(reports / "metrics.json", metrics)
    rows = class_scores(test["labels"], test["predicted"], classes)
    files.write_table(reports / "classes.csv", ("class", "precision", "recall", "f1", "images"), rows)
    pairs = [(classes[a], classes[b]) for a, b in zip(test["labels"], test["predicted"], strict=True)]
    files.write_table(reports / "confusion.csv", ("actual", "predicted"), pairs)
    with files.replaced_folder(pictures) as folder:
        figure = curves.learning_curves({"validation": [{**history, "kept": [kept]}]})
        write_figure(folder / "loss.png", figure)
        _draw_test_images(folder, test, classes, cfg.visualize.num_predictions, cfg.visualize.num_mistakes)
    for name, row in scores.items():
        interval_text = f"95 % interval {row['accuracy_low']:.3f} to {row['accuracy_high']:.3f}"
        print(f"evaluate: {name} loss {row['loss']:.4f}, accuracy {row['accuracy']:.4f} ({interval_text})")
    for finding in findings(metrics, history, test["labels"], test["predicted"], classes):
        print(f"evaluate: {line(finding)}")


def _scores(split: dict[str, Any], different: int) -> dict[str, float]:
    """The numbers of a split in `metrics.json`."""
    scores = score(split["logits"], split["predicted"], split["labels"])
    low, high = interval(scores["accuracy"], different)
    counts = {"images": len(split["labels"]), "different_images": different}
    missed = len(set(split["labels"].tolist()) - set(split["predicted"].tolist()))
    return {**scores, "accuracy_low": low, "accuracy_high": high, "never_predicted": missed, **counts}


def _draw_test_images(
    folder: Path, test: dict[str, Any], classes: list[str], num_predictions: int, num_mistakes: int
) -> None:
    images, labels, probabilities = test["images"], test["labels"], test["probabilities"]
    predicted = test["predicted"]
    counts = confusion_matrix(labels, predicted, len(classes))
    write_figure(folder / "confusion.png", evaluation.confusion(counts, classes))
    first = slice(num_predictions)
    figure = evaluation.predictions(images[first], probabilities[first], labels[first], classes)
    write_figure(folder / "predictions.png", figure)
    worst = most_confident_mistakes(probabilities, labels, num_mistakes)
    total = int((predicted != labels).sum())
    figure = evaluation.mistakes(images[worst], probabilities[worst], labels[worst], worst, classes, total)
    write_figure(folder / "mistakes.png", figure)


if __name__ == "__main__":
    with stage():
        evaluate(load(Settings), *map(Path, sys.argv[1:]))
