"""The section `page`."""

from dataclasses import dataclass

from pipeline.config.fields import choice, positive, whole

LANGUAGES = ("en", "ko")


@dataclass(frozen=True)
class PageConfig:
    """How large the page may be, and how it opens."""

    max_megabytes: float = positive()
    num_images: int = whole(1)
    language: str = choice(*LANGUAGES)
