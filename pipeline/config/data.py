"""The section `data`."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pipeline.base.errors import InputError
from pipeline.config.section import Fraction, Line, Section, Seed

# Of height and width: some three photographs of a phone in memory for each image of a batch.
MAX_PIXELS = 4096
# Images for training (before the split) and for testing, where they are known beforehand.
SIZES = {"fashion_mnist": (60_000, 10_000), "mnist": (60_000, 10_000), "digits": (1_437, 360)}


def _https(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError("expected an https:// address")
    return value


Https = Annotated[Line, AfterValidator(_https)]


class Published(Section):
    """A published data set of IDX files, and where it may be downloaded from."""

    kind: Literal["fashion_mnist", "mnist"]
    mirror: Https | None


class Plain(Section):
    """scikit-learn's digits, or the arrays of a user."""

    kind: Literal["digits", "npz"]


class ImageFolder(Section):
    """A folder of image files, one sub-folder per class."""

    kind: Literal["image_folder"]
    resize: Literal["stretch", "pad"]
    skip_unreadable: bool
    test_fraction: Fraction


class DataConfig(Section):
    """Which images, where from, and how they are split."""

    name: Line
    image_size: Annotated[list[Annotated[int, Field(ge=1, le=MAX_PIXELS)]], Field(min_length=2, max_length=2)]
    channels: Literal[1, 3]
    folder: Line | None
    may_be_mirrored: bool
    validation_fraction: Fraction
    split_seed: Seed
    keep_copies_together: bool
    source: Annotated[Published | Plain | ImageFolder, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _check_folder(self) -> "DataConfig":
        if self.source.kind == "digits" and self.folder is not None:
            raise InputError(f"data.folder: received {self.folder!r}, expected null: the digits need none")
        return self

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (H, W, C) of one image, in pixels and channels."""
        height, width = self.image_size
        return height, width, self.channels

    @property
    def resize(self) -> str:
        """How an image of another size is brought to `image_size`; arrays are never resized."""
        return self.source.resize if isinstance(self.source, ImageFolder) else "stretch"

    @property
    def counts(self) -> dict[str, int] | None:
        """Images in each split of a published data set; None where the data have to be read for that."""
        if self.source.kind not in SIZES:
            return None
        training, test = SIZES[self.source.kind]
        # As scikit-learn rounds.
        validation = math.ceil(training * self.validation_fraction)
        return {"train": training - validation, "validation": validation, "test": test}
