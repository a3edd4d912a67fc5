"""What a filter is worth: the accuracy that is lost without it."""

from typing import Any

import numpy as np

from pipeline.base.arrays import Array, RowFile
from pipeline.network.batches import batches
from pipeline.network.keras_types import Model
from pipeline.network.outputs import extractor


def ablation(network: Model, name: str, images: Array | RowFile, labels: Array) -> tuple[float, Array]:
    """Accuracy, and how much of it is lost when one filter's output is set to zero.

    Args:
        network: the trained network.
        name: of a convolution layer.
        images: (N, H, W, C) uint8.
        labels: (n,) uint8 of the first n images, which are used.

    Returns:
        The accuracy of the whole network, and float64 (F,): the share of the images lost (negative
        where the network is better without the filter).

    References:
        Morcos et al., On the importance of single directions for generalization, 2018, section 2.2.
    """
    import tensorflow as tf

    after = network.layers[network.layers.index(network.get_layer(name)) + 1 :]

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def correct_of(outputs: Any, mask: Any, truth: Any) -> Any:
        values = outputs * mask
        for layer in after:
            values = layer(values)
        return tf.math.count_nonzero(tf.argmax(values, axis=1) == tf.cast(truth, tf.int64))

    filters = network.get_layer(name).output.shape[-1]
    masks = np.vstack([np.ones(filters), 1 - np.eye(filters)]).astype(np.float32)
    head = extractor(network, [name])
    correct = np.zeros(len(masks), np.int64)
    for rows, batch in batches(images, network, len(labels)):
        outputs = head([batch])[name]
        correct += [int(correct_of(outputs, mask, labels[rows])) for mask in masks]
    return correct[0] / len(labels), (correct[0] - correct[1:]) / len(labels)
