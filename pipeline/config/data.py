"""The section `data`."""

import math
from dataclasses import dataclass

from pipeline.config.fields import (
    at_least_1,
    checked,
    choice,
    flag,
    fraction,
    is_int,
    optional_text,
    whole,
)

DATASETS = ("fashion_mnist", "mnist", "digits", "npz", "image_folder")
# Images for training (before the split) and for testing, where they are known beforehand.
SIZES = {"fashion_mnist": (60_000, 10_000), "mnist": (60_000, 10_000), "digits": (1_437, 360)}


@dataclass(frozen=True)
class DataConfig:
    """Which images, where from, and how they are split."""

    name: str = choice(*DATASETS)
    image_size: list[int] = checked(
        "a list [height, width] of whole numbers of 1 or more",
        lambda v: isinstance(v, list) and len(v) == 2 and all(map(at_least_1, v)),
    )
    channels: int = checked("1 (grey) or 3 (colour)", lambda v: is_int(v) and v in (1, 3))
    folder: str | None = optional_text()
    mirror: str | None = checked(
        "an https:// address or null",
        lambda v: v is None or (type(v) is str and v.startswith("https://")),
    )
    update_package_lists: bool = flag()
    resize: str = choice("stretch", "pad")
    skip_unreadable: bool = flag()
    test_fraction: float = fraction()
    validation_fraction: float = fraction()
    split_seed: int = whole(0)

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
