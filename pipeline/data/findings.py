"""What `reports/data.json` holds: the data in numbers, and what looks wrong with them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pipeline.base.arrays import Array
from pipeline.data.quality import CLOSE, Scan, Splits, copies, look_alikes

# A brightest pixel below it, of 255, is an unused range; so are values that all lie this close together.
DARK, NARROW = 64, 20
# The share of images that is worth a line.
NOTABLE = 0.02
# So many times as large as if all classes were equal is the largest one where they are uneven.
UNEVEN = 1.5
# The page has them in its own words.
TEXTS = {
    "copies_across": (
        "{test:,} of {tests:,} test images are also in training or validation, {validation:,} of"
        " {validations:,} validation images also in training, so these scores are too high:"
        " data.keep_copies_together=true"
    ),
    "copies_within": "{count:,} of {total:,} images are copies of others in their split",
    "two_labels": "{count:,} of {total:,} images are there more than once, with different labels",
    "flat": "{count:,} of {total:,} images are one flat colour (transparent files, laid on white: {clear:,})",
    "range": "pixels are from {low} to {high} of 0 to 255: the images are nearly uniform",
    "small": "{count:,} of {total:,} images are less than half as large as data.image_size",
    "uneven": "classes differ in size: always answering {class} would reach {share} of the test images",
    "look_alikes": "{count:,} of {total:,} test images nearly equal one in training or validation",
}


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
    return {**found, "findings": list(_findings(found))}


def _findings(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What looks wrong, the most harmful first: the kind, a key of `TEXTS`, and what its text names."""
    copies, counts, total = found["copies"], found["counts"], sum(found["counts"].values())
    if copies["test_in_others"] or copies["validation_in_train"]:
        sizes = {"tests": counts["test"], "validations": counts["validation"]}
        test, validation = copies["test_in_others"], copies["validation_in_train"]
        yield {"kind": "copies_across", "test": test, "validation": validation, **sizes}
    if within := sum(copies[split] for split in counts):
        yield {"kind": "copies_within", "count": within, "total": total}
    if copies["with_two_labels"]:
        yield {"kind": "two_labels", "count": copies["with_two_labels"], "total": total}
    if (flat := sum(found["flat"].values())) > NOTABLE * total:
        clear = found["read"].get("changes", {}).get("transparency on white", 0)
        yield {"kind": "flat", "count": flat, "total": total, "clear": clear}
    low, high = found["range"]
    if high < DARK or high - low < NARROW:
        yield {"kind": "range", "low": low, "high": high}
    if (small := found["read"].get("small") or 0) > NOTABLE * total:
        yield {"kind": "small", "count": small, "total": total}
    if found["majority"] > UNEVEN / len(found["classes"]):
        yield {"kind": "uneven", "class": found["largest_class"], "share": f"{found['majority']:.1%}"}
    alike = found["look_alikes"]
    if (near := alike[f"closer_than_{CLOSE}"]) > NOTABLE * counts["test"]:
        yield {"kind": "look_alikes", "count": near, "total": alike["test_images_compared"]}


def line(finding: Mapping[str, Any]) -> str:
    """A finding in English."""
    return TEXTS[finding["kind"]].format(**finding)
