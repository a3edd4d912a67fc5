"""Reading and writing, all of it atomic: a file is complete or not there.

Nothing written here carries a date, a time or a memory address, so that equal content is equal bytes.
"""

import csv
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, np.dtype[Any]]


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there takes its place on success.

    Works for a file and for a folder (created empty when the block makes none). On an exception the
    temporary one is removed and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        # The suffix is kept: Keras and NumPy look at it.
        temporary = Path(folder) / path.name
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """`replaced` for a folder, which exists and is empty inside the block."""
    with replaced(path) as temporary:
        temporary.mkdir()
        yield temporary


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends."""
    with replaced(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON with two spaces of indent; NaN and infinity, which JSON lacks, raise ValueError."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_table(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], separator: str = ","
) -> None:
    """Write a table of separated values, one row a line; a value with the separator is quoted."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows([header, *rows])
    write_text(path, text.getvalue())


def read_json(path: Path) -> Any:
    """Read JSON; a missing or damaged file raises `InputError`."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(missing(path)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from None


def read_columns(path: Path) -> dict[str, list[float]]:
    """Read a tab-separated table of numbers as columns by name; a missing or damaged file raises."""
    try:
        header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
        columns = zip(*[map(float, row) for row in rows], strict=True)
        return dict(zip(header, map(list, columns), strict=True))
    except FileNotFoundError:
        raise InputError(missing(path)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a tab-separated table of numbers: {error}") from None


def read_array(path: Path) -> Array:
    """Open a `.npy` file memory-mapped and read-only; a missing or damaged one raises `InputError`."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise InputError(missing(path)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a NumPy array: {error}") from None


def missing(path: Path) -> str:
    """Words for a file that is not there, with what makes it."""
    return f"{path} is missing: run `dvc repro`, which makes what a stage needs before the stage"


def write_array(path: Path, array: Array) -> None:
    """Write a `.npy` file."""
    with replaced(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def write_figure(path: Path, figure: "Figure") -> None:
    """Write a Matplotlib figure as PNG, without the version stamp; fixes its layout."""
    if (layout := figure.get_layout_engine()) is not None:
        # `savefig` does so too, but draws the whole picture once more for it.
        layout.execute(figure)
        figure.set_layout_engine(None)
    figure.savefig(path, metadata={"Software": None})


def write_canonical_keras(source: Path, path: Path) -> None:
    """Copy a `.keras` archive so that equal models are equal bytes.

    Keras 3 writes the date of saving, the zip entries' times and memory addresses
    (`shared_object_id`). The date and times become 1980-01-01, the addresses 1, 2, 3, ... in order
    of appearance, which keeps what they are for: to tell which objects are shared.
    """
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in sorted(archive.namelist())}
    network = json.loads(entries["config.json"])
    _renumber_shared_objects(network, {})
    metadata = {**json.loads(entries["metadata.json"]), "date_saved": "1980-01-01@00:00:00"}
    entries["config.json"] = json.dumps(network, indent=1).encode()
    entries["metadata.json"] = json.dumps(metadata).encode()
    with replaced(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def _renumber_shared_objects(node: Any, numbers: dict[int, int]) -> None:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    if isinstance(node, dict) and "shared_object_id" in node:
        address = node["shared_object_id"]
        node["shared_object_id"] = numbers.setdefault(address, len(numbers) + 1)
    for child in children:
        _renumber_shared_objects(child, numbers)


def read_keras(path: Path) -> tuple[list[dict[str, Any]], dict[str, list[Array]]]:
    """Read a `.keras` archive of a Sequential model without TensorFlow.

    Returns:
        The layers' configurations in order (`class_name`, `config`, ...), and for each layer name
        its variables in Keras' order (kernel, bias), float32.

    Raises:
        InputError: the file is missing, damaged, or not such an archive.
    """
    import h5py

    try:
        with zipfile.ZipFile(path) as archive:
            network = json.loads(archive.read("config.json"))
            with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
                groups = [group["vars"] for group in weights["layers"].values()]
                variables = {
                    str(group.attrs["name"]): [group[str(i)][()] for i in range(len(group))]
                    for group in groups
                }
        return network["config"]["layers"], variables
    except FileNotFoundError:
        raise InputError(missing(path)) from None
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a Keras archive of a Sequential model: {error}") from None


def write_state(path: Path, arrays: dict[str, Array]) -> None:
    """Write an `.npz` that survives a power cut: temporary file, fsync, rename, fsync of the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_state(path: Path) -> dict[str, Array]:
    """Read what `write_state` wrote; a damaged file raises `InputError`."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is damaged: {error}") from None
