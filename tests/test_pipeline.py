"""The whole pipeline through the real `dvc`: it runs only what it must. That it repeats: test_elsewhere."""

import json

import pytest
from conftest import digest, stages_run

REPORTS = ("models/*", "reports/*.*", "reports/figures/*/*.png")


@pytest.fixture
def copy(trained, tmp_path):
    return trained.copied(tmp_path / "project")


# An edit of params.yaml, and the stages that use the setting.
EDITS = [
    (
        "max_kernel_rows: 16",
        "max_kernel_rows: 8",
        {"visualize_weights", "visualize_features", "compare_untrained"},
    ),
    ("fire_rate_images: 2000", "fire_rate_images: 100", {"visualize_features"}),
    ("num_mistakes: 4", "num_mistakes: 3", {"evaluate", "report"}),
    ("ablation_images: 1000", "ablation_images: 100", {"explain"}),
]
# One picture of each of these stages that must look otherwise then, and one that must not.
REDRAWN = {
    "visualize_weights": ("kernels_conv2d_1", "weights_conv2d_1"),
    "visualize_features": ("walk_0_conv2d_1", "walk_0_dense"),
    "compare_untrained": ("compare_kernels_conv2d_1", "compare_weights_conv2d_1"),
    "evaluate": ("mistakes", "confusion"),
    "explain": ("importance_conv2d", "sanity"),
}


@pytest.mark.parametrize(("old", "new", "stages"), EDITS)
def test_a_changed_picture_setting_concerns_only_the_stages_that_use_it(copy, old, new, stages):
    copy.edit("params.yaml", old, new)
    assert set(stages_run(copy.dvc("repro", "--dry"))) == {"compose", *stages}


def test_changed_picture_settings_redraw_only_the_stages_that_use_them(copy):
    for old, new, _ in EDITS:
        copy.edit("params.yaml", old, new)
    before = digest(copy.folder, *REPORTS)
    stages = set().union(*(stages for _, _, stages in EDITS))
    assert set(stages_run(copy.dvc("repro"))) == {"compose", *stages}
    after = digest(copy.folder, *REPORTS)
    changed = {name for name in after if after[name] != before[name]}
    for stage, pictures in REDRAWN.items():
        names = [f"reports/figures/{stage}/{picture}.png" for picture in pictures]
        assert [name in changed for name in names] == [True, False]
    assert not any(name.startswith("models/") for name in changed)


def test_the_results_can_be_compared_and_shown_with_dvc(copy):
    copy.commit()
    copy.edit("reports/metrics.json", '"kept_epoch": 3', '"kept_epoch": 2')
    differences = json.loads(copy.dvc("metrics", "diff", "--json"))
    assert differences["reports/metrics.json"]["kept_epoch"]["diff"] == -1
    copy.dvc("plots", "show", "--out", "plots")
    page = copy.read("plots/index.html")
    assert all(name in page for name in ("val_loss", "val_accuracy", "kernels_conv2d.png", "confusion"))
