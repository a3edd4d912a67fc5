"""The section `data`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.base.errors import InputError
from pipeline.config.fields import FLAG, FRACTION, checked, choice, is_int, is_line, optional, seed_number

# Of height and width: some three photographs of a phone in memory for each image of a batch.
MAX_PIXELS = 4096
# Keys that only some data sets use: the value where they do nothing, and who uses them.
USED_BY = {
    "folder": (None, ("fashion_mnist", "mnist", "npz", "image_folder")),
    "mirror": (None, ("fashion_mnist", "mnist")),
    "update_package_lists": (False, ("fashion_mnist",)),
    "resize": ("stretch", ("image_folder",)),
    "skip_unreadable": (False, ("image_folder",)),
    "test_fraction": (0.2, ("image_folder",)),
}
# Images for training (before the split) and for testing, where they are known beforehand.
SIZES = {"fashion_mnist": (60_000, 10_000), "mnist": (60_000, 10_000), "digits": (1_437, 360)}


@dataclass(frozen=True)
class DataConfig:
    """Which images, where from, and how they are split."""

    name: str = choice("fashion_mnist", "mnist", "digits", "npz", "image_folder")
    image_size: list[int] = checked(
        f"a list [height, width] of whole numbers of 1 or more, up to {MAX_PIXELS}",
        lambda v: isinstance(v, list) and len(v) == 2 and all(is_int(n) and 1 <= n <= MAX_PIXELS for n in v),
    )
    channels: int = checked("1 (grey) or 3 (colour)", lambda v: is_int(v) and v in (1, 3))
    folder: str | None = optional("a text of one line", is_line)
    mirror: str | None = checked(
        "an https:// address or null",
        lambda v: v is None or (is_line(v) and v.startswith("https://")),
    )
    update_package_lists: bool = checked(*FLAG)
    may_be_mirrored: bool = checked(*FLAG)
    resize: str = choice("stretch", "pad")
    skip_unreadable: bool = checked(*FLAG)
    test_fraction: float = checked(*FRACTION)
    validation_fraction: float = checked(*FRACTION)
    split_seed: int = seed_number()

    def __post_init__(self) -> None:
        for key, (idle, names) in USED_BY.items():
            value = getattr(self, key)
            if value != idle and self.name not in names:
                raise InputError(
                    f"data.{key}: received {value!r}, which does nothing for data.name {self.name}"
                    f" (only for {', '.join(names)}); expected {idle!r}"
                )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (H, W, C) of one image, in pixels and channels."""
        height, width = self.image_size
        return height, width, self.channels

    @property
    def counts(self) -> dict[str, int] | None:
        """Images in each split of a published data set; None where the data have to be read for that."""
        if self.name not in SIZES:
            return None
        training, test = SIZES[self.name]
        # As scikit-learn rounds.
        validation = math.ceil(training * self.validation_fraction)
        return {"train": training - validation, "validation": validation, "test": test}


def check_images(images: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> None:
    """Refuse `visualize.images` that are not there, given the counts of train, validation and test.

    Raises:
        InputError: an index is too large for its split.
    """
    sizes = {**counts, "source": counts["train"] + counts["validation"]}
    for image in images:
        split, index = image["split"], image["index"]
        if index >= sizes[split]:
            raise InputError(
                f"visualize.images: received {split} {index}, expected an index below {sizes[split]}"
            )
