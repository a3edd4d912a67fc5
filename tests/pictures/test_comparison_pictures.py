"""Pictures of a comparison: signs that say which way."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from pipeline.pictures import comparison


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def test_the_change_of_confusion_is_symmetric_around_zero_with_signed_numbers():
    difference = np.array([[3, -2], [0, -1.5]])
    figure = comparison.confusion_change(difference, ["cat", "dog"], "new", "old")
    image = figure.axes[0].images[0]
    assert image.get_clim() == (-3, 3)
    np.testing.assert_array_equal(image.get_array(), difference)
    words = texts(figure)
    assert {"+3", "−2", "0", "−1.5"} <= set(words)
    assert "framed diagonal: right predictions, +1.5 in all" in words
    assert any("new" in text and "old" in text for text in words)


def test_no_change_at_all_draws_without_warnings():
    comparison.confusion_change(np.zeros((2, 2)), ["a", "b"], "new", "old").draw_without_rendering()
    zero = {"precision": np.zeros(2)}
    comparison.class_changes(zero, ["a", "b"], "new", "old").draw_without_rendering()


def test_class_changes_share_one_range_and_carry_their_numbers():
    changes = {"precision": np.array([0.1, -0.02]), "recall": np.array([0.0, 0.0004])}
    figure = comparison.class_changes(changes, ["cat", "dog"], "new", "old")
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert {"+0.100", "−0.020", "0.000", "cat", "dog", "change of recall"} <= set(texts(figure))
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == pytest.approx([0.1, -0.02])
    above, below = (bar.get_facecolor() for bar in figure.axes[0].patches)
    assert above != below
