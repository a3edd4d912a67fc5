"""The command `predict`, on the shared trained network and images written as files."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.base.errors import one_line_errors
from pipeline.commands import predict
from pipeline.network.checkpoint import load_model, save_network
from pipeline.network.layers import build_model
from pipeline.network.trained_on import KEY, TrainedOn


@pytest.fixture(scope="module")
def images(trained):
    return np.load(trained.folder / "data/prepared/test_images.npy")


@pytest.fixture
def command(trained, monkeypatch, capsys):
    """The command in this process; one test starts it as a user does."""

    def run(*arguments, fails=False):
        monkeypatch.chdir(trained.folder)
        monkeypatch.setattr("sys.argv", ["predict", *map(str, arguments)])
        code = None
        try:
            with one_line_errors():
                predict.main()
        except SystemExit as end:
            code = end.code
        assert (code is not None) == fails
        return capsys.readouterr().out + (code or "")

    return run


def save(pixels, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_files_get_the_probabilities_that_the_network_gives_the_arrays(trained, images, tmp_path):
    for number in range(3):
        save(images[number, ..., 0], tmp_path / "folder" / f"{number}.png")
    output = trained.run("python", "-m", "pipeline.commands.predict", "--json", str(tmp_path / "folder"))
    rows = json.loads(output)
    network = load_model(trained.folder / "models/best.keras", (8, 8, 1))
    expected = np.asarray(network((images[:3] / 255).astype(np.float32)))
    for row, probabilities in zip(rows, expected, strict=True):
        assert row["class"] == str(probabilities.argmax())
        np.testing.assert_allclose(list(row["probabilities"].values()), probabilities, atol=1e-5)
        assert row["changes"] == []


def test_what_was_done_to_an_image_is_named_and_drawn(command, images, tmp_path):
    save(images[0, ..., 0], tmp_path / "plain.png")
    save(np.stack([255 - images[0, ..., 0]] * 3, axis=-1), tmp_path / "other.png")
    (plain,) = json.loads(command(tmp_path / "plain.png", "--json"))
    plots = tmp_path / "plots"
    (other,) = json.loads(command(tmp_path / "other.png", "--invert", "--json", "--plot", plots))
    assert (len(plain["changes"]), len(other["changes"])) == (0, 2)
    assert other["probabilities"] == plain["probabilities"]
    assert [path.name for path in plots.iterdir()] == ["0_other.png"]


def test_a_narrow_screen_cuts_nothing_from_the_names_of_files(command, images, tmp_path, monkeypatch):
    names = [f"holiday_in_the_mountains_20240101_{n}.png" for n in range(2)]
    for name in names:
        save(images[0, ..., 0], tmp_path / "photos" / name)
    monkeypatch.setenv("COLUMNS", "80")
    output = command(tmp_path / "photos")
    shown = "".join(line.split("│")[1].strip() for line in output.splitlines() if line.startswith("│"))
    assert shown == "".join(names)
    assert f"{tmp_path}/photos" in output
    assert "%" in output


@pytest.mark.parametrize("apart", ["/shelf/b.png", "c.png"])
def test_names_are_shown_whole_where_files_have_no_folder_in_common(apart, capsys):
    pixels, probabilities = np.zeros((1, 1, 1), np.uint8), np.ones(1, np.float32)
    paths = [Path("photos/a.png"), Path(apart)]
    predict.show([predict.Prediction(path, pixels, [], probabilities) for path in paths], ["only"])
    output = capsys.readouterr().out
    assert all(str(path) in output for path in paths)


def test_unreadable_files_are_named_and_the_others_predicted(command, images, tmp_path):
    save(images[0, ..., 0], tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    output = command(tmp_path, "--json", fails=True)
    assert '"class"' in output
    assert "bad.png" in output.partition("error: ")[2]


@pytest.mark.parametrize("name", ["nowhere.png", "empty"])
def test_paths_without_images_are_refused(command, tmp_path, name):
    (tmp_path / "empty").mkdir()
    assert name in command(tmp_path / name, fails=True).partition("error: ")[2]


@pytest.fixture
def unnamed(tmp_path, compose):
    """A checkpoint of three classes that does not say which, as earlier versions wrote it."""
    model = compose("model.filters=[2]", "model.pool=none").model
    path = tmp_path / "models/three.keras"
    save_network(build_model(model, input_shape=(8, 8, 1), num_classes=3), path)
    return path


def test_a_checkpoint_without_names_takes_those_given_or_numbers(command, images, tmp_path, unnamed):
    save(images[0, ..., 0], tmp_path / "a.png")
    numbered = command(tmp_path / "a.png", "--model", unnamed, "--json")
    (row,) = json.loads(numbered[numbered.index("[") :])
    assert list(row["probabilities"]) == ["0", "1", "2"]
    (row,) = json.loads(command(tmp_path / "a.png", "--model", unnamed, "--json", "--classes", "x,y,z"))
    assert list(row["probabilities"]) == ["x", "y", "z"]
    refused = command(tmp_path / "a.png", "--model", unnamed, "--classes", "x,y", fails=True)
    assert "received 2 names, expected 3" in refused.partition("error: ")[2]


def test_names_size_and_resizing_are_those_of_the_checkpoint_wherever_it_is(command, tmp_path, compose):
    about = TrainedOn(
        classes=["zebra", "ape"], shape=[8, 8, 1], pixels=[0.0, 1.0], resize="pad", deep_range=4095
    )
    network = build_model(compose("model.filters=[2]").model, input_shape=(8, 8, 1), num_classes=2)
    save_network(network, tmp_path / "two.keras", {KEY: about.model_dump()})
    Image.fromarray(np.full((16, 4), 4095, np.uint16)).save(tmp_path / "deep.png")
    ((one,), classes, _) = predict.predict([tmp_path / "deep.png"], tmp_path / "two.keras")
    assert classes == about.classes
    # White, with black on both sides.
    assert one.pixels[:, :, 0].tolist() == [[0, 0, 0, 255, 255, 0, 0, 0]] * 8


def test_an_image_of_one_colour_is_named(command, tmp_path, unnamed):
    save(np.full((8, 8), 255, np.uint8), tmp_path / "white.png")
    ((one,), _, _) = predict.predict([tmp_path / "white.png"], unnamed, ["x", "y", "z"])
    assert "one flat colour" in one.changes
