"""Updates against Keras' optimizers and NumPy."""

import numpy as np
import pytest

from pipeline.network.layers import build_model
from pipeline.network.start import import_keras
from pipeline.training import optimizers

SHAPES = [(3, 3, 2, 4), (4,), (12, 5), (5,)]


def drawn(seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, scale, shape).astype(np.float32) for shape in SHAPES]


def test_adam_takes_the_steps_of_keras_adam():
    import tensorflow as tf

    keras = import_keras()
    ours, theirs = ([tf.Variable(value) for value in drawn()] for _ in range(2))
    adam, reference = optimizers.Adam(ours), keras.optimizers.Adam(0.01)
    for step in range(20):
        gradients = [tf.constant(value) for value in drawn(step + 1, scale=10.0 ** -(step % 4))]
        adam.update(gradients, tf.constant(0.01), tf.constant(step))
        reference.apply(gradients, theirs) if step else reference.apply_gradients(
            zip(gradients, theirs, strict=True)
        )
        for mine, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=2e-5, atol=2e-6)


def newton_schulz(matrix):
    """The iteration as it is published, in float64."""
    x = matrix / np.linalg.norm(matrix)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (9, 9), (1, 6), (288, 64)])
def test_a_matrix_becomes_nearly_orthogonal_with_the_same_singular_vectors(shape):
    matrix = np.random.default_rng(1).normal(0, 3, shape).astype(np.float32)
    found = optimizers.orthogonal(matrix).numpy()
    left, _, right = np.linalg.svd(matrix.astype(float), full_matrices=False)
    seen = left.T @ found @ right.T
    values = np.diag(seen)
    assert ((values > 0.6) & (values < 1.3)).all()
    np.testing.assert_allclose(seen, np.diag(values), atol=1e-3)
    np.testing.assert_allclose(found, newton_schulz(matrix.astype(float)), atol=1e-3)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
def test_orthogonal_agrees_with_keras_muon(shape):
    keras = import_keras()
    matrix = np.random.default_rng(2).normal(0, 1, shape).astype(np.float32)
    theirs = keras.optimizers.Muon().zeropower_via_newtonschulz5(keras.ops.convert_to_tensor(matrix), 5)
    np.testing.assert_allclose(optimizers.orthogonal(matrix), theirs, atol=1e-3)


def test_muon_takes_the_steps_of_its_formula_in_numpy():
    import tensorflow as tf

    kernels = [tf.Variable(value) for value in drawn() if value.ndim > 1]
    muon = optimizers.Muon(kernels)
    expected = [kernel.numpy().astype(float) for kernel in kernels]
    momenta = [np.zeros_like(value) for value in expected]
    for step in range(4):
        gradients = [value for value in drawn(step + 1) if value.ndim > 1]
        muon.update([tf.constant(gradient) for gradient in gradients], tf.constant(0.05))
        for i, gradient in enumerate(gradients):
            momenta[i] = 0.9 * momenta[i] + gradient
            ahead = (gradient + 0.9 * momenta[i]).reshape(-1, gradient.shape[-1])
            size = np.sqrt(max(1, ahead.shape[1] / ahead.shape[0]))
            expected[i] -= 0.05 * size * newton_schulz(ahead).reshape(gradient.shape)
    for kernel, value in zip(kernels, expected, strict=True):
        np.testing.assert_allclose(kernel, value, atol=2e-4)


def test_a_zero_gradient_leaves_the_kernels_of_muon_where_they_are():
    import tensorflow as tf

    kernel = tf.Variable(drawn()[2])
    optimizers.Muon([kernel]).update([tf.zeros_like(kernel)], tf.constant(0.05))
    np.testing.assert_array_equal(kernel, drawn()[2])


def tiny(compose, *overrides):
    cfg = compose("model.filters=[2,3]", "model.dense=[4]", *overrides).model
    return build_model(cfg, input_shape=(8, 8, 1), num_classes=2)


def test_muon_moves_the_kernels_of_all_but_the_last_layer_and_adam_the_rest(compose):
    import tensorflow as tf

    network = tiny(compose)
    before = [value.numpy() for value in network.trainable_variables]
    kernels = [layer.kernel.path for layer in network.layers if layer.name in ("conv2d", "conv2d_1", "dense")]
    optimizer = optimizers.Optimizer(network, learning_rate=0.001, muon_learning_rate=0.05)
    gradients = [tf.ones_like(value.value) for value in network.trainable_variables]
    optimizer.update(gradients, tf.constant(1.0), tf.constant(0))
    for variable, value in zip(network.trainable_variables, before, strict=True):
        moved = np.abs(variable.numpy() - value).max()
        if variable.path in kernels:
            # A matrix of ones has one singular value, which becomes about 1: each entry
            # becomes about 1 / sqrt(rows x columns).
            assert moved > 0.002
        else:
            # Adam's first step is the learning rate, whatever the gradient.
            np.testing.assert_allclose(moved, 0.001, rtol=1e-3)
