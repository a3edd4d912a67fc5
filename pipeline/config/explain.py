"""The section `explain`."""

from pipeline.config.section import Count, Section


class ExplainConfig(Section):
    """Over how many images the deeper looks are taken."""

    ablation_images: Count
    sanity_images: Count
