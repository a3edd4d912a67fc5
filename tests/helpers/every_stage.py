"""All stages in this process, which saves the start of eight others, and what they have to leave."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.schema import Config
from pipeline.network.checkpoint import read_layers
from pipeline.pictures import drawing
from pipeline.stages.compare_untrained import compare_untrained
from pipeline.stages.evaluate import evaluate
from pipeline.stages.explain import explain
from pipeline.stages.fetch import fetch
from pipeline.stages.prepare import prepare
from pipeline.stages.report import report as write_page
from pipeline.stages.train import train
from pipeline.stages.visualize_features import visualize_features
from pipeline.stages.visualize_weights import visualize_weights

ASSETS = Path(__file__).parents[2] / "pipeline/page/browser"


def run_every_stage(cfg: Config, given: Path, folder: Path) -> None:
    """From a user's files to the last picture, each stage with folders below one; pictures are coarse.

    Args:
        cfg: the whole configuration.
        given: in the place of `data/external`.
        folder: to write.
    """
    raw, prepared, models, reports = (folder / name for name in ("raw", "prepared", "models", "reports"))
    best, pictures = models / "best.keras", reports / "figures"
    fetch(cfg, given, raw)
    prepare(cfg, raw, prepared, reports / "data.json")
    with pytest.MonkeyPatch.context() as patch:
        # Takes less time.
        patch.setattr(drawing, "DOTS_PER_INCH", 50)
        train(cfg, prepared, models, reports, folder / "scratch")
        evaluate(cfg, best, prepared, reports / "history.tsv", reports, pictures / "evaluate")
        visualize_weights(cfg, best, reports / "weights.json", pictures / "visualize_weights")
        untrained, features = models / "untrained.keras", reports / "features.json"
        visualize_features(cfg, best, untrained, prepared, features, pictures / "visualize_features")
        compared = reports / "compare_untrained.json"
        compare_untrained(cfg, best, untrained, compared, pictures / "compare_untrained")
        explain(cfg, best, prepared, reports / "explain.json", pictures / "explain")
    write_page(cfg, prepared, models, reports, ASSETS, reports / "index.html")


def check_every_stage(cfg: Config, folder: Path) -> None:
    """Insist on every picture of the network, on finite numbers, and on explanations that are right."""
    reports = folder / "reports"
    network = read_layers(folder / "models/best.keras")
    layers = [layer.name for layer in network if layer.kind != "InputLayer"]
    convolutions = [layer.name for layer in network if layer.kind == "Conv2D"]
    assert len(convolutions) == len(cfg.model.filters)
    assert drawn(reports / "figures") == expected_pictures(layers, convolutions)
    for name in ("metrics", "weights", "features", "compare_untrained", "explain"):
        values = list(numbers(json.loads((reports / f"{name}.json").read_text())))
        assert values
        assert all(map(math.isfinite, values))
    assert (reports / "index.html").stat().st_size <= cfg.page.max_megabytes * 1_000_000
    explained = json.loads((reports / "explain.json").read_text())
    for layer in explained["patches"]["layers"].values():
        assert layer["largest_difference_when_recomputed"] < 1e-4
    assert all(row["complete"] for image in explained["attributions"] for row in image["logits"])


def drawn(figures_folder: Path) -> set[str]:
    """Names below a folder of the files that are PNG by their first bytes."""
    paths = [path for path in figures_folder.rglob("*") if path.is_file()]
    return {str(p.relative_to(figures_folder)) for p in paths if p.read_bytes()[:4] == b"\x89PNG"}


def expected_pictures(layers: list[str], convolutions: list[str]) -> set[str]:
    """Pictures of a network with these layers."""
    return {
        *(f"evaluate/{n}.png" for n in ("loss", "confusion", "predictions", "mistakes")),
        "visualize_weights/architecture.png",
        *(f"visualize_weights/{kind}_{n}.png" for kind in ("kernels", "weights") for n in convolutions),
        *(
            f"compare_untrained/compare_{kind}_{n}.png"
            for kind in ("kernels", "weights")
            for n in convolutions
        ),
        "visualize_features/input.png",
        "visualize_features/parts.png",
        *(f"visualize_features/walk_0{ending}.png" for ending in ("", "_untrained")),
        *(f"visualize_features/features_{n}{e}.png" for n in convolutions for e in ("", "_untrained")),
        *(f"visualize_features/walk_0_{n}.png" for n in layers),
        "explain/attribution_0.png",
        "explain/sanity.png",
        *(f"explain/{kind}_{n}.png" for kind in ("patches", "importance") for n in convolutions),
    }


def numbers(value: Any) -> Iterator[float]:
    """All numbers of a report, wherever they are in it."""
    if isinstance(value, (int, float)):
        yield value
    elif isinstance(value, (dict, list)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from numbers(child)
