import json
import math
from string import Formatter

import numpy as np
import pytest
from conftest import ROOT

from pipeline.analysis.trust import TEXTS, findings
from pipeline.data.findings import TEXTS as DATA_TEXTS

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


def test_few_test_images_do_not_decide_whether_a_network_is_better():
    predicted = ACTUAL.copy()
    predicted[:36] = 2
    assert kinds(predicted) == {"unclear"}


def test_every_finding_has_words_in_both_languages_that_name_the_same():
    words = json.loads((ROOT / "pipeline/page/browser/words.json").read_text(encoding="utf-8"))
    for kind, text in {**TEXTS, **DATA_TEXTS}.items():
        named = {name for _, name, _, _ in Formatter().parse(text) if name}
        for language in ("en", "ko"):
            shown = words[f"finding.{kind}"][language]
            assert {name for _, name, _, _ in Formatter().parse(shown) if name} == named, (kind, language)


def test_a_class_that_is_never_predicted_is_found():
    assert kinds(np.where(ACTUAL == 2, 1, ACTUAL)) == {"never_predicted"}


@pytest.mark.parametrize("last", [3.0, math.nan, math.inf])
def test_a_loss_that_grew_is_found(last):
    assert kinds(ACTUAL, {"loss": [1.0, last]}) == {"loss_grew"}


def test_a_network_that_is_sure_of_wrong_answers_is_found():
    assert kinds(ACTUAL, loss=63.6) == {"worse_than_equal"}
