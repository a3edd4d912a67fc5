"""A user's own images through the whole pipeline; by the real `dvc` where it is to notice them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import PICTURES, composed
from every_stage import check_every_stage, run_every_stage
from PIL import Image
from sklearn.datasets import load_digits

from pipeline.analysis.scores import score
from pipeline.base.errors import InputError
from pipeline.commands import predict
from pipeline.config.schema import Config
from pipeline.data import image
from pipeline.network import outputs
from pipeline.network.checkpoint import load_model
from pipeline.stages.fetch import fetch
from pipeline.stages.prepare import prepare
from pipeline.stages.train import train

RNG = np.random.default_rng(0)
PNG = b"\x89PNG"
NO_POOLING = (
    *("model.filters=[8,3]", "model.pool=none", "model.strides=2", "model.padding=valid"),
    *("model.dense=[24,16,12]", "model.dropout=0"),
)
# Names of classes as people give them: mathematics to Matplotlib, markup to a table or a page.
UNUSUAL_NAMES = ("빨강 신발", "$green$ [red]", "a$b <b>\"'")


def save_colours(folder, count: int, names=("red", "green", "blue")) -> None:
    """Noisy images of several sizes and formats, one folder per dominant colour."""
    for channel, name in enumerate(names):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            height, width = 10 + number % 7, 10 + number % 5
            pixels = RNG.integers(0, 160, (height, width, 3), np.uint8)
            pixels[..., channel] += 80
            kind = ("png", "jpg", "bmp")[number % 3]
            Image.fromarray(pixels).save(folder / name / f"{number:03}.{kind}")


@pytest.fixture(scope="module")
def colours(tmp_path_factory) -> tuple[Config, Path]:
    """What all stages make of a small folder of colour images, with unusual names and network."""
    folder = tmp_path_factory.mktemp("colours")
    save_colours(folder / "given" / "colours", 60, UNUSUAL_NAMES)
    choice = ("data=image_folder", f"data.folder={folder}/given/colours", "data.image_size=[12,12]")
    cfg = composed(*choice, "train=smoke", "train.epochs=6", *NO_POOLING, *PICTURES)
    run_every_stage(cfg, folder / "given", folder)
    return cfg, folder


def test_every_stage_draws_and_counts_for_colour_images(colours):
    check_every_stage(*colours)


def test_colour_images_are_learned(colours):
    _, folder = colours
    about = json.loads((folder / "prepared/dataset.json").read_text())
    assert about["classes"] == sorted(UNUSUAL_NAMES)
    assert about["shape"] == [12, 12, 3]
    # 180 images: 36 for testing, then a fifth of 144 for validation
    assert about["counts"] == {"train": 115, "validation": 29, "test": 36}
    scores = json.loads((folder / "reports/metrics.json").read_text())
    assert scores["test"]["accuracy"] > 0.9


def test_predictions_tell_and_draw_the_names_of_classes_and_files_as_they_are(colours, tmp_path, capsys):
    cfg, folder = colours
    given = folder / "given/colours" / UNUSUAL_NAMES[0] / "000.png"
    image = tmp_path / "사진 $1$ [b].png"
    image.write_bytes(given.read_bytes())
    best, about = folder / "models/best.keras", folder / "prepared/dataset.json"
    predictions, classes, _ = predict.predict(cfg, [image], best, about, invert=False)
    predict.show(predictions, classes)
    predict.plot(predictions, classes, tmp_path / "plots")
    shown = "".join(capsys.readouterr().out.split())
    assert UNUSUAL_NAMES[0].replace(" ", "") in shown
    assert "[b].png" in shown
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["0_사진 $1$ [b].png"]


def test_an_added_and_a_removed_image_are_noticed(project):
    folder = project.folder / "data/external/colours/red"
    save_colours(folder.parent, 10)
    choice = ("data=image_folder", "data.folder=data/external/colours", "data.image_size=[12,12]")
    project.dvc("exp", "run", *(part for value in choice for part in ("-S", value)), "prepare")
    assert "up to date" in project.dvc("status", "fetch", "prepare")
    added = folder / "new.png"
    Image.fromarray(np.full((12, 12, 3), 200, np.uint8)).save(added)
    assert "data/external" in project.dvc("status", "fetch")
    project.dvc("repro", "prepare")
    counts = json.loads(project.read("data/prepared/dataset.json"))["counts"]
    assert sum(counts.values()) == 31
    added.unlink()
    project.dvc("repro", "prepare")
    counts = json.loads(project.read("data/prepared/dataset.json"))["counts"]
    assert sum(counts.values()) == 30


def test_images_under_dvc_are_there_in_a_queued_experiment(project):
    save_colours(project.folder / "data/external/colours", 8)
    project.dvc("add", "data/external/colours")
    project.commit()
    assert "data/external/colours.dvc" in project.run("git", "ls-files")
    assert "colours/red" not in project.run("git", "ls-files")
    folder = "data.folder=data/external/colours"
    size = "data.image_size=[12,12]"
    settings = ["-S", "data=image_folder", "-S", folder, "-S", size, "-S", "data.validation_fraction=0.3"]
    output = project.dvc("exp", "run", "--temp", *settings, "prepare")
    # Of 24 images a fifth, rounded up, for testing; of the other 19 three tenths, rounded up.
    assert "prepare: 13 train, 6 validation, 5 test" in output


def accuracies(cfg, folder):
    """Run fetch to train in this process; accuracy of the best network by split."""
    raw, prepared = folder / "raw", folder / "prepared"
    fetch(cfg, folder, raw)
    prepare(cfg, raw, prepared)
    train(cfg, prepared, folder / "models", folder / "reports", folder / "scratch")
    network = load_model(folder / "models/best.keras", (8, 8, 1))
    found = {}
    for split in ("validation", "test"):
        images, labels = (np.load(prepared / f"{split}_{part}.npy") for part in ("images", "labels"))
        logits, shares = outputs.logits_and_probabilities(network, images)
        found[split] = score(logits, shares.argmax(axis=1), labels)["accuracy"]
    return found


def test_digits_exported_as_images_train_to_the_same_accuracy(compose, tmp_path):
    digits = load_digits()
    # Numbered in their own order, which is the order of the rows then, and so is the split.
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = tmp_path / "digits" / str(label) / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(pixels * (255 / 16)).astype(np.uint8)).save(path)
    shared = ("train=smoke", "data.split_seed=0")
    expected = accuracies(compose("data=digits", *shared), tmp_path / "a")
    folder, size = f"data.folder={tmp_path}/digits", "data.image_size=[8,8]"
    cfg = compose("data=image_folder", folder, size, "data.channels=1", *shared)
    received = accuracies(cfg, tmp_path / "b")
    assert json.loads((tmp_path / "b/prepared/dataset.json").read_text())["name"] == "image_folder"
    for split in ("validation", "test"):
        assert expected[split] > 0.8
        assert received[split] == pytest.approx(expected[split], abs=0.01)


def test_an_unreadable_image_fails_unless_it_may_be_skipped(compose, tmp_path, capsys):
    save_colours(tmp_path / "colours", 8)
    (tmp_path / "colours/red/torn.png").write_bytes(PNG)
    settings = ("data=image_folder", f"data.folder={tmp_path}/colours")
    with pytest.raises(InputError, match=r"^1 unreadable files: red/torn\.png cannot be read as an image"):
        fetch(compose(*settings), tmp_path, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
    fetch(compose(*settings, "data.skip_unreadable=true"), tmp_path, tmp_path / "raw")
    assert "fetch: skipped: red/torn.png" in capsys.readouterr().out


def test_a_users_arrays_are_prepared(project):
    folder = project.folder / "data/external/arrays"
    folder.mkdir()
    images = RNG.integers(0, 256, (90, 28, 28), np.uint8)
    labels = np.arange(90) % 3
    np.savez(folder / "a.npz", x_train=images, y_train=labels, x_test=images[:9], y_test=labels[:9])
    assert "prepare: 72 train, 18 validation, 9 test" in project.dvc(
        "exp", "run", "-S", "data=npz", "prepare"
    )


def test_a_folder_that_dvc_does_not_watch_is_said_to_be_so(compose, tmp_path, capsys):
    save_colours(tmp_path / "elsewhere", 8)
    cfg = compose("data=image_folder", f"data.folder={tmp_path}/elsewhere")
    fetch(cfg, tmp_path / "external", tmp_path / "raw")
    assert f"lies outside {tmp_path}/external" in capsys.readouterr().out


def test_images_that_arrive_while_they_are_read_leave_nothing_recorded(compose, tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    save_colours(folder, 8)
    cfg = compose("data=image_folder", f"data.folder={folder}")
    read = image.read

    def slow_read(path, *given, **more):
        shutil.copy(path, path.with_name(f"copy of {path.name}"))
        return read(path, *given, **more)

    monkeypatch.setattr(image, "read", slow_read)
    with pytest.raises(InputError, match=rf"{folder} changed while fetch read it \(24 files more\)"):
        fetch(cfg, tmp_path, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
