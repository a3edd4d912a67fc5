"""Stage `fetch`: a named data set -> data/raw.

python -m pipeline.stages.fetch data/external data/raw
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.base import arrays, files
from pipeline.config.data import DataConfig, ImageFolder, Plain, Published
from pipeline.config.params import load
from pipeline.config.section import Section
from pipeline.data import folders, image_folder, npz, published
from pipeline.data.dataset import (
    Chunks,
    Dataset,
    Reading,
    account,
    check_classes,
    check_readable,
    check_shape,
    describe,
)
from pipeline.stages import stage


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    data: DataConfig


def fetch(cfg: Settings, external: Path, raw: Path) -> None:
    """Bring the data here, verified, as plain arrays; they need not fit into memory.

    Args:
        cfg: uses `data`, but for `data.validation_fraction`.
        external: the folder in which `dvc` notices changed files; a `data.folder` elsewhere is used
            too, and said to be unwatched, as are links from there to elsewhere.
        raw: folder to write: `{train,test}_images.npy` (N, H, W, C) uint8,
            `{train,test}_labels.npy` (N,) uint8, `dataset.json`, and `read.json`: how files were read.

    Raises:
        InputError: no source has the data, what it has is not the data, or it changed meanwhile.
    """
    _print_unwatched(cfg.data.folder, external)
    labels, digests = {}, {}
    with files.replaced_folder(raw) as folder:
        with folders.unchanged(cfg.data.folder):
            dataset = _opened(cfg)
            check_shape(dataset.shape, cfg.data.input_shape, cfg.data.name)
            _print_reading(cfg, dataset.reading)
            for part, chunks in (("train", dataset.train()), ("test", dataset.test())):
                labels[part], digests[f"{part}_images"] = _write_images(folder, part, chunks, dataset.shape)
                arrays.write_array(folder / f"{part}_labels.npy", labels[part])
                digests[f"{part}_labels"] = arrays.sha256(labels[part])
        check_readable(dataset.reading.unreadable, skip=_skips(cfg.data.source))
        check_classes(labels, dataset.classes)
        counts = {part: len(numbers) for part, numbers in labels.items()}
        files.write_json(folder / "dataset.json", describe(cfg.data.name, dataset, counts, digests))
        read = account(dataset.reading, sum(counts.values()), cfg.data.resize)
        files.write_json(folder / "read.json", read)
    print(f"fetch: {counts['train']:,} training and {counts['test']:,} test images")


def _opened(cfg: Settings) -> Dataset:
    source = cfg.data.source
    if isinstance(source, Published):
        opened = published.mnist if source.kind == "mnist" else published.fashion_mnist
        return opened(cfg.data.folder, source.mirror)
    if isinstance(source, ImageFolder):
        return image_folder.image_folder(
            cfg.data.folder,
            cfg.data.input_shape,
            resize=source.resize,
            test_fraction=source.test_fraction,
            split_seed=cfg.data.split_seed,
            keep_copies_together=cfg.data.keep_copies_together,
        )
    return npz.npz(cfg.data.folder) if source.kind == "npz" else published.digits()


def _skips(source: Published | Plain | ImageFolder) -> bool:
    return isinstance(source, ImageFolder) and source.skip_unreadable


def _print_unwatched(folder: str | None, external: Path) -> None:
    if folder is None:
        return
    root, advice = Path(folder).expanduser(), "run `dvc repro --force fetch`"
    if not folders.is_watched(root, external):
        print(f"fetch: {folder} lies outside {external}: after a change in it, {advice}")
    elif links := folders.links_out_of(root, external):
        are = "is a link" if len(links) == 1 else "are links"
        print(f"fetch: {folders.named(links)} {are} to outside of {external}: after a change there, {advice}")


def _print_reading(cfg: Settings, reading: Reading) -> None:
    if reading.passed_over:
        names = folders.named([Path(cfg.data.folder or "", name) for name in reading.passed_over])
        print(f"fetch: passed over, since beside the folders of the classes: {names}")
    if reading.deep_range is not None:
        values = f"the largest value is {reading.largest}, read as 0 to {reading.deep_range}"
        print(f"fetch: 16-bit files: {values}")
    if cfg.data.keep_copies_together and not reading.drawn:
        print("fetch: the test images are given: copies of them among the training images stay there")


def _write_images(
    folder: Path, part: str, chunks: Chunks, shape: tuple[int, ...]
) -> tuple[arrays.Array, str]:
    """Write the images as they come; return all the labels, and the SHA-256 of the images."""
    labels = [np.zeros(0, np.uint8)]

    def images() -> Iterator[arrays.Array]:
        for pixels, numbers in chunks:
            labels.append(numbers)
            yield pixels

    digest = arrays.write_rows(folder / f"{part}_images.npy", shape, np.uint8, images())
    return np.concatenate(labels), digest


if __name__ == "__main__":
    with stage():
        fetch(load(Settings), *map(Path, sys.argv[1:]))
