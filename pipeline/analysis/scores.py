"""Scores of predicted probabilities: loss, accuracy, per class, confusion, mistakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp

from pipeline.base.arrays import Array


def score(logits: Array, predicted: Array, labels: Array) -> dict[str, float]:
    """Mean cross-entropy in nats, share of correct predictions, and the same share averaged over classes.

    The loss comes from the logits, as in Keras' training and evaluation: a probability that float32
    rounds to 0 or 1 has no logarithm to speak of.

    Args:
        logits: (N, K) float, before softmax.
        predicted: (N,) predicted class numbers.
        labels: (N,) integers below K.
    """
    wide = logits.astype(np.float64)
    losses = logsumexp(wide, axis=1) - wide[np.arange(len(labels)), labels]
    right = predicted == labels
    present, place = np.unique(labels, return_inverse=True)
    recalls = np.bincount(place, weights=right) / np.bincount(place, minlength=len(present))
    return {
        "loss": float(losses.mean()),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(recalls.mean()),
    }


def kept_epoch(val_losses: Sequence[float], patience: int | None) -> int:
    """Number of the epoch whose weights `train` keeps: of the lowest loss; without patience the last."""
    return len(val_losses) if patience is None else 1 + int(np.argmin(val_losses))


def class_scores(labels: Array, predicted: Array, classes: list[str]) -> list[list[Any]]:
    """One row per class: name, precision, recall, F1, number of images (its support).

    Args:
        labels: (N,) actual class numbers.
        predicted: (N,) predicted class numbers.
        classes: K names. A class never predicted has precision 0.
    """
    counts = confusion_matrix(labels, predicted, len(classes))
    right, images, found = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    # As scikit-learn has them, whose import alone would take half a second in each job of a sweep.
    precision, recall = right / np.maximum(found, 1), right / np.maximum(images, 1)
    f1 = 2 * right / np.maximum(found + images, 1)
    shares = np.round([precision, recall, f1], 6).T.tolist()
    return [[name, *row, int(n)] for name, row, n in zip(classes, shares, images, strict=True)]


def confusion_matrix(labels: Array, predicted: Array, num_classes: int) -> Array:
    """Counts (K, K) int64: row = actual class, column = predicted class."""
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def most_confident_mistakes(probabilities: Array, labels: Array, count: int) -> Array:
    """Numbers of the wrongly predicted images, the most confident first, at most `count`."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    confidence = probabilities[wrong].max(axis=1)
    return wrong[np.argsort(-confidence, kind="stable")][:count]
