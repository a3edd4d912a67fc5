"""The running average against its formula."""

import numpy as np

from pipeline.network.layers import build_model
from pipeline.training.averaging import Average


def tiny(compose):
    cfg = compose("model.filters=[2,3]", "model.dense=[4]").model
    return build_model(cfg, input_shape=(8, 8, 1), num_classes=2)


def test_an_average_follows_slowly_and_forgets_the_beginning_fast(compose):
    import tensorflow as tf

    network = tiny(compose)
    average = Average(network, 0.9)
    bias = network.layers[0].bias
    expected, place = 0.0, next(i for i, v in enumerate(network.trainable_variables) if v is bias)
    for step in range(200):
        bias.assign(tf.fill(bias.shape, float(step)))
        average.update(tf.constant(step))
        decay = min(0.9, (2 + step) / (11 + step))
        expected = decay * expected + (1 - decay) * step
        np.testing.assert_allclose(average.weights[place], np.full(bias.shape, expected), rtol=1e-4)


def test_without_averaging_the_weights_themselves_are_kept(compose):
    network = tiny(compose)
    average = Average(network, 0.0)
    assert average.variables == []
    assert all(a is b.value for a, b in zip(average.weights, network.trainable_variables, strict=True))
