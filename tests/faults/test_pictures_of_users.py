"""No image file starts a program, hangs, or is left out for a reason that is not its own."""

import io
import os

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from pipeline.base.errors import InputError
from pipeline.commands import predict
from pipeline.data import image
from pipeline.data.image import UnreadableImageError
from pipeline.data.image_folder import image_folder

SHAPE = (8, 8, 1)


def test_postscript_called_jpg_starts_no_program(monkeypatch):
    started = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *given, **more: started.append(given))
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "EPS")
    with pytest.raises(UnreadableImageError, match=r"not an image of a kind that is read \(PNG, JPEG"):
        image.decode(stream.getvalue(), "a.jpg", SHAPE, resize="stretch")
    assert started == []


def photographs(folder, count=3):
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((8, 8), 40 * number, np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def read(folder):
    """All that is left out, after reading."""
    found = image_folder(str(folder), SHAPE, resize="stretch", test_fraction=0.5, split_seed=1)
    for part in (found.train, found.test):
        list(part())
    return found.reading.unreadable


def test_running_out_of_memory_leaves_no_image_out(tmp_path, monkeypatch):
    def full(*given, **more):
        raise MemoryError

    photographs(tmp_path)
    monkeypatch.setattr(Image, "open", full)
    with pytest.raises(InputError, match="out of memory while reading") as error:
        read(tmp_path)
    assert not isinstance(error.value, UnreadableImageError)


def test_pipes_devices_and_huge_files_are_named_without_being_read(tmp_path, monkeypatch):
    photographs(tmp_path)
    os.mkfifo(tmp_path / "a/pipe.png")
    (tmp_path / "b/device.png").symlink_to("/dev/zero")
    monkeypatch.setattr(image, "MAX_BYTES", 1000)
    (tmp_path / "b/huge.png").write_bytes(bytes(1001))
    lines = sorted(read(tmp_path))
    assert len(lines) == 3
    for line, words in zip(lines, ("a regular file", "a regular file", "more than 1,000"), strict=True):
        assert words in line


def a_prediction(path):
    return predict.Prediction(path, np.zeros(SHAPE, np.uint8), [], np.array([0.25, 0.75], np.float32))


def test_the_name_of_a_file_is_shown_as_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    predict.show([a_prediction(tmp_path / "[red]x[/red]\n.png")], ["[bold]a", "$b^{"])
    shown = capsys.readouterr().out
    # The folder of all files stands below the table.
    assert r"red]\n.png" in shown
    assert "[red]x[" in shown
    assert "[bold]a" in shown


def test_pictures_have_names_with_dollars_and_a_plot_folder_that_is_a_file_is_one_line(tmp_path):
    row = a_prediction(tmp_path / ("$x^{" + "y" * 240 + ".png"))
    predict.plot([row], ["$a$b^", "c_{$"], tmp_path / "plots")
    assert len(list((tmp_path / "plots").glob("0_*.png"))) == 1
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"--plot: .*file: (File exists|Not a directory)"):
        predict.plot([row], ["a", "b"], tmp_path / "file")
