"""The section `data`."""

from dataclasses import dataclass

from pipeline.config.fields import (
    checked,
    choice,
    flag,
    fraction,
    is_int,
    optional_text,
    seed_number,
)

# Of height and width: some three photographs of a phone in memory for each image of a batch.
MAX_PIXELS = 4096
DATASETS = ("fashion_mnist", "mnist", "digits", "npz", "image_folder")


@dataclass(frozen=True)
class DataConfig:
    """Which images, where from, and how they are split."""

    name: str = choice(*DATASETS)
    image_size: list[int] = checked(
        f"a list [height, width] of whole numbers of 1 or more, up to {MAX_PIXELS}",
        lambda v: isinstance(v, list) and len(v) == 2 and all(is_int(n) and 1 <= n <= MAX_PIXELS for n in v),
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
    split_seed: int = seed_number()

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (H, W, C) of one image, in pixels and channels."""
        height, width = self.image_size
        return height, width, self.channels
