"""The section `visualize`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from pipeline.base.errors import InputError
from pipeline.config.section import Count, Positive, Section, Several

# More than a histogram has points on the screen, and than one picture can show.
MAX_BINS = 1000
Pictures = Annotated[int, Field(ge=1, le=1000)]


class ImageChoice(Section):
    """One image; `source` counts in the data set's own training order, before the split."""

    split: Literal["source", "train", "validation", "test"]
    index: Annotated[int, Field(ge=0)]


class VisualizeConfig(Section):
    """What the pictures show."""

    images: Several[ImageChoice]
    kernel_limit: Positive | None
    kernel_colours: Literal["signed", "grey"]
    max_kernel_rows: Count
    histogram_bins: Annotated[int, Field(ge=2, le=MAX_BINS)]
    fire_rate_images: Count
    num_predictions: Pictures
    num_mistakes: Pictures


def check_images(images: Sequence[ImageChoice], counts: Mapping[str, int]) -> None:
    """Refuse `visualize.images` that are not there, given the counts of train, validation and test.

    Raises:
        InputError: an index is too large for its split.
    """
    sizes = {**counts, "source": counts["train"] + counts["validation"]}
    for image in images:
        if image.index >= sizes[image.split]:
            raise InputError(
                f"visualize.images: received {image.split} {image.index}, expected an index below"
                f" {sizes[image.split]}"
            )
