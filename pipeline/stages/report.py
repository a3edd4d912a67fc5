"""Stage `report`: all that the other stages left -> one page to look at, offline.

python -m pipeline.stages.report data/prepared models reports pipeline/page/browser reports/index.html
"""

import sys
from pathlib import Path

import numpy as np

from pipeline.base import files
from pipeline.base.arrays import read_npz
from pipeline.config.data import DataConfig
from pipeline.config.model import ModelConfig
from pipeline.config.page import PageConfig
from pipeline.config.params import load
from pipeline.config.runtime import RuntimeConfig
from pipeline.config.section import Section, Seed
from pipeline.config.train import TrainConfig
from pipeline.config.visualize import VisualizeConfig
from pipeline.data.prepared import read_chosen, read_prepared
from pipeline.network.checkpoint import load_model, read_layers
from pipeline.network.start import configure_runtime
from pipeline.page.contents import fitted
from pipeline.page.export import export
from pipeline.page.material import Material
from pipeline.page.render import render
from pipeline.stages import stage

REPORTS = ("metrics", "data", "features", "compare_untrained", "explain")
MEGABYTE = 1_000_000
# Of the page's size, for images; and what is left for everything that is not an array.
IMAGE_SHARE, ROOM = 0.25, 400_000


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    page: PageConfig
    visualize: VisualizeConfig
    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    runtime: RuntimeConfig
    seed: Seed


def report(cfg: Settings, prepared: Path, models: Path, reports: Path, browser: Path, page: Path) -> None:
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
    sections = {"data": cfg.data, "model": cfg.model, "train": cfg.train, "runtime": cfg.runtime}
    contents = fitted(contents, limit - ROOM).extended(
        name=cfg.data.name,
        configuration={name: section.model_dump() for name, section in sections.items()} | {"seed": cfg.seed},
        resize=cfg.data.resize,
        language=cfg.page.language,
        max_megabytes=cfg.page.max_megabytes,
    )
    text = render(contents, browser)
    files.write_text(page, text)
    live = "with the live network" if contents.values["live"] else "too large for the live network"
    size, count = len(text.encode()) / MEGABYTE, len(contents.values["images"])
    print(f"report: {page}, {size:.2f} MB, {live}, {count} images")


def _read(cfg: Settings, prepared: Path, models: Path, reports: Path) -> Material:
    dataset = read_prepared(prepared)
    pairs = files.read_rows(reports / "confusion.csv")
    actual, predicted = (
        np.array([dataset.classes.index(row[name]) for row in pairs]) for name in ("actual", "predicted")
    )
    configure_runtime(seed=cfg.seed, threads=cfg.runtime.threads, device=cfg.runtime.device)
    network, untrained_network = (
        load_model(models / f"{name}.keras", dataset.shape, len(dataset.classes))
        for name in ("best", "untrained")
    )
    return Material(
        dataset=dataset,
        network=network,
        untrained_network=untrained_network,
        trained=read_layers(models / "best.keras"),
        untrained=read_layers(models / "untrained.keras"),
        epochs=read_npz(models / "epochs.npz"),
        reports={name: files.read_json(reports / f"{name}.json") for name in REPORTS},
        history=files.read_columns(reports / "history.tsv"),
        class_scores=files.read_rows(reports / "classes.csv"),
        actual=actual,
        predicted=predicted,
        test_images=dataset.images("test"),
        validation_images=dataset.images("validation"),
        chosen=read_chosen(dataset, cfg.visualize.images),
    )


if __name__ == "__main__":
    with stage():
        report(load(Settings), *map(Path, sys.argv[1:]))
