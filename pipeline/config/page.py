"""The section `page`."""

from dataclasses import dataclass

from pipeline.config.fields import POSITIVE, checked, choice, whole


@dataclass(frozen=True)
class PageConfig:
    """How large the page may be, and how it opens."""

    max_megabytes: float = checked(*POSITIVE)
    num_images: int = whole(1)
    language: str = choice("en", "ko")
