"""Changes to images, against NumPy."""

import numpy as np
import pytest

from pipeline.training import augmentation

IMAGES = np.random.default_rng(0).integers(1, 256, (3, 4, 5, 3), np.uint8)


def test_images_are_mirrored_where_asked():
    import tensorflow as tf

    found = augmentation.mirrored(tf.constant(IMAGES), tf.constant([True, False, True])).numpy()
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[[0, 2]], np.flip(IMAGES[[0, 2]], axis=2))
    np.testing.assert_array_equal(found[1], IMAGES[1])


@pytest.mark.parametrize("offset", [(0, 0), (1, 0), (0, -1), (-2, 2), (2, 2)])
def test_a_batch_is_moved_and_zeros_come_in_from_the_edge(offset):
    import tensorflow as tf

    found = augmentation.shifted(tf.constant(IMAGES), tf.constant(offset), 2).numpy()
    expected = np.zeros_like(IMAGES)
    for row in range(4):
        for column in range(5):
            source = row - offset[0], column - offset[1]
            if 0 <= source[0] < 4 and 0 <= source[1] < 5:
                expected[:, row, column] = IMAGES[:, source[0], source[1]]
    np.testing.assert_array_equal(found, expected)
