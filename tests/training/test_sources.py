"""Batches inside a graph, from memory and from disk."""

import os

import numpy as np
import pytest

from pipeline.base.arrays import RowFile
from pipeline.base.errors import InputError
from pipeline.training import sources

IMAGES = np.arange(7 * 2 * 2, dtype=np.uint8).reshape(7, 2, 2, 1) * 9
LABELS = np.arange(7, dtype=np.uint8)


@pytest.fixture
def file(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    return RowFile(tmp_path / "images.npy")


def test_images_that_fit_are_kept_in_memory_and_others_streamed(file, monkeypatch):
    assert isinstance(sources.source(file, LABELS, 3), sources.InMemory)
    monkeypatch.setattr(sources, "MEMORY_BYTES", 27)
    assert isinstance(sources.source(file, LABELS, 3), sources.Streamed)


@pytest.mark.parametrize("kind", [sources.InMemory, sources.Streamed])
def test_batches_come_in_order_and_the_last_may_be_smaller(file, kind):
    import tensorflow as tf

    source = kind(file, LABELS, 3)
    assert (source.count, source.batch_size, source.steps) == (7, 3, 3)
    order = np.array([6, 0, 5, 1, 4, 2, 3])
    feed = source.feed(order)
    take = tf.function(source.take, autograph=False)
    found = [take(feed, tf.constant(step)) for step in range(3)]
    assert [len(labels) for _, labels in found] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in found]), order)
    images = np.concatenate([images for images, _ in found])
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, IMAGES[order])


@pytest.mark.parametrize("spoil", [os.remove, lambda path: os.truncate(path, 130)])
def test_a_file_that_is_spoilt_while_it_is_read_keeps_its_one_line(file, spoil):
    import tensorflow as tf

    source = sources.Streamed(file, LABELS, 1)
    take = tf.function(source.take, autograph=False)
    spoil(file.path)
    with pytest.raises(InputError, match=rf"^{file.path}.*$") as caught, sources.input_errors():
        take(source.feed(np.arange(7)), tf.constant(0))
    assert "\n" not in str(caught.value)


def test_other_errors_of_a_graph_stay_what_they_are():
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError), sources.input_errors():
        tf.debugging.assert_equal(tf.constant(1), tf.constant(2))
