"""A stage replaces its numbers and its pictures together, or leaves the earlier ones."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import composed, digest

from pipeline.base import files
from pipeline.base.arrays import write_array
from pipeline.base.errors import InputError
from pipeline.pictures import drawing
from pipeline.stages import compare_untrained, evaluate, explain, train, visualize_features, visualize_weights

CFG = composed("data=digits", "explain.ablation_images=10", "explain.sanity_images=2")
PATTERNS = ("reports/*.*", "reports/figures/*/*")


def stages(folder):
    """Each stage after `train`, as a call."""
    best, prepared, reports = folder / "models/best.keras", folder / "data/prepared", folder / "reports"
    pictures, untrained = reports / "figures", folder / "models/untrained.keras"
    return {
        "evaluate": lambda: evaluate.evaluate(
            CFG, best, prepared, reports / "history.tsv", reports, pictures / "evaluate"
        ),
        "visualize_weights": lambda: visualize_weights.visualize_weights(
            CFG, best, reports / "weights.json", pictures / "visualize_weights"
        ),
        "visualize_features": lambda: visualize_features.visualize_features(
            CFG, best, untrained, prepared, reports / "features.json", pictures / "visualize_features"
        ),
        "compare_untrained": lambda: compare_untrained.compare_untrained(
            CFG,
            best,
            untrained,
            reports / "compare_untrained.json",
            pictures / "compare_untrained",
        ),
        "explain": lambda: explain.explain(
            CFG, best, prepared, reports / "explain.json", pictures / "explain"
        ),
    }


@pytest.fixture
def folder(trained, tmp_path):
    """Models, data and reports of a run, to spoil."""
    for name in ("models", "reports", "data/prepared"):
        shutil.copytree(trained.folder / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    "stage", ["evaluate", "visualize_weights", "visualize_features", "compare_untrained", "explain"]
)
def test_drawing_that_fails_leaves_the_earlier_results(folder, monkeypatch, stage):
    (folder / "reports/weights.json").write_text("earlier")
    before = digest(folder, *PATTERNS)

    def fail(path, figure):
        raise RuntimeError("the last picture")

    module = {
        "evaluate": evaluate,
        "visualize_weights": visualize_weights,
        "visualize_features": visualize_features,
        "compare_untrained": compare_untrained,
        "explain": explain,
    }[stage]
    assert module.write_figure is drawing.write_figure
    monkeypatch.setattr(module, "write_figure", fail)
    with pytest.raises(RuntimeError, match="the last picture"):
        stages(folder)[stage]()
    assert digest(folder, *PATTERNS) == before


def three_classes(folder):
    path = folder / "data/prepared/dataset.json"
    files.write_json(path, {**json.loads(path.read_text()), "classes": ["a", "b", "c"]})


def other_numbers(folder):
    write_array(folder / "data/prepared/validation_images.npy", np.zeros((288, 8, 8, 1), np.float32))


def other_count(folder):
    write_array(folder / "data/prepared/validation_labels.npy", np.zeros(5, np.uint8))


def label_beyond(folder):
    path = folder / "data/prepared/validation_labels.npy"
    labels = np.load(path)
    labels[3] = 10
    write_array(path, labels)


EVERY = [three_classes, other_numbers, other_count, label_beyond]


@pytest.mark.parametrize(
    ("stage", "spoil"),
    [
        *(("evaluate", spoil) for spoil in EVERY),
        *(("explain", spoil) for spoil in EVERY),
        # It reads no labels but those of the images that it shows.
        *(("visualize_features", spoil) for spoil in EVERY[:2]),
    ],
)
def test_data_that_do_not_fit_are_refused_before_anything_is_replaced(folder, spoil, stage):
    spoil(folder)
    before = digest(folder, *PATTERNS)
    with pytest.raises(InputError, match=r"received .*, expected|tells 10 classes apart"):
        stages(folder)[stage]()
    assert digest(folder, *PATTERNS) == before


def test_training_to_weights_that_are_not_finite_saves_nothing(trained, tmp_path):
    cfg = composed("data=digits", "train=smoke", "model.filters=[4,6]")
    # Beyond what the configuration takes, so that it happens at once.
    cfg = replace(cfg, train=replace(cfg.train, learning_rate=1e25))
    with pytest.raises(InputError, match=r"lower train\.learning_rate"):
        train.train(
            cfg, trained.folder / "data/prepared", tmp_path / "m", tmp_path / "r", tmp_path / "scratch"
        )
    assert not (tmp_path / "m/best.keras").exists()
