"""Whether scores say that something was learned, and what went wrong where they do not."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.analysis.uncertainty import interval
from pipeline.base.arrays import Array

# The page has them in its own words.
TEXTS = {
    "no_better": (
        "no better than always answering {class}, which would reach {share} of the test images: it needs more"
        " images or epochs, or another train.learning_rate"
    ),
    "unclear": (
        "not clearly better than always answering {class}, which would reach {share} of the test images:"
        " there are too few of them to decide"
    ),
    "one_class": (
        "every test image is predicted as {class}: train longer, lower train.learning_rate, or, where classes"
        " differ in size, set train.class_weight=balanced and train.patience=null"
    ),
    "never_predicted": "never predicted on the test images: {classes}",
    "loss_grew": "the training loss grew from {first} to {last}: lower train.learning_rate",
    "worse_than_equal": (
        "the test loss {loss} is above that of equal probabilities, {equal}: the network is sure of wrong"
        " answers; lower train.learning_rate, or stop earlier"
    ),
}


def findings(
    metrics: Mapping[str, Any],
    history: Mapping[str, Sequence[float]],
    actual: Array,
    predicted: Array,
    classes: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """What speaks against the scores: the kind, a key of `TEXTS`, and what its text names.

    Args:
        metrics: of `metrics.json`.
        history: columns of `history.tsv`.
        actual: (N,) class numbers of the test images.
        predicted: likewise.
        classes: K names.
    """
    test, equal = metrics["test"], math.log(len(classes))
    largest = classes[int(np.bincount(actual).argmax())]
    if interval(test["accuracy"], test["different_images"])[0] <= metrics["majority"]:
        kind = "no_better" if test["accuracy"] <= metrics["majority"] else "unclear"
        yield {"kind": kind, "class": largest, "share": f"{metrics['majority']:.1%}"}
    answered = np.unique(predicted)
    if len(answered) == 1:
        yield {"kind": "one_class", "class": classes[int(answered[0])]}
    if absent := [name for k, name in enumerate(classes) if k not in answered]:
        yield {"kind": "never_predicted", "classes": ", ".join(absent)}
    first, last = history["loss"][0], history["loss"][-1]
    if not last <= first:
        yield {"kind": "loss_grew", "first": f"{first:.4g}", "last": f"{last:.4g}"}
    if test["loss"] > 1.05 * equal:
        yield {"kind": "worse_than_equal", "loss": f"{test['loss']:.4g}", "equal": f"{equal:.4g}"}


def line(finding: Mapping[str, Any]) -> str:
    """A finding in English."""
    return TEXTS[finding["kind"]].format(**finding)
