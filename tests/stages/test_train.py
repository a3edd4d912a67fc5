"""Stage `train`: what it saves, and that it repeats and resumes byte by byte."""

import json
import shutil
import socket
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import composed, digest

from pipeline.base import files
from pipeline.base.errors import InputError
from pipeline.base.git import commit_of
from pipeline.config.schema import Config
from pipeline.network.checkpoint import load_model
from pipeline.stages import train as stage
from pipeline.training.state import write_state

# Adam alone, and all that a recipe can have.
RECIPES = {
    "plain": ["train.learning_rate_schedule=cosine"],
    "full": [
        "train.muon_learning_rate=0.05",
        "train.learning_rate_schedule=triangle",
        "train.warmup=0.1",
        "train.label_smoothing=0.1",
        "train.flip=true",
        "data.may_be_mirrored=true",
        "train.shift=1",
        "train.average_decay=0.9",
        "runtime.precision=mixed_bfloat16",
    ],
}


def configured(recipe="plain") -> Config:
    sizes = ["model.filters=[4,6]", "model.dense=[8]", "train.epochs=3"]
    return composed("data=digits", "train=smoke", *RECIPES[recipe], *sizes)


@pytest.fixture
def cfg() -> Config:
    return configured()


def changed(cfg, section, **values):
    return cfg.model_copy(update={section: getattr(cfg, section).model_copy(update=values)})


def run(cfg, trained, folder):
    """Run the stage in a folder of its own; return the SHA-256 of all that it wrote but the times."""
    stage.train(
        cfg, trained.folder / "data/prepared", folder / "models", folder / "reports", folder / "scratch"
    )
    return digest(folder, "models/*", "reports/history.tsv", "reports/model.txt")


def write_and_die(path, arrays, write_state=write_state):
    """In the place of `write_state`: end the run right after an epoch."""
    write_state(path, arrays)
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def unbroken(trained, tmp_path_factory):
    """What a run of `cfg` writes that nothing interrupts."""
    return run(configured(), trained, tmp_path_factory.mktemp("unbroken"))


@pytest.fixture(scope="module")
def full_unbroken(trained, tmp_path_factory):
    """The same for all that a recipe can have."""
    return run(configured("full"), trained, tmp_path_factory.mktemp("full"))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(cfg, trained, unbroken, tmp_path):
    first = run(cfg, trained, tmp_path / "a")
    assert len(first) == 5
    assert unbroken == first
    other = run(cfg.model_copy(update={"seed": 7}), trained, tmp_path / "c")
    assert other["models/untrained.keras"] != first["models/untrained.keras"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_interrupted_twice_ends_with_the_bytes_of_an_unbroken_one(
    recipe, trained, request, tmp_path, monkeypatch, capsys
):
    cfg, unbroken = configured(recipe), {"plain": "unbroken", "full": "full_unbroken"}[recipe]
    monkeypatch.setattr(stage, "write_state", write_and_die)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(cfg, trained, tmp_path / "b")
    assert not (tmp_path / "b" / "models").exists()
    monkeypatch.undo()
    assert run(cfg, trained, tmp_path / "b") == request.getfixturevalue(unbroken)
    assert "continuing an interrupted run after epoch 2" in capsys.readouterr().out


@pytest.fixture(scope="module")
def interrupted(trained, tmp_path_factory):
    """The folder of a run of another seed that was interrupted after its first epoch."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stage, "write_state", write_and_die)
        run(configured().model_copy(update={"seed": 7}), trained, folder)
    return folder


@pytest.mark.parametrize("damage", ["other configuration", "damaged file"])
def test_a_state_that_does_not_fit_is_not_continued(
    cfg, trained, unbroken, interrupted, tmp_path, capsys, damage
):
    shutil.copytree(interrupted, tmp_path / "a")
    if damage == "damaged file":
        path = tmp_path / "a" / "scratch" / "state.npz"
        path.write_bytes(path.read_bytes()[:1000])
    assert run(cfg, trained, tmp_path / "a") == unbroken
    assert "starting anew" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_fails_and_saves_nothing(cfg, trained, tmp_path):
    hot = changed(cfg, "train", learning_rate=1e38)
    with pytest.raises(
        InputError, match=r"epoch 1: .*nan.*expected finite numbers; lower train\.learning_rate"
    ):
        run(hot, trained, tmp_path)
    assert not (tmp_path / "models").exists()


def test_each_epoch_is_a_line_on_the_screen_and_in_a_file(cfg, trained, tmp_path, capsys):
    run(cfg, trained, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    progress = [json.loads(line) for line in (tmp_path / "scratch/progress.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["epochs"]) for line in progress] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert lines[0] == "train: computing in float32"
    history = files.read_columns(tmp_path / "reports/history.tsv")
    assert [line["val_loss"] for line in progress[1:]] == history["val_loss"]
    for epoch, (line, accuracy) in enumerate(zip(lines[1:4], history["val_accuracy"], strict=True), 1):
        assert line.startswith(f"train: epoch {epoch}/3, loss ")
        assert f", val_accuracy {accuracy:.4f}, " in line
        assert line.endswith(" s")
    assert files.read_json(tmp_path / "reports/made_with.json")["precision"] == "float32"


def test_what_it_was_made_with_is_recorded_by_name_without_time_or_host(trained):
    found = files.read_json(trained.folder / "reports/made_with.json")
    for package in (np, keras, tf):
        assert found["packages"][package.__name__] == package.__version__
    assert f"Python {found['python']}" == trained.run("python", "-V").strip()
    assert found["threads"] == trained.params().runtime.threads
    assert found["commit"] == trained.run("git", "rev-parse", "HEAD").strip()
    text = trained.read("reports/made_with.json")
    assert not any(word in text for word in ("seconds", socket.gethostname(), str(trained.folder)))


def test_the_commit_says_when_the_code_was_edited_since(project):
    commit = commit_of(project.folder, "pipeline")
    (project.folder / "conf/more.yaml").touch()
    assert commit_of(project.folder, "pipeline") == commit
    (project.folder / "pipeline/more.py").touch()
    assert commit_of(project.folder, "pipeline") == f"{commit} and changes to pipeline"
    assert commit_of(project.folder.parent, "pipeline") is None


def test_a_run_is_not_continued_with_another_version_or_processor(cfg):
    used = {"packages": {"numpy": "1"}, "processor": "a"}
    others = {"packages": {"numpy": "2"}, "processor": "a"}, {"packages": {"numpy": "1"}, "processor": "b"}
    assert len({stage._digest(cfg, {}, one) for one in (used, *others)}) == 3


def test_images_are_mirrored_where_the_data_allow_it_only(trained, tmp_path, capsys):
    cfg = configured("full")
    digits = changed(cfg, "data", may_be_mirrored=False)
    plain = changed(digits, "train", flip=False)
    found = [run(settings, trained, tmp_path / name) for settings, name in ((digits, "a"), (plain, "b"))]
    assert found[0] == found[1]
    assert "train: no image is mirrored, since data.may_be_mirrored is false" in capsys.readouterr().out


def test_the_kernels_of_each_epoch_are_kept_from_the_untrained_ones_on(cfg, trained, tmp_path):
    run(cfg, trained, tmp_path)
    losses = files.read_columns(tmp_path / "reports/history.tsv")["val_loss"]
    with np.load(tmp_path / "models/epochs.npz", allow_pickle=False) as stored:
        assert stored["epochs"].tolist() == [0, 1, 2, 3]
        kernels = {name: stored[f"{name}/kernel"] for name in ("conv2d", "conv2d_1")}
        assert stored["conv2d_1/bias"].shape == (4, 6)
    assert kernels["conv2d_1"].shape == (4, 3, 3, 4, 6)
    for file, epoch in (("untrained.keras", 0), ("best.keras", 1 + int(np.argmin(losses)))):
        network = load_model(tmp_path / "models" / file, (8, 8, 1))
        for name, kernel in kernels.items():
            expected = network.get_layer(name).kernel.numpy().astype(np.float16)
            np.testing.assert_array_equal(kernel[epoch], expected)


def test_a_half_precision_run_is_saved_in_float32(trained, full_unbroken, tmp_path):
    run(configured("full"), trained, tmp_path)
    with zipfile.ZipFile(tmp_path / "models" / "best.keras") as archive:
        assert b"bfloat16" not in archive.read("config.json")
    network = load_model(tmp_path / "models" / "best.keras", (8, 8, 1))
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def test_the_saved_networks_load_in_plain_keras_elsewhere(trained, tmp_path):
    code = """
import keras, sys
for path in sys.argv[1:]:
    model = keras.models.load_model(path)
    print(*[type(layer).__name__ for layer in model.layers])
    print(keras.Model(model.inputs, model.layers[0].output).output.shape)
"""
    paths = [str(trained.folder / "models" / name) for name in ("best.keras", "untrained.keras")]
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, *paths], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    layers = "Conv2D MaxPooling2D Conv2D MaxPooling2D Flatten Dense Dropout Dense"
    assert result.stdout.splitlines() == [layers, "(None, 8, 8, 8)"] * 2


def test_the_untrained_network_is_the_one_that_training_began_with(trained):
    history = files.read_columns(trained.folder / "reports/history.tsv")
    network = load_model(trained.folder / "models/untrained.keras", (8, 8, 1))
    best = load_model(trained.folder / "models/best.keras", (8, 8, 1))
    assert not any(np.asarray(layer.bias).any() for layer in network.layers if layer.weights)
    assert any(np.asarray(layer.bias).any() for layer in best.layers if layer.weights)
    assert history["epoch"] == list(range(1, len(history["epoch"]) + 1))
