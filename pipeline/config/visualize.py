"""The section `visualize`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.base.errors import InputError
from pipeline.config.fields import choice, is_int, list_of, optional_positive, whole


def _is_image_choice(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"split", "index"}
        and value["split"] in ("source", "train", "validation", "test")
        and is_int(value["index"])
        and value["index"] >= 0
    )


@dataclass(frozen=True)
class VisualizeConfig:
    """What the pictures show."""

    images: list[dict[str, Any]] = list_of(
        "{split: source|train|validation|test, index: 0 or more}", _is_image_choice
    )
    kernel_limit: float | None = optional_positive()
    kernel_colours: str = choice("signed", "grey")
    max_kernel_rows: int = whole(1)
    histogram_bins: int = whole(2)
    fire_rate_images: int = whole(1)
    num_predictions: int = whole(1)
    num_mistakes: int = whole(1)


def check_images(images: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> None:
    """Refuse an image that is not there.

    Args:
        images: as `visualize.images`.
        counts: images in the splits "train", "validation" and "test".

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
