"""How sure a score is: intervals over images, paired tests, spread over few seeds.

SciPy's statistics take 0.7 s to import, so they are imported where they are used.
"""

import math
import statistics
from collections.abc import Mapping

from pipeline.base.arrays import Array

CONFIDENCE = 0.95


def interval(accuracy: float, images: int) -> tuple[float, float]:
    """The 95 % interval of an accuracy that was measured on so many different images.

    Args:
        accuracy: share of the images that are right.
        images: one or more; where copies are among the images, how many differ.

    References:
        Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    z = statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    centre = (accuracy + z**2 / (2 * images)) / (1 + z**2 / images)
    variance = accuracy * (1 - accuracy) / images + z**2 / (4 * images**2)
    half = z / (1 + z**2 / images) * math.sqrt(variance)
    return max(0.0, centre - half), min(1.0, centre + half)


def different_images(scores: Mapping[str, float], split: str) -> int | None:
    """How many different images a split's scores are of, by dotted key; None for runs without that number."""
    count = scores.get(f"{split}.different_images")
    return None if count is None else int(count)


def mcnemar(right: Array, other_right: Array) -> float:
    """p of the exact test whether two networks are equally often right on the same images.

    Args:
        right: (N,) bool, of one network.
        other_right: (N,) bool, of the other one, on the same images in the same order.

    References:
        McNemar, Note on the sampling error of the difference between correlated proportions, 1947.
    """
    from scipy.stats import binomtest

    alone, other_alone = int((right & ~other_right).sum()), int((~right & other_right).sum())
    return 1.0 if alone + other_alone == 0 else float(binomtest(alone, alone + other_alone, 0.5).pvalue)


def standard_errors(count: int) -> float:
    """How many standard errors of a mean of `count` values, two or more, 95 % of such means are within.

    Student's t: 12.7 for two values, 4.3 for three, 2.8 for five.
    """
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, count - 1))
