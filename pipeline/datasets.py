"""Where the data comes from: each source tried in turn, each content verified.

A data set is images (N, H, W, C) uint8 and labels (N,) uint8 for training and for testing, with the
names of its classes.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config import InputError
from pipeline.files import Array, read_array, read_json

DEBIAN_PACKAGE = "dataset-fashion-mnist"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
TIMEOUT_SECONDS = 20

# SHA-256 of the decompressed files; the .gz bytes differ between mirrors.
FASHION_MNIST = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
FASHION_CLASSES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
DIGITS_TEST_FRACTION = 0.2
DIGITS_TEST_SEED = 0


@dataclass(frozen=True)
class Dataset:
    """Images (N, H, W, C) uint8 and labels (N,) uint8 of both parts, and the class names."""

    classes: list[str]
    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array

    def arrays(self) -> dict[str, Array]:
        """The four arrays by the names of their files."""
        names = ("train_images", "train_labels", "test_images", "test_labels")
        return {name: getattr(self, name) for name in names}


Source = tuple[str, Callable[[], AbstractContextManager[Path]]]


class SourceError(Exception):
    """One source does not have the data; the next may."""


def load(
    name: str,
    input_shape: tuple[int, int, int],
    *,
    folder: str | None = None,
    mirror: str | None = None,
    update_package_lists: bool = False,
) -> Dataset:
    """Read a data set by its name.

    Args:
        name: "fashion_mnist" or "digits".
        input_shape: the (H, W, C) that its images must have.
        folder: the only folder to look in, or None for every known source.
        mirror: https address of a folder with the files, or None.
        update_package_lists: whether apt-get may read new lists, into a temporary folder.

    Raises:
        InputError: no source has it, its content is wrong, or its images are not of `input_shape`.
    """
    if name == "digits":
        dataset = load_digits()
    else:
        dataset = load_fashion_mnist(_fashion_sources(folder, mirror, update_package_lists))
    received = dataset.train_images.shape[1:]
    if received != input_shape:
        raise InputError(
            f"data.image_size, data.channels: received {input_shape}, but the images of"
            f" {name} are {received} (height, width, channels)"
        )
    return dataset


def load_digits() -> Dataset:
    """scikit-learn's 1,797 digits, 8x8 with 17 grey levels, stretched to 0..255; a fifth is for testing."""
    from sklearn.datasets import load_digits as bundled
    from sklearn.model_selection import train_test_split

    digits = bundled()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    labels = digits.target.astype(np.uint8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images,
        labels,
        test_size=DIGITS_TEST_FRACTION,
        random_state=DIGITS_TEST_SEED,
        stratify=labels,
    )
    classes = [str(digit) for digit in range(10)]
    return Dataset(classes, train_images, train_labels, test_images, test_labels)


def load_fashion_mnist(sources: list[Source]) -> Dataset:
    """Read Fashion-MNIST from the first source that has it.

    Args:
        sources: names for the screen, each with a function that opens the folder of the files.

    Raises:
        InputError: no source has it; the line lists each source and why it failed.
    """
    failures = []
    for name, source in sources:
        try:
            with source() as folder:
                dataset = _read_fashion(folder)
        except SourceError as error:
            failures.append(f"{name}: {error}")
            print(f"fetch: not from {name}: {error}", flush=True)
        else:
            print(f"fetch: Fashion-MNIST from {name}, SHA-256 verified")
            return dataset
    raise InputError(
        f"Fashion-MNIST was not found. {'; '.join(failures)}. Put its four files"
        f" ({', '.join(FASHION_MNIST)}, with or without .gz) into a folder and set data.folder to it,"
        f" or install Debian's package {DEBIAN_PACKAGE}"
    )


def _fashion_sources(folder: str | None, mirror: str | None, refresh: bool) -> list[Source]:
    if folder is not None:
        # The only source then: to pass over a damaged one in silence would train on other data
        # than was asked for.
        chosen = Path(folder).expanduser()
        return [(f"data.folder {chosen}", lambda: _existing(chosen))]
    keras_home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    keras_cache = keras_home / "datasets" / "fashion-mnist"
    sources: list[Source] = [
        (f"Keras' cache {keras_cache}", lambda: _existing(keras_cache)),
        (f"Debian's folder {DEBIAN_FOLDER}", lambda: _existing(DEBIAN_FOLDER)),
    ]
    if mirror is not None:
        sources.append((f"the mirror {mirror}", lambda: downloaded(mirror)))
    return [*sources, (f"apt-get download {DEBIAN_PACKAGE}", lambda: debian_package(refresh))]


@contextmanager
def _existing(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise SourceError("no such folder")
    yield folder


def _read_fashion(folder: Path) -> Dataset:
    arrays = {name: read_idx(folder, name, digest) for name, digest in FASHION_MNIST.items()}
    train, train_labels, test, test_labels = arrays.values()
    return Dataset(
        FASHION_CLASSES,
        train[..., np.newaxis],
        train_labels,
        test[..., np.newaxis],
        test_labels,
    )


def read_idx(folder: Path, name: str, digest: str) -> Array:
    """Read one IDX file, with or without `.gz`, after checking its SHA-256 and its header.

    Args:
        folder: where the file lies.
        name: its name without `.gz`.
        digest: SHA-256 (hex) of the decompressed content.

    Returns:
        The uint8 array, (N,) for labels or (N, H, W) for images.

    Raises:
        SourceError: missing, truncated, corrupt, or another file.
    """
    return parse_idx(_verified(_read_plain_or_gzip(folder, name), name, digest), name)


def _read_plain_or_gzip(folder: Path, name: str) -> bytes:
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        if plain.is_file():
            return plain.read_bytes()
        with gzip.open(packed) as stream:
            return stream.read()
    except FileNotFoundError:
        raise SourceError(f"{packed} is missing") from None
    except (OSError, EOFError, ValueError) as error:
        raise SourceError(f"{packed} is truncated or corrupt ({error})") from None
    except Exception as error:
        # zlib.error derives from Exception alone.
        raise SourceError(f"{packed} is corrupt ({error})") from None


def _verified(content: bytes, name: str, digest: str) -> bytes:
    received = hashlib.sha256(content).hexdigest()
    if received != digest:
        raise SourceError(f"{name} has SHA-256 {received}, expected {digest}: damaged or another file")
    return content


def parse_idx(content: bytes, name: str) -> Array:
    """Turn the bytes of an IDX file of unsigned bytes into an array, once its header fits its length.

    References:
        LeCun, Cortes and Burges, The MNIST database of handwritten digits: file formats.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or content[3] not in (1, 3):
        raise SourceError(f"{name} starts with {content[:4].hex()}, expected 00000801 or 00000803")
    dimensions = content[3]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise SourceError(f"{name} ends within its header, after {len(content)} bytes")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", count=dimensions, offset=4))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise SourceError(f"{name} is {len(content)} bytes, its header {shape} means {expected}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


@contextmanager
def downloaded(mirror: str) -> Iterator[Path]:
    """Download the four `.gz` files from an HTTPS mirror; each is verified before it gets its name.

    Raises:
        SourceError: the mirror cannot be reached, or what it sent is not the file.
    """
    with tempfile.TemporaryDirectory(prefix="fashion-mnist-") as temporary:
        folder = Path(temporary)
        for name, digest in FASHION_MNIST.items():
            part = folder / "part.gz"
            _download(f"{mirror}/{name}.gz", part)
            _verified(_read_plain_or_gzip(folder, "part"), name, digest)
            part.rename(folder / f"{name}.gz")
        yield folder


def _download(address: str, path: Path) -> None:
    from rich.progress import wrap_file

    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response:
            size = int(response.headers.get("Content-Length", 0))
            shown = wrap_file(response, size, description=Path(address).name)
            with shown as stream, path.open("wb") as target:
                shutil.copyfileobj(stream, target)
    except (OSError, ValueError) as error:
        raise SourceError(f"{address} cannot be downloaded ({error})") from None


@contextmanager
def debian_package(refresh: bool) -> Iterator[Path]:
    """Download and unpack Debian's package into a temporary folder; nothing is installed.

    Works without root: when apt-get's lists are missing or old and `refresh` allows it, new lists
    are fetched into the temporary folder too, and the system's are left alone.

    Raises:
        SourceError: not a Debian system, or the package cannot be had.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise SourceError("this system has no apt-get")
    with tempfile.TemporaryDirectory(prefix="fashion-mnist-") as temporary:
        folder = Path(temporary)
        try:
            _run(["apt-get", "download", DEBIAN_PACKAGE], folder)
        except SourceError:
            if not refresh:
                raise
            _download_with_own_lists(folder)
        package = next(folder.glob("*.deb"), None)
        if package is None:
            raise SourceError("apt-get left no package")
        _run(["dpkg-deb", "-x", str(package), str(folder / "unpacked")], folder)
        yield folder / "unpacked" / DEBIAN_FOLDER.relative_to("/")


def _download_with_own_lists(folder: Path) -> None:
    print("fetch: apt-get has no such package in its lists; reading new lists", flush=True)
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    own = ["-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
    _run(["apt-get", *own, "update"], folder)
    _run(["apt-get", *own, "download", DEBIAN_PACKAGE], folder)


def _run(command: list[str], folder: Path) -> None:
    options = ["-o", f"Acquire::http::Timeout={TIMEOUT_SECONDS}", "-o", "APT::Sandbox::User="]
    if command[0] == "apt-get":
        command = [command[0], *options, *command[1:]]
    environment = {**os.environ, "LC_ALL": "C"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()] or ["no message"]
        raise SourceError(f"{command[0]} failed: {lines[-1].strip()}")


def describe(name: str, dataset: Dataset, digests: dict[str, str]) -> dict[str, Any]:
    """What `dataset.json` holds: name, class names, image shape, counts and SHA-256 of each array."""
    arrays = dataset.arrays()
    return {
        "name": name,
        "classes": dataset.classes,
        "shape": list(dataset.train_images.shape[1:]),
        "counts": {key: len(array) for key, array in arrays.items() if key.endswith("images")},
        "sha256": digests,
    }


def split_rows(labels: Array, validation_fraction: float, seed: int) -> tuple[Array, Array]:
    """Rows of the training and the validation split, as scikit-learn's `train_test_split` draws them.

    Args:
        labels: (N,) uint8; only their number matters to the draw.
        validation_fraction: between 0 and 1.
        seed: `random_state` of the draw.

    Returns:
        Two int64 arrays of row numbers in the order of the split.

    Raises:
        InputError: a split would be empty or miss a class.
    """
    from sklearn.model_selection import train_test_split

    try:
        train, validation = train_test_split(
            np.arange(len(labels)), test_size=validation_fraction, random_state=seed
        )
    except ValueError as error:
        raise InputError(f"data.validation_fraction {validation_fraction}: {error}") from None
    for name, rows in (("training", train), ("validation", validation)):
        absent = sorted(set(np.unique(labels).tolist()) - set(np.unique(labels[rows]).tolist()))
        if absent:
            raise InputError(
                f"data.validation_fraction: received {validation_fraction}, which leaves the"
                f" {name} split of {len(rows)} images without class {absent[0]}; choose another"
            )
    return train, validation


def find_image(rows: dict[str, Array], counts: dict[str, int], split: str, index: int) -> tuple[str, int]:
    """Where a chosen image lies in the prepared data.

    Args:
        rows: source row (N,) of each image of the splits "train" and "validation".
        counts: images in each split.
        split: "train", "validation", "test", or "source" for the order of the source's training set.
        index: of the image in it, from 0.

    Returns:
        The split "train", "validation" or "test", and the index in it.

    Raises:
        InputError: there is no such image.
    """
    size = counts["train"] + counts["validation"] if split == "source" else counts[split]
    if index >= size:
        raise InputError(f"visualize.images: received {split} {index}, expected an index below {size}")
    if split != "source":
        return split, index
    name = "train" if index in rows["train"] else "validation"
    return name, int(np.flatnonzero(rows[name] == index)[0])


@dataclass(frozen=True)
class ChosenImage:
    """An image that the configuration asks for: its place, pixels (H, W, C) uint8 and class name."""

    split: str
    index: int
    pixels: Array
    class_name: str

    @property
    def title(self) -> str:
        """Words for a picture, e.g. "source image 0: Ankle boot"."""
        return f"{self.split} image {self.index}: {self.class_name}"


def read_chosen(prepared: Path, chosen: list[dict[str, Any]]) -> list[ChosenImage]:
    """Read the images of `visualize.images` from the folder of stage `prepare`.

    Raises:
        InputError: a file is missing or damaged, or there is no such image.
    """
    dataset = read_json(prepared / "dataset.json")
    rows = {name: read_array(prepared / f"{name}_rows.npy") for name in ("train", "validation")}
    images = []
    for place in chosen:
        split, row = find_image(rows, dataset["counts"], place["split"], place["index"])
        pixels = read_array(prepared / f"{split}_images.npy")[row]
        label = read_array(prepared / f"{split}_labels.npy")[row]
        images.append(ChosenImage(place["split"], place["index"], pixels, dataset["classes"][label]))
    return images
