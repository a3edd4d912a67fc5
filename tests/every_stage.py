"""All stages in this process, which saves the start of eight others."""

from pathlib import Path

import pytest

from pipeline import figures
from pipeline.config import Config
from pipeline.stages.compare_untrained import compare_untrained
from pipeline.stages.evaluate import evaluate
from pipeline.stages.explain import explain
from pipeline.stages.fetch import fetch
from pipeline.stages.prepare import prepare
from pipeline.stages.train import train
from pipeline.stages.visualize_features import visualize_features
from pipeline.stages.visualize_weights import visualize_weights


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
    prepare(cfg, raw, prepared)
    with pytest.MonkeyPatch.context() as patch:
        # Takes less time.
        patch.setattr(figures, "DOTS_PER_INCH", 50)
        train(cfg, prepared, models, reports, folder / "scratch")
        evaluate(cfg, best, prepared, reports / "history.tsv", reports, pictures / "evaluate")
        visualize_weights(cfg, best, reports / "weights.json", pictures / "visualize_weights")
        visualize_features(cfg, best, prepared, reports / "features.json", pictures / "visualize_features")
        untrained, report = models / "untrained.keras", reports / "compare_untrained.json"
        compare_untrained(cfg, best, untrained, report, pictures / "compare_untrained")
        explain(cfg, best, prepared, reports / "explain.json", pictures / "explain")
