import math

import numpy as np
import pytest

from pipeline.analysis.trust import findings

CLASSES = ["mug", "lamp", "stool"]
ACTUAL = np.repeat([0, 1, 2], [50, 30, 10])
FALLING = {"loss": [1.0, 0.4]}


def kinds(predicted, history=FALLING, loss=0.5):
    test = {"accuracy": float((predicted == ACTUAL).mean()), "loss": loss, "different_images": len(ACTUAL)}
    found = findings({"test": test, "majority": 50 / 90}, history, ACTUAL, predicted, CLASSES)
    return {finding["kind"] for finding in found}


def test_a_good_network_has_no_findings():
    assert kinds(ACTUAL) == set()


def test_a_network_that_answers_one_class_is_no_better_than_that():
    assert kinds(np.zeros(90, int)) == {"no_better", "one_class", "never_predicted"}


def test_a_class_that_is_never_predicted_is_found():
    assert kinds(np.where(ACTUAL == 2, 1, ACTUAL)) == {"never_predicted"}


@pytest.mark.parametrize("last", [3.0, math.nan, math.inf])
def test_a_loss_that_grew_is_found(last):
    assert kinds(ACTUAL, {"loss": [1.0, last]}) == {"loss_grew"}


def test_a_network_that_is_sure_of_wrong_answers_is_found():
    assert kinds(ACTUAL, loss=63.6) == {"worse_than_equal"}
