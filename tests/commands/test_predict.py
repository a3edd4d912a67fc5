"""The command `predict`, on the shared trained network and images written as files."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.base.errors import InputError, one_line_errors
from pipeline.commands import predict
from pipeline.network.checkpoint import load_model, save_network
from pipeline.network.layers import build_model


@pytest.fixture(scope="module")
def test_part(trained):
    return tuple(np.load(trained.folder / f"data/prepared/test_{part}.npy") for part in ("images", "labels"))


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


def test_files_get_the_probabilities_that_the_network_gives_the_arrays(trained, test_part, tmp_path):
    images, _ = test_part
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


def test_what_was_done_to_an_image_is_said_and_drawn(command, test_part, tmp_path):
    images, _ = test_part
    large = np.repeat(np.repeat(255 - images[0, ..., 0], 3, axis=0), 3, axis=1)
    save(np.stack([large] * 3, axis=-1), tmp_path / "a.png")
    output = command(tmp_path / "a.png", "--invert", "--json", "--plot", tmp_path / "plots")
    changes = json.loads(output)[0]["changes"]
    assert changes == ["RGB to L", "stretched from 24×24 to 8×8 pixels", "inverted"]
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["0_a.png"]


def test_inverting_an_inverted_image_gives_the_image_back(command, test_part, tmp_path):
    images, _ = test_part
    save(images[0, ..., 0], tmp_path / "a.png")
    save(255 - images[0, ..., 0], tmp_path / "b.png")
    plain = json.loads(command("--json", tmp_path / "a.png"))[0]
    inverted = json.loads(command("--json", "--invert", tmp_path / "b.png"))[0]
    assert plain["probabilities"] == inverted["probabilities"]


def test_the_table_names_file_class_and_probability(command, test_part, tmp_path):
    save(test_part[0][0, ..., 0], tmp_path / "a.png")
    output = command(tmp_path / "a.png")
    assert all(word in output for word in ("file", "class", "probability", "changes", "%"))


def test_a_narrow_screen_cuts_nothing_from_the_names_of_files(command, test_part, tmp_path, monkeypatch):
    names = [f"holiday_in_the_mountains_20240101_{n}.png" for n in range(2)]
    for name in names:
        save(test_part[0][0, ..., 0], tmp_path / "photos" / name)
    monkeypatch.setenv("COLUMNS", "80")
    output = command(tmp_path / "photos")
    shown = "".join(line.split("│")[1].strip() for line in output.splitlines() if line.startswith("│"))
    assert shown == "".join(names)
    assert f"files in: {tmp_path}/photos" in output
    assert "changes to each: none" in output


@pytest.mark.parametrize("apart", ["/shelf/b.png", "c.png"])
def test_names_are_shown_whole_where_files_have_no_folder_in_common(apart, capsys):
    pixels, probabilities = np.zeros((1, 1, 1), np.uint8), np.ones(1, np.float32)
    paths = [Path("photos/a.png"), Path(apart)]
    predict.show([predict.Prediction(path, pixels, [], probabilities) for path in paths], ["only"])
    output = capsys.readouterr().out
    assert all(str(path) in output for path in paths)


def test_unreadable_files_are_named_the_others_predicted_and_the_exit_code_tells(
    command, test_part, tmp_path
):
    save(test_part[0][0, ..., 0], tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    output = command(tmp_path, "--json", fails=True)
    assert '"class"' in output
    assert "error: 1 files cannot be read" in output
    assert "bad.png" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("given", ["nowhere.png", "empty"])
def test_paths_without_images_are_refused(command, tmp_path, given):
    (tmp_path / "empty").mkdir()
    assert "error: " in (output := command(tmp_path / given, fails=True))
    assert "Traceback" not in output


def test_a_foreign_or_damaged_checkpoint_is_refused(trained, test_part, tmp_path, compose):
    save(test_part[0][0, ..., 0], tmp_path / "a.png")
    model = compose("model.filters=[2]", "model.pool=none").model
    save_network(build_model(model, input_shape=(8, 8, 1), num_classes=3), tmp_path / "three.keras")
    save_network(build_model(model, input_shape=(9, 9, 1), num_classes=10), tmp_path / "larger.keras")
    about = trained.folder / "data/prepared/dataset.json"
    (tmp_path / "damaged.keras").write_text("damaged")
    for name, message in (
        ("three.keras", "tells 3 classes apart, the data has 10"),
        ("larger.keras", "takes images of shape (9, 9, 1), the data has (8, 8, 1)"),
        ("damaged.keras", "is not a Keras archive of a Sequential model"),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            predict.predict(trained.params(), [tmp_path / "a.png"], tmp_path / name, about, invert=False)
