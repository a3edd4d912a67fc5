"""The section `visualize`."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.fields import POSITIVE, choice, is_int, list_of, optional, whole


def _is_image_choice(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"split", "index"}
        and value["split"] in ("source", "train", "validation", "test")
        and is_int(value["index"])
        and value["index"] >= 0
    )


# More than a histogram has points on the screen, and than one picture can show.
MAX_BINS = 1000
MAX_PICTURES = 1000


@dataclass(frozen=True)
class VisualizeConfig:
    """What the pictures show."""

    images: list[dict[str, Any]] = list_of(
        "{split: source|train|validation|test, index: 0 or more}", _is_image_choice
    )
    kernel_limit: float | None = optional(*POSITIVE)
    kernel_colours: str = choice("signed", "grey")
    max_kernel_rows: int = whole(1)
    histogram_bins: int = whole(2, MAX_BINS)
    fire_rate_images: int = whole(1)
    num_predictions: int = whole(1, MAX_PICTURES)
    num_mistakes: int = whole(1, MAX_PICTURES)
