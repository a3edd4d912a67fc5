"""The section `explain`."""

from dataclasses import dataclass

from pipeline.config.fields import whole


@dataclass(frozen=True)
class ExplainConfig:
    """Over how many images the deeper looks are taken."""

    ablation_images: int = whole(1)
    sanity_images: int = whole(1)
