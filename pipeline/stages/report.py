"""Stage `report`: all that the other stages left -> one page to look at, offline.

python -m pipeline.stages.report data/prepared models reports pipeline/page/browser reports/index.html
"""

import csv
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import arrays, datasets, files, weights
from pipeline.config import Config, InputError, load_config, one_line_errors
from pipeline.page.contents import fitted
from pipeline.page.export import export
from pipeline.page.material import Material
from pipeline.page.render import render

REPORTS = ("metrics", "features", "compare_untrained", "explain")
MEGABYTE = 1_000_000
# Of the page's size, for images; and what is left for everything that is not an array.
IMAGE_SHARE, ROOM = 0.25, 400_000


def report(cfg: Config, prepared: Path, models: Path, reports: Path, browser: Path, page: Path) -> None:
    """Make the page: what was trained, how well, what each filter does, and the network itself.

    Args:
        cfg: uses `page`, `visualize.images`, `visualize.num_mistakes`, `visualize.kernel_limit`, and
            shows `data`, `model`, `train`, `runtime` and `seed`.
        prepared: folder of stage `prepare`.
        models: folder of stage `train`: `best.keras`, `untrained.keras`, `epochs.npz`.
        reports: folder with what the other stages wrote for people.
        browser: folder with the page's template, style, words and script.
        page: HTML file to write.

    Raises:
        InputError: an input is missing, damaged or does not fit the others.
    """
    limit = round(cfg.page.max_megabytes * MEGABYTE)
    contents = export(
        _read(cfg, prepared, models, reports),
        num_images=cfg.page.num_images,
        num_mistakes=cfg.visualize.num_mistakes,
        kernel_limit=cfg.visualize.kernel_limit,
        # As base64 they take a third more.
        image_bytes=round(limit * IMAGE_SHARE * 3 / 4),
    )
    contents = fitted(contents, max(0, limit - ROOM)).told(
        configuration=_configuration(cfg),
        resize=cfg.data.resize,
        language=cfg.page.language,
        max_megabytes=cfg.page.max_megabytes,
    )
    text = render(contents, browser)
    files.write_text(page, text)
    _print_summary(contents.values, page, len(text.encode()))


def _configuration(cfg: Config) -> dict[str, Any]:
    return {
        "data": asdict(cfg.data),
        "model": asdict(cfg.model),
        "train": asdict(cfg.train),
        "runtime": asdict(cfg.runtime),
        "seed": cfg.seed,
    }


def _read(cfg: Config, prepared: Path, models: Path, reports: Path) -> Material:
    dataset = files.read_json(prepared / "dataset.json")
    actual, predicted = _read_confusion(reports / "confusion.csv", dataset["classes"])
    test_images = arrays.RowFile(prepared / "test_images.npy")
    if len(actual) != len(test_images):
        raise InputError(
            f"{reports / 'confusion.csv'} has {len(actual)} rows, there are {len(test_images)} test images;"
            " run `dvc repro` to make both anew"
        )
    return Material(
        dataset=dataset,
        trained=weights.layers(*files.read_keras(models / "best.keras")),
        untrained=weights.layers(*files.read_keras(models / "untrained.keras")),
        epochs=_read_epochs(models / "epochs.npz"),
        reports={name: files.read_json(reports / f"{name}.json") for name in REPORTS},
        history=files.read_columns(reports / "history.tsv"),
        class_scores=_read_rows(reports / "classes.csv"),
        actual=actual,
        predicted=predicted,
        test_images=test_images,
        validation_images=arrays.RowFile(prepared / "validation_images.npy"),
        validation_labels=arrays.RowFile(prepared / "validation_labels.npy")[:],
        chosen=[
            {
                "split": image.split,
                "index": image.index,
                "actual": dataset["classes"].index(image.class_name),
                "pixels": image.pixels,
            }
            for image in datasets.read_chosen(prepared, cfg.visualize.images)
        ],
    )


def _read_epochs(path: Path) -> dict[str, files.Array]:
    if not path.is_file():
        raise InputError(files.missing(path))
    return files.read_state(path)


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except FileNotFoundError:
        raise InputError(files.missing(path)) from None


def _read_confusion(path: Path, classes: list[str]) -> tuple[files.Array, files.Array]:
    """Actual and predicted class numbers (N,) int64 of the test images."""
    numbers = {name: number for number, name in enumerate(classes)}
    try:
        pairs = [(numbers[row["actual"]], numbers[row["predicted"]]) for row in _read_rows(path)]
    except KeyError as error:
        raise InputError(
            f"{path}: received the class {error}, expected one of dataset.json; run `dvc repro`"
        ) from None
    actual, predicted = np.array(pairs, np.int64).reshape(-1, 2).T
    return actual, predicted


def _print_summary(values: dict[str, Any], page: Path, size: int) -> None:
    truth = values["truth"]
    largest = max(truth[name]["largest_difference"] for name in ("extremes", "activations"))
    live = "with the live network" if values["live"] else "too large for the live network"
    print(f"report: {page}, {size / MEGABYTE:.2f} MB, {live}, {len(values['images'])} images")
    print(
        f"report: largest relative difference from TensorFlow {largest:.1e},"
        f" same class for {truth['same_class']} of {truth['images']} test images"
    )


if __name__ == "__main__":
    with one_line_errors():
        report(load_config(), *map(Path, sys.argv[1:]))
