"""Scores, against sums done by hand and against Keras."""

import numpy as np
import pytest
from sklearn import metrics

from pipeline.analysis import scores
from pipeline.network.start import import_keras

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.0, 0.1, 0.9]])
LABELS = np.array([0, 1, 1, 0])
LOGITS = np.array([[2.0, 0.0, -1.0], [30.0, 0.0, 1.0], [-200.0, 3.0, 300.0], [0.0, 0.5, 1.0]], np.float32)


def test_loss_and_accuracy_are_those_of_keras_also_where_a_probability_rounds_to_0():
    keras = import_keras()
    ours = scores.score(LOGITS, LOGITS.argmax(1), LABELS)
    theirs = keras.losses.sparse_categorical_crossentropy(LABELS, LOGITS, from_logits=True)
    assert ours["loss"] == pytest.approx(float(np.mean(theirs)), rel=1e-6)
    # Two of the four are 30 and 297 nats off, which no clipped probability can say.
    assert ours["loss"] > (30 + 297) / 4
    assert ours["accuracy"] == 0.25


def test_class_scores_are_those_of_scikit_learn_also_of_classes_without_images():
    actual, predicted = np.random.default_rng(2).integers(0, [[6], [5]], (2, 300))
    actual[actual == 2] = 3
    rows = scores.class_scores(actual, predicted, list("abcdefg"))
    expected = metrics.precision_recall_fscore_support(actual, predicted, labels=range(7), zero_division=0.0)
    np.testing.assert_array_equal([row[1:] for row in rows], np.transpose(np.round(expected, 6)))


def test_confusion_has_actual_classes_in_rows():
    actual, predicted = np.random.default_rng(1).integers(0, 4, (2, 300))
    expected = metrics.confusion_matrix(actual, predicted)
    np.testing.assert_array_equal(scores.confusion_matrix(actual, predicted, 4), expected)


def test_mistakes_come_most_confident_first():
    assert scores.most_confident_mistakes(PROBABILITIES, LABELS, 5).tolist() == [3, 2]
    assert scores.most_confident_mistakes(PROBABILITIES, LABELS, 1).tolist() == [3]
    assert scores.most_confident_mistakes(PROBABILITIES, PROBABILITIES.argmax(1), 5).tolist() == []


def test_the_kept_epoch_is_the_first_of_the_lowest_loss_or_without_patience_the_last():
    assert scores.kept_epoch([0.5, 0.25, 0.25, 0.75], 2) == 2
    assert scores.kept_epoch([0.5, 0.25, 0.25, 0.75], None) == 4
