"""The section `page`."""

from typing import Literal

from pipeline.config.section import Count, Positive, Section


class PageConfig(Section):
    """How large the page may be, and how it opens."""

    max_megabytes: Positive
    num_images: Count
    language: Literal["en", "ko"]
