"""The data sets that can be named: each source tried in turn, each content verified."""

from pathlib import Path
from typing import Any

import numpy as np

from pipeline import archives, datasets, downloads
from pipeline.config import InputError
from pipeline.datasets import Dataset
from pipeline.downloads import Source
from pipeline.files import Array

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
DIGIT_CLASSES = [str(digit) for digit in range(10)]
DIGITS_TEST_FRACTION = 0.2
DIGITS_TEST_SEED = 0
# Keras' names of the arrays, then TensorFlow's: training images and labels, test images and labels.
NPZ_NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
)


def digits() -> Dataset:
    """scikit-learn's 1,797 digits, 8x8 with 17 grey levels, stretched to 0..255; a fifth is for testing."""
    from sklearn.datasets import load_digits as bundled
    from sklearn.model_selection import train_test_split

    stored = bundled()
    images = np.rint(stored.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    labels = stored.target.astype(np.uint8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images,
        labels,
        test_size=DIGITS_TEST_FRACTION,
        random_state=DIGITS_TEST_SEED,
        stratify=labels,
    )
    return datasets.in_memory(DIGIT_CLASSES, train_images, train_labels, test_images, test_labels)


def fashion_mnist(folder: str | None, mirror: str | None, update_package_lists: bool) -> Dataset:
    """Fashion-MNIST from its four IDX files.

    Args:
        folder: the only folder to look in, or None for every known source.
        mirror: https address of a folder with the files, or None.
        update_package_lists: whether apt-get may read new lists, into a temporary folder.

    Raises:
        InputError: no source has it, or its content is wrong.
    """
    package = (
        f"apt-get download {DEBIAN_PACKAGE}",
        lambda: downloads.debian_package(DEBIAN_PACKAGE, DEBIAN_FOLDER, update_package_lists),
    )
    sources: list[Source] = [
        _folder("Keras' cache", downloads.keras_cache() / "fashion-mnist"),
        _folder("Debian's folder", DEBIAN_FOLDER),
        *_mirror(mirror, [f"{name}.gz" for name in FASHION_MNIST]),
        package,
    ]
    advice = (
        f"Put its four files ({', '.join(FASHION_MNIST)}, with or without .gz) into a folder and set"
        f" data.folder to it, or install Debian's package {DEBIAN_PACKAGE}"
    )
    return downloads.first_of(_only(folder) or sources, _read_fashion, "Fashion-MNIST", advice)


def mnist(folder: str | None, mirror: str | None) -> Dataset:
    """MNIST from Keras' `mnist.npz` or from its four IDX files; the arguments are as in `fashion_mnist`."""
    sources: list[Source] = [
        _folder("Keras' cache", downloads.keras_cache()),
        *_mirror(mirror, list(MNIST_NPZ)),
    ]
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
    return f"{name} {folder}", lambda: downloads.existing(folder)


def _mirror(mirror: str | None, names: list[str]) -> list[Source]:
    if mirror is None:
        return []
    return [(f"the mirror {mirror}", lambda: downloads.downloaded(mirror, names))]


def _read_fashion(folder: Path) -> Dataset:
    return _read_idx_files(folder, FASHION_MNIST, FASHION_CLASSES)


def _read_mnist(folder: Path) -> Dataset:
    [(name, digest)] = MNIST_NPZ.items()
    path = folder / name
    if not path.is_file():
        return _read_idx_files(folder, MNIST, DIGIT_CLASSES)
    archives.verify(path.read_bytes(), name, digest)
    train, train_labels, test, test_labels = (archives.read_npz(path, key) for key in NPZ_NAMES[0])
    return datasets.in_memory(
        DIGIT_CLASSES, train[..., np.newaxis], train_labels, test[..., np.newaxis], test_labels
    )


def _read_idx_files(folder: Path, digests: dict[str, str], classes: list[str]) -> Dataset:
    train, train_labels, test, test_labels = (
        archives.read_idx(folder, name, digest) for name, digest in digests.items()
    )
    return datasets.in_memory(
        classes, train[..., np.newaxis], train_labels, test[..., np.newaxis], test_labels
    )


def npz(folder: str | None) -> Dataset:
    """A user's arrays: the one `.npz` file in a folder.

    The arrays are `x_train`, `y_train`, `x_test`, `y_test` or `train_images`, `train_labels`,
    `test_images`, `test_labels`: images (N, H, W) or (N, H, W, C) uint8, labels (N,) or (N, 1) of
    integers from 0; and, if there, `classes`, K names.

    Raises:
        InputError: there is no such file, or an array is missing, damaged or of another kind.
    """
    path = _one_npz(folder)
    names = archives.npz_names(path)
    keys = next((keys for keys in NPZ_NAMES if set(keys) <= set(names)), None)
    if keys is None:
        expected = " or ".join(", ".join(keys) for keys in NPZ_NAMES)
        raise InputError(f"{path}: received the arrays {', '.join(names) or 'none'}, expected {expected}")
    shapes = [_image_shape(path, key) for key in keys[::2]]
    if shapes[0][1:] != shapes[1][1:]:
        raise InputError(
            f"{path}: received training images of {shapes[0][1:]}, test images of {shapes[1][1:]}"
        )
    labels = [_npz_labels(path, key, shape[0]) for key, shape in zip(keys[1::2], shapes, strict=True)]
    classes = _npz_classes(path, names, 1 + int(max(part.max() for part in labels)))

    def part(index: int) -> Any:
        images = (chunk.reshape(-1, *shapes[0][1:]) for chunk in archives.npz_chunks(path, keys[2 * index]))
        return datasets.pair_up(images, labels[index])

    return Dataset(classes, shapes[0][1:], lambda: part(0), lambda: part(1))


def _one_npz(folder: str | None) -> Path:
    if folder is None:
        raise InputError("data.folder: received null, expected the folder that holds the .npz file")
    found = sorted(Path(folder).expanduser().glob("*.npz"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(
            f"data.folder: received {folder}, expected a folder with one .npz file; found {names}"
        )
    return found[0]


def _image_shape(path: Path, name: str) -> tuple[int, ...]:
    """Shape (N, H, W, C) of an array of images; (N, H, W) becomes (N, H, W, 1)."""
    shape, dtype = archives.npz_header(path, name)
    if dtype != np.uint8 or len(shape) not in (3, 4) or 0 in shape:
        raise InputError(
            f"{path}: {name}: received {dtype} {shape}, expected uint8 (N, H, W) or (N, H, W, C) with"
            " values 0 to 255"
        )
    return shape if len(shape) == 4 else (*shape, 1)


def _npz_labels(path: Path, name: str, count: int) -> Array:
    shape, dtype = archives.npz_header(path, name)
    if not np.issubdtype(dtype, np.integer) or shape not in ((count,), (count, 1)):
        raise InputError(f"{path}: {name}: received {dtype} {shape}, expected integers ({count},)")
    labels = archives.read_npz(path, name).reshape(-1)
    if labels.min() < 0 or labels.max() >= datasets.MAX_CLASSES:
        received = f"values {labels.min()} to {labels.max()}"
        raise InputError(f"{path}: {name}: received {received}, expected 0 to {datasets.MAX_CLASSES - 1}")
    return labels.astype(np.uint8)


def _npz_classes(path: Path, names: list[str], count: int) -> list[str]:
    """The stored class names, or the numbers from 0; `count` is one more than the largest label."""
    if "classes" not in names:
        return [str(number) for number in range(count)]
    shape, dtype = archives.npz_header(path, "classes")
    if dtype.kind != "U" or len(shape) != 1 or shape[0] < count:
        raise InputError(f"{path}: classes: received {dtype} {shape}, expected {count} or more texts")
    classes: list[str] = archives.read_npz(path, "classes").tolist()
    if len(set(classes)) < len(classes):
        raise InputError(f"{path}: classes: received {classes}, expected names that differ")
    return classes
