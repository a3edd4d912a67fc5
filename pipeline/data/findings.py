"""What `reports/data.json` says of the data, and the lines about what looks wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pipeline.base.arrays import Array
from pipeline.data.quality import CLOSE, CLOSEST, Scan, Splits, copies, look_alikes

MAX_LINES = 10
# A brightest pixel below it, of 255, is an unused range; so are values that all lie this close together.
DARK, NARROW = 64, 20
# The share of images that is worth a line.
NOTABLE = 0.02


def described(
    scans: Mapping[str, Scan],
    images: Splits,
    labels: Mapping[str, Array],
    classes: list[str],
    read: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of `reports/data.json`.

    Args:
        scans: of the splits "train", "validation" and "test".
        images: (N, H, W, C) uint8 of each.
        labels: (N,) uint8 of each.
        classes: K names.
        read: what `fetch` noted of the files; empty where it read none.
    """
    sizes = {split: np.bincount(row, minlength=len(classes)).tolist() for split, row in labels.items()}
    found = {
        "counts": {split: len(row) for split, row in labels.items()},
        "different": {split: len(np.unique(one.digests)) for split, one in scans.items()},
        "classes": {name: {split: sizes[split][k] for split in sizes} for k, name in enumerate(classes)},
        "largest_class": classes[int(np.argmax(sizes["test"]))],
        "majority": max(sizes["test"]) / len(labels["test"]),
        "copies": copies(scans, labels),
        "look_alikes": look_alikes(scans, images),
        "flat": {split: int(one.flat.sum()) for split, one in scans.items()},
        "range": [min(one.lowest for one in scans.values()), max(one.highest for one in scans.values())],
        "read": dict(read),
    }
    return {**found, "findings": list(lines(found))[:MAX_LINES]}


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A line for each thing that looks wrong, the most harmful first."""
    total = sum(found["counts"].values())
    yield from _copies(found["copies"], found["counts"], total)
    flat, (low, high), read = sum(found["flat"].values()), found["range"], found["read"]
    changes = read.get("changes", {})
    if flat > NOTABLE * total:
        clear = changes.get("transparency on white", 0)
        why = f"; {clear:,} files were transparent and were laid on white" if clear else ""
        yield f"{flat:,} of {total:,} images are one flat colour{why}"
    if high < DARK or high - low < NARROW:
        yield f"pixels are from {low} to {high} of 0 to 255: the images are nearly uniform"
    if (small := read.get("small") or 0) > NOTABLE * total:
        yield f"{small:,} of {total:,} images are less than half as large as data.image_size"
    share, name = found["majority"], found["largest_class"]
    if share > 1.5 / len(found["classes"]):
        yield f"classes differ in size: always answering {name} would reach {share:.1%} of the test images"
    alike = found["look_alikes"]
    if (near := alike[f"closer_than_{CLOSE}"]) > NOTABLE * found["counts"]["test"]:
        compared = alike["test_images_compared"]
        yield (
            f"{near:,} of {compared:,} test images nearly equal one of training or validation"
            f" (differences below {CLOSE} of 255; {alike[f'closer_than_{CLOSEST}']:,} below {CLOSEST})"
        )


def _copies(found: Mapping[str, int], counts: Mapping[str, int], total: int) -> Iterator[str]:
    if found["test_in_others"] or found["validation_in_train"]:
        yield (
            f"{found['test_in_others']:,} of {counts['test']:,} test images are also in training or"
            f" validation, {found['validation_in_train']:,} of {counts['validation']:,} validation images in"
            " training: their scores are too high (data.keep_copies_together=true)"
        )
    if within := sum(found[split] for split in counts):
        yield f"{within:,} of {total:,} images are copies of others in their split"
    if found["with_two_labels"]:
        yield f"{found['with_two_labels']:,} images are there more than once, with different labels"
