import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from pipeline.base.errors import InputError
from pipeline.data.splitting import held_out


def split(labels, fraction=0.2, seed=0, copies=None):
    classes = [f"class {k}" for k in range(labels.max() + 1)]
    return held_out(labels, fraction, seed, key="fraction", classes=classes, copies=copies)


@pytest.mark.parametrize("sizes", [(50, 30, 10), (10,) * 10, (60, 60, 2), (256, 9), (3, 3, 3), (2, 2)])
@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_every_class_is_on_both_sides_and_every_image_on_one(sizes, fraction):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    for seed in range(10):
        kept, held = split(labels, fraction, seed)
        assert sorted([*kept, *held]) == list(range(len(labels)))
        assert set(labels[kept]) == set(labels[held]) == set(range(len(sizes)))


def test_the_draw_is_scikit_learns_where_no_class_is_small():
    labels = np.repeat([0, 1, 2], [50, 30, 10])
    expected = train_test_split(np.arange(90), test_size=0.2, random_state=7, stratify=labels)
    for one, other in zip(split(labels, seed=7), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_copies_stay_together():
    labels, copies = np.repeat([0, 1], 60), np.repeat(np.arange(20)[::-1], 6)
    for seed in range(5):
        kept, held = split(labels, seed=seed, copies=copies)
        assert not set(copies[kept]) & set(copies[held])
        assert sorted([*kept, *held]) == list(range(120))
        assert set(labels[held]) == {0, 1}


def test_a_class_of_one_image_is_named_with_its_number():
    with pytest.raises(InputError, match=r"1 images of class .class 1"):
        split(np.array([0, 0, 0, 1]))
    with pytest.raises(InputError, match=r"1 different images of class .class 1"):
        split(np.array([0, 0, 0, 1, 1]), copies=np.array([1, 2, 3, 4, 4]))
