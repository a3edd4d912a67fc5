"""Pictures of the evaluation hold its numbers: epochs, counts, probabilities."""

import numpy as np
import pytest
from drawn import texts

from pipeline.pictures import evaluation

RNG = np.random.default_rng(0)


def test_confusion_shows_every_count():
    counts = np.array([[50, 7], [0, 43]])
    figure = evaluation.confusion(counts, ["cat", "dog"])
    words = texts(figure)
    assert "93 of 100 are right" in words
    assert all(f"| {n} |" in words for n in (50, 7, 43))
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), [[50 / 57, 7 / 57], [0, 1]])


@pytest.mark.parametrize("channels", [1, 3])
def test_predictions_name_the_classes_and_draw_their_probabilities(channels):
    images = RNG.integers(0, 256, (3, 5, 5, channels), np.uint8)
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    figure = evaluation.predictions(images, probabilities, np.array([0, 0, 1]), ["cat", "dog"])
    words = texts(figure)
    assert "predicted: cat (90.0%)" in words
    assert "predicted: dog (80.0%)" in words
    assert [bar.get_width() for bar in figure.axes[1].patches] == [0.9, 0.1]


def test_no_mistakes_make_a_picture_too():
    empty = np.zeros((0, 5, 5, 1), np.uint8)
    figure = evaluation.mistakes(empty, np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, int), ["a", "b"], 0)
    assert "0 of 0" in texts(figure)
