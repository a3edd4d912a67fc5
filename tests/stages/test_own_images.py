"""A user's own images through the whole pipeline; by the real `dvc` where it is to notice them."""

import json
import shutil

import numpy as np
import pytest
from conftest import PICTURES, composed
from every_stage import check_every_stage, run_every_stage
from PIL import Image
from sklearn.datasets import load_digits

from pipeline.base.errors import InputError
from pipeline.data import image
from pipeline.stages.fetch import fetch

RNG = np.random.default_rng(0)
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


@pytest.mark.slow
def test_colour_images_with_unusual_names_are_learned_drawn_and_counted(tmp_path):
    save_colours(tmp_path / "given" / "colours", 60, UNUSUAL_NAMES)
    choice = ("data=image_folder", f"data.folder={tmp_path}/given/colours", "data.image_size=[12,12]")
    cfg = composed(*choice, "train=smoke", "train.epochs=6", *NO_POOLING, *PICTURES)
    run_every_stage(cfg, tmp_path / "given", tmp_path)
    check_every_stage(cfg, tmp_path)
    about = json.loads((tmp_path / "prepared/dataset.json").read_text(encoding="utf-8"))
    assert (about["classes"], about["shape"]) == (sorted(UNUSUAL_NAMES), [12, 12, 3])
    # 180 images: 36 for testing, then a fifth of 144 for validation
    assert about["counts"] == {"train": 115, "validation": 29, "test": 36}
    scores = json.loads((tmp_path / "reports/metrics.json").read_text(encoding="utf-8"))
    assert scores["test"]["accuracy"] > 0.9


@pytest.mark.slow
def test_an_added_image_is_noticed_and_images_under_dvc_are_in_a_queued_experiment(project):
    folder = project.folder / "data/external/colours"
    save_colours(folder, 12)
    choice = ("data=image_folder", "data.folder=data/external/colours", "data.validation_fraction=0.3")
    settings = [part for value in choice for part in ("-S", value)]
    project.dvc("exp", "run", *settings, "prepare")
    assert "up to date" in project.dvc("status", "fetch", "prepare")
    Image.fromarray(np.full((12, 12, 3), 200, np.uint8)).save(folder / "red" / "new.png")
    assert "data/external" in project.dvc("status", "fetch")
    project.dvc("repro", "prepare")
    assert sum(json.loads(project.read("data/prepared/dataset.json"))["counts"].values()) == 37
    project.dvc("add", "data/external/colours")
    project.commit()
    output = project.dvc("exp", "run", "--temp", *settings, "-S", "data.split_seed=1", "prepare")
    # Of 37 images a fifth, rounded up, for testing; of the other 29 three tenths, rounded up.
    assert "prepare: 20 train, 9 validation, 8 test" in output


def test_digits_exported_as_images_are_the_digits(compose, tmp_path):
    digits = load_digits()
    # Numbered in their own order, which is the order of the rows then, and so is the split.
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = tmp_path / "digits" / str(label) / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(pixels * (255 / 16)).astype(np.uint8)).save(path)
    folder = f"data.folder={tmp_path}/digits"
    grey = ("data.image_size=[8,8]", "data.channels=1", "data.split_seed=0")
    fetch(compose("data=digits"), tmp_path, tmp_path / "expected")
    fetch(compose("data=image_folder", folder, *grey), tmp_path, tmp_path / "received")
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        arrays = [(tmp_path / raw / f"{name}.npy").read_bytes() for raw in ("expected", "received")]
        assert arrays[0] == arrays[1], name


def test_an_unreadable_image_fails_unless_it_may_be_skipped(compose, tmp_path, capsys):
    save_colours(tmp_path / "colours", 8)
    (tmp_path / "colours/red/torn.png").write_bytes(b"\x89PNG")
    settings = ("data=image_folder", f"data.folder={tmp_path}/colours")
    with pytest.raises(InputError, match=r"^1 unreadable files: red/torn\.png .*skip_unreadable"):
        fetch(compose(*settings), tmp_path, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
    fetch(compose(*settings, "data.source.skip_unreadable=true"), tmp_path, tmp_path / "raw")
    assert "fetch: skipped: red/torn.png" in capsys.readouterr().out


def test_a_users_arrays_are_fetched(compose, tmp_path):
    images, labels = RNG.integers(0, 256, (30, 28, 28), np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, x_test=images[:9], y_test=labels[:9])
    fetch(compose("data=npz", f"data.folder={tmp_path}"), tmp_path, tmp_path / "raw")
    np.testing.assert_array_equal(np.load(tmp_path / "raw/train_images.npy")[..., 0], images)
    np.testing.assert_array_equal(np.load(tmp_path / "raw/test_labels.npy"), labels[:9])


def test_images_that_arrive_while_they_are_read_leave_nothing_recorded(
    compose, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "elsewhere"
    save_colours(folder, 8)
    cfg = compose("data=image_folder", f"data.folder={folder}")
    read = image.read

    def slow_read(path, *given, **more):
        shutil.copy(path, path.with_name(f"copy of {path.name}"))
        return read(path, *given, **more)

    monkeypatch.setattr(image, "read", slow_read)
    with pytest.raises(InputError, match=rf"{folder} changed while fetch read it \(24 files more\)"):
        fetch(cfg, tmp_path / "external", tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
    # `dvc repro` notices this folder neither before nor after.
    assert f"lies outside {tmp_path}/external" in capsys.readouterr().out


def lines(capsys) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("fetch:")]


def test_clean_images_are_counted_and_nothing_else_is_said(compose, tmp_path, capsys):
    folder = tmp_path / "external/colours"
    save_colours(folder, 8)
    cfg = compose("data=image_folder", f"data.folder={folder}", "data.keep_copies_together=true")
    fetch(cfg, tmp_path / "external", tmp_path / "raw")
    assert lines(capsys) == ["fetch: 19 training and 5 test images"]
    first = (tmp_path / "raw/read.json").read_bytes()
    fetch(cfg, tmp_path / "external", tmp_path / "raw")
    assert (tmp_path / "raw/read.json").read_bytes() == first
    account = json.loads(first)
    assert list(account) == sorted(account)
    assert account == {
        "changes": {"stretched": 24},
        "deep_range": None,
        "images": 24,
        "passed_over": [],
        "resize": "stretch",
        # Of 10 to 16 pixels a side, for 32.
        "small": 24,
    }


def test_what_a_user_should_know_of_a_folder_is_said_and_recorded(compose, tmp_path, capsys):
    folder = tmp_path / "external/colours"
    save_colours(folder / "train", 8)
    save_colours(tmp_path / "elsewhere", 8)
    (folder / "test").symlink_to(tmp_path / "elsewhere")
    (folder / "loose.png").touch()
    (folder / "train/red/torn.png").touch()
    Image.fromarray(np.full((32, 32), 800, np.uint16)).save(folder / "train/red/deep.png")
    settings = ("data=image_folder", f"data.folder={folder}", "data.source.skip_unreadable=true")
    fetch(compose(*settings, "data.keep_copies_together=true"), tmp_path / "external", tmp_path / "raw")
    said = "\n".join(lines(capsys))
    for words in (f"{folder}/test is a link", f"{folder}/loose.png", "800, read as 0 to 1023", "are given"):
        assert words in said
    account = json.loads((tmp_path / "raw/read.json").read_bytes())
    assert (account["images"], account["deep_range"]) == (49, 1023)
    assert account["passed_over"] == ["loose.png", "train/red/torn.png"]
    assert account["changes"] == {"16 bits to 8": 1, "stretched": 48}


@pytest.mark.parametrize("colour", [0, 255])
def test_transparent_images_are_counted(compose, tmp_path, colour):
    for name in ("circle", "square"):
        (tmp_path / name).mkdir()
        for number in range(10):
            pixels = np.full((32, 32, 4), colour, np.uint8)
            pixels[: number + 4, :, 3] = 0
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    fetch(compose("data=image_folder", f"data.folder={tmp_path}"), tmp_path, tmp_path / "raw")
    account = json.loads((tmp_path / "raw/read.json").read_bytes())
    assert account["changes"] == {"transparency on white": 20}
    assert account["images"] == 20
