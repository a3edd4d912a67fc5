"""The published data sets that can be named: each source tried in turn, each content verified."""

import io
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.base import files
from pipeline.data import dataset, downloads, idx
from pipeline.data.dataset import Dataset
from pipeline.data.downloads import Source
from pipeline.data.npz import NPZ_NAMES

DEBIAN_PACKAGE = "dataset-fashion-mnist"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
# SHA-256 of the decompressed files; the .gz bytes differ between mirrors. Training images and
# labels, then test images and labels.
FASHION_MNIST = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
MNIST = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# The whole file, as Keras distributes it: the digest in keras/src/datasets/mnist.py.
MNIST_NPZ = {"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"}
FASHION_CLASSES = [
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
]
DIGIT_CLASSES = [str(digit) for digit in range(10)]


def digits() -> Dataset:
    """scikit-learn's 1,797 digits, 8x8 with 17 grey levels, stretched to 0..255; a fifth is for testing."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    stored = load_digits()
    images = np.rint(stored.images * (255 / 16)).astype(np.uint8)
    labels = stored.target.astype(np.uint8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, test_size=0.2, random_state=0, stratify=labels
    )
    return dataset.in_memory(DIGIT_CLASSES, train_images, train_labels, test_images, test_labels)


def fashion_mnist(folder: str | None, mirror: str | None) -> Dataset:
    """Fashion-MNIST from its four IDX files.

    Args:
        folder: the only folder to look in, or None for every known source.
        mirror: https address of a folder with the files, or None.

    Raises:
        InputError: no source has it, or its content is wrong.
    """
    sources: list[Source] = [
        _folder("Keras' cache", downloads.keras_cache() / "fashion-mnist"),
        _folder("Debian's folder", DEBIAN_FOLDER),
        *_mirror(mirror, [f"{name}.gz" for name in FASHION_MNIST]),
        (f"apt-get download {DEBIAN_PACKAGE}", downloads.debian_package(DEBIAN_PACKAGE, DEBIAN_FOLDER)),
    ]
    advice = (
        f"Put its four files ({', '.join(FASHION_MNIST)}, with or without .gz) into a folder and set"
        f" data.folder to it, or install Debian's package {DEBIAN_PACKAGE}"
    )
    read = partial(_read_idx_files, FASHION_MNIST, FASHION_CLASSES)
    return downloads.first_of(_only(folder) or sources, read, "Fashion-MNIST", advice)


def mnist(folder: str | None, mirror: str | None) -> Dataset:
    """MNIST from Keras' `mnist.npz` or from its four IDX files; the arguments are as in `fashion_mnist`."""
    sources = [_folder("Keras' cache", downloads.keras_cache()), *_mirror(mirror, list(MNIST_NPZ))]
    advice = (
        f"Put mnist.npz, or the four files {', '.join(MNIST)} (with or without .gz), into a folder and"
        " set data.folder to it"
    )
    return downloads.first_of(_only(folder) or sources, _read_mnist, "MNIST", advice)


def _only(folder: str | None) -> list[Source]:
    # The only source then: to pass over a damaged one in silence would train on other data than
    # was asked for.
    return [_folder("data.folder", Path(folder).expanduser())] if folder is not None else []


def _folder(name: str, folder: Path) -> Source:
    return f"{name} {folder}", nullcontext(folder)


def _mirror(mirror: str | None, names: list[str]) -> list[Source]:
    return [] if mirror is None else [(f"the mirror {mirror}", downloads.downloaded(mirror, names))]


def _read_mnist(folder: Path) -> Dataset:
    [(name, digest)] = MNIST_NPZ.items()
    try:
        content = files.read_bytes(folder / name, idx.MAX_BYTES)
    except FileNotFoundError:
        return _read_idx_files(MNIST, DIGIT_CLASSES, folder)
    idx.verify(content, name, digest)
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return dataset.in_memory(DIGIT_CLASSES, *(stored[key] for key in NPZ_NAMES[0]))


def _read_idx_files(digests: dict[str, str], classes: list[str], folder: Path) -> Dataset:
    read = [idx.read_idx(folder, name, digest) for name, digest in digests.items()]
    return dataset.in_memory(classes, *read)
