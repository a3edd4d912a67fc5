"""Classify image files with the trained network.

    filterscope predict shoe.png folder/of/images --plot predictions

Each file goes through the very preprocessing of training: size, channels and scaling, which the checkpoint
knows, as it does the names of the classes. The network
knows light things on black (as Fashion-MNIST and MNIST are): for a dark thing on white, as most
pictures are, use --invert.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.base import arrays
from pipeline.base.errors import InputError, message, one_line_errors
from pipeline.data.image import MAX_DEEP, UnreadableImageError, read
from pipeline.network import outputs
from pipeline.network.checkpoint import load_model, read_layers
from pipeline.network.start import configure_runtime
from pipeline.network.trained_on import TrainedOn, read_trained_on

MAX_SHOWN = 3
# Letters of a file's name in the name of its picture; a name of 255 bytes is the longest there is.
MAX_STEM = 50


@dataclass(frozen=True)
class Prediction:
    """What the network makes of one file.

    Attributes:
        path: of the file.
        pixels: (H, W, C) uint8, as the network was given them.
        changes: what was done to the image, a text for each.
        probabilities: (K,) float32.
    """

    path: Path
    pixels: arrays.Array
    changes: list[str]
    probabilities: arrays.Array


def predict(
    paths: Sequence[Path], checkpoint: Path, classes: Sequence[str] | None = None, *, invert: bool = False
) -> tuple[list[Prediction], list[str], list[str]]:
    """Classify files, and the files in folders, by nothing but the checkpoint.

    Args:
        paths: image files and folders, which are searched whole.
        checkpoint: `best.keras` of stage `train`.
        classes: K names, for a checkpoint that has none.
        invert: exchange light and dark.

    Returns:
        One prediction a readable file, the K class names, and a line for each unreadable file.

    Raises:
        InputError: a path is not there, no file can be read, or the names are not as many as the outputs.
    """
    found = image_files(paths)
    layers = read_layers(checkpoint)
    height, width, channels = shape = layers[0].output_shape
    about = read_trained_on(checkpoint)
    names = _class_names(about, classes, layers[-1].output_shape[0])
    how: dict[str, Any] = {"resize": about.resize if about else "stretch"}
    how["deep_range"] = (about.deep_range if about else None) or MAX_DEEP
    decoded, unreadable = [], []
    for path in found:
        try:
            image = read(path, str(path), (height, width, channels), **how)
        except UnreadableImageError as error:
            unreadable.append(str(error))
            continue
        pixels = 255 - image.pixels if invert else image.pixels
        flat = ["one flat colour"] if (pixels == pixels[0, 0]).all() else []
        decoded.append((path, pixels, [*image.changes, *flat, *(["inverted"] if invert else [])]))
    if not decoded:
        raise InputError(f"none of {len(found)} files can be read: {unreadable[0]}")
    configure_runtime(seed=0, threads=os.cpu_count() or 1, device="auto")
    network = load_model(checkpoint, shape)
    rows = outputs.probabilities(network, np.stack([pixels for _, pixels, _ in decoded]))
    predictions = [Prediction(*entry, row) for entry, row in zip(decoded, rows, strict=True)]
    return predictions, names, unreadable


def _class_names(about: TrainedOn | None, given: Sequence[str] | None, count: int) -> list[str]:
    """The names of a checkpoint's classes, those given, or numbers."""
    names = about.classes if about else list(given or [])
    if not names:
        print("the checkpoint has no class names: classes are numbered; --classes A,B,... names them")
        return [str(number) for number in range(count)]
    if len(names) != count:
        raise InputError(f"--classes: received {len(names)} names, expected {count}, one for each output")
    return names


def image_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and every visible file below the folders named, in order of their names.

    Raises:
        InputError: a path is not there, or there is no file at all.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        # `os.walk` passes over a folder that it may not read, unless it is stopped.
        inside = (Path(place, name) for place, _, names in os.walk(path, onerror=_stop) for name in names)
        shown = (file for file in inside if not file.name.startswith("."))
        found += sorted(shown) if path.is_dir() else [path]
    if not found:
        raise InputError(f"{', '.join(map(str, paths))}: received no file, expected images")
    return found


def _stop(error: OSError) -> None:
    raise error


def printable(path: Path) -> str:
    """A file's name for people: one line, with what cannot be shown as an escape."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(path))


def as_json(predictions: Sequence[Prediction], classes: Sequence[str]) -> str:
    """The predictions as a JSON list: file, class, probability, all probabilities, changes."""
    rows = [
        {
            "file": str(one.path),
            "class": classes[int(one.probabilities.argmax())],
            "probability": float(one.probabilities.max()),
            "probabilities": dict(zip(classes, map(float, one.probabilities), strict=True)),
            "changes": one.changes,
        }
        for one in predictions
    ]
    return json.dumps(rows, indent=2, allow_nan=False)


def show(predictions: Sequence[Prediction], classes: Sequence[str]) -> None:
    """Print a table: file, class, probability, the next candidates, what was done to the image.

    What all files have in common stands below it, so that a narrow screen shows where they differ.
    """
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    folder = _common_folder([one.path for one in predictions])
    changes = ["\n".join(one.changes) or "none" for one in predictions]
    alike = len(set(changes)) == 1
    names = Column("file", overflow="fold"), Column("class", overflow="fold")
    table = Table(*names, "probability", "then", *([] if alike else ["changes"]))
    for one, change in zip(predictions, changes, strict=True):
        first, *others = np.argsort(-one.probabilities, kind="stable")[:MAX_SHOWN]
        candidates = "\n".join(f"{classes[k]} {one.probabilities[k]:.1%}" for k in others)
        name = printable(one.path.relative_to(folder) if folder else one.path)
        row = [name, classes[first], f"{one.probabilities[first]:.1%}", candidates, change]
        # As `Text`, since `[b]` in a name would be taken for a style.
        table.add_row(*map(Text, row[: len(table.columns)]))
    console = Console()
    console.print(table)
    if folder:
        console.print(Text(f"files in: {printable(folder)}"), soft_wrap=True)
    if alike:
        console.print(Text(f"changes to each: {changes[0]}".replace("\n", ", ")), soft_wrap=True)


def _common_folder(paths: Sequence[Path]) -> Path | None:
    """The folder that all files are below, or None: absolute and relative paths, or two drives."""
    try:
        return Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError:
        return None


def plot(predictions: Sequence[Prediction], classes: Sequence[str], folder: Path) -> None:
    """Write one picture per file, `<number>_<name>.png`: what the network saw and its probabilities."""
    # With Matplotlib, which a table does without.
    from pipeline.pictures import evaluation
    from pipeline.pictures.drawing import write_figure

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, one in enumerate(predictions):
            name = printable(Path(one.path.name))
            figure = evaluation.prediction(one.pixels, one.probabilities, classes, name)
            write_figure(folder / f"{number}_{one.path.stem[:MAX_STEM]}.png", figure)
    except OSError as error:
        raise InputError(f"--plot: {message(error, folder)}") from None


def main() -> None:
    """Predict, print, plot; fail when a file was not readable."""
    parser = argparse.ArgumentParser(
        prog="filterscope predict", description="Classify images with the trained network."
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="an image file or a folder")
    parser.add_argument("--model", type=Path, default=Path("models/best.keras"), help="%(default)s")
    parser.add_argument("--classes", metavar="A,B,...", help="for a checkpoint of before, which has no names")
    parser.add_argument("--invert", action="store_true", help="exchange light and dark first")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--plot", type=Path, metavar="DIR", help="write a picture per image there")
    given = parser.parse_args()
    names = given.classes.split(",") if given.classes else None
    predictions, classes, unreadable = predict(given.images, given.model, names, invert=given.invert)
    # First what is asked for most: a folder that cannot be written costs the pictures alone.
    if given.json:
        print(as_json(predictions, classes))
    else:
        show(predictions, classes)
    if given.plot:
        plot(predictions, classes, given.plot)
    if unreadable:
        raise InputError(f"{len(unreadable)} files cannot be read: {'; '.join(unreadable)}")


if __name__ == "__main__":
    with one_line_errors():
        main()
