"""What goes into the page, and what gives way."""

import numpy as np
import pytest

from pipeline.page.contents import Contents, fitted
from pipeline.page.export import background, choose


def contents(epochs=11, kept=8):
    """Some arrays of 300 bytes each, which are 400 characters, and 30 bytes for each epoch."""
    arrays = {name: np.zeros(300, np.uint8) for name in ("images", "trained/a", "untrained/a", "patches/a")}
    kernels = np.repeat(np.arange(epochs, dtype=np.uint8)[:, np.newaxis], 30, axis=1)
    return Contents({"epochs": list(range(epochs)), "kept_epoch": kept}, {**arrays, "epochs/a": kernels})


def test_all_stays_when_it_fits_else_epochs_give_way_but_the_first_the_kept_and_the_last():
    whole = contents()
    assert set(fitted(whole, whole.characters).arrays) == set(whole.arrays)
    for limit in range(1600 + 3 * 40, whole.characters + 1, 40):
        found = fitted(whole, limit)
        assert len(found.values["epochs"]) == (limit - 1600) // 40
        assert {0, 8, 10} <= set(found.values["epochs"])
        # Each array still belongs to its epoch.
        assert found.arrays["epochs/a"][:, 0].tolist() == found.values["epochs"]
        assert found.characters <= limit


@pytest.mark.parametrize(
    ("limit", "live", "names"),
    [
        (1600, True, {"images", "trained/a", "untrained/a", "patches/a"}),
        (1599, True, {"images", "trained/a", "untrained/a"}),
        (1199, False, {"images", "patches/a"}),
        (0, False, {"images"}),
    ],
)
def test_then_all_epochs_then_the_patches_then_the_network(limit, live, names):
    found = fitted(contents(), limit)
    assert (found.values["epochs"], found.values["live"]) == ([], live)
    assert set(found.arrays) == names


def test_one_image_a_class_and_the_mistakes_come_first():
    actual = np.array([0, 0, 1, 1, 2, 2])
    predicted = np.array([0, 1, 1, 0, 2, 2])
    choice = choose(actual, predicted, [3, 1], 5)
    assert choice.samples == [0, 2, 4]
    assert choice.mistakes == [3, 1]
    assert choice.rows.tolist() == [0, 2, 4, 3, 1]


def test_cells_of_the_confusion_take_turns_the_rare_ones_too():
    # Nine right answers and one mistake of each of two kinds, which come last.
    actual = np.array([0] * 9 + [1] * 9 + [0, 1])
    predicted = np.array([0] * 9 + [1] * 9 + [1, 0])
    choice = choose(actual, predicted, [], 6)
    assert choice.rows.tolist() == [0, 9, 18, 19, 1, 10]


def test_no_image_is_chosen_twice_and_no_more_than_there_is_room_for():
    random = np.random.default_rng(0)
    actual, predicted = random.integers(0, 5, (2, 200))
    for count in (1, 3, 7, 50, 200, 1000):
        choice = choose(actual, predicted, [7, 8], count)
        assert len(choice.rows) == len(set(choice.rows.tolist())) == min(count, 200)
        assert set(choice.samples) | set(choice.mistakes) <= set(choice.rows.tolist())


@pytest.mark.parametrize(("level", "ink"), [(0, 255), (230, 10)])
def test_the_paper_has_the_level_of_the_edges(level, ink):
    pictures = np.full((3, 9, 9, 1), level, np.uint8)
    pictures[:, 3:6, 3:6] = ink
    assert background(pictures) == level
