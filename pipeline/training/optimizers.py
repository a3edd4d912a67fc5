"""The update of a step: Adam, and Muon with Adam, as operations of the graph that trains.

Both are written for a loop of our own: Keras' Adam takes ten operations a variable where TensorFlow has
one, and its Muon leaves convolution kernels to Adam.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
MOMENTUM = 0.9
# Of the polynomial a x + b x^3 + c x^5, whose repetition takes singular values in 0..1 to about 1.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


class Adam:
    """`keras.optimizers.Adam` with its defaults, one fused operation a variable.

    References:
        Kingma and Ba, Adam: a method for stochastic optimization, 2015, algorithm 1 (with the order of
        computation of the end of section 2).

    Attributes:
        variables: running means of the gradients and of their squares.
    """

    def __init__(self, variables: "Sequence[tf.Variable]") -> None:
        self._targets = list(variables)
        self._means = zeros_like(variables)
        self._squares = zeros_like(variables)
        self.variables = [*self._means, *self._squares]

    def update(self, gradients: Sequence[Any], rate: Any, step: Any) -> None:
        """Change the variables; `rate` is float32 (), `step` counts from 0."""
        import tensorflow as tf

        count = tf.cast(step + 1, tf.float32)
        powers = tf.pow(BETA_1, count), tf.pow(BETA_2, count)
        for variable, mean, square, gradient in zip(
            self._targets, self._means, self._squares, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rate,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=EPSILON,
                grad=gradient,
            )


class Muon:
    """Momentum whose every update of a matrix is replaced by the nearest one with orthogonal columns or rows.

    A convolution kernel (h, w, C, F) counts as the matrix (h * w * C, F).

    References:
        Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024.

    Attributes:
        variables: running sums of the gradients.
    """

    def __init__(self, variables: "Sequence[tf.Variable]") -> None:
        self._targets = list(variables)
        self.variables = zeros_like(variables)

    def update(self, gradients: Sequence[Any], rate: Any) -> None:
        """Change the variables; `rate` is float32 ()."""
        import tensorflow as tf

        for variable, momentum, gradient in zip(self._targets, self.variables, gradients, strict=True):
            momentum.assign(MOMENTUM * momentum + gradient)
            ahead = gradient + MOMENTUM * momentum  # Nesterov's
            rows, columns = math.prod(variable.shape[:-1]), variable.shape[-1]
            step = orthogonal(tf.reshape(ahead, (rows, columns)))
            scale = math.sqrt(max(1.0, columns / rows))
            variable.assign_sub(rate * scale * tf.reshape(step, variable.shape))


def orthogonal(matrix: Any) -> Any:
    """A matrix with the singular vectors of `matrix` and singular values of about 1 (0.7 to 1.2).

    The usual iteration multiplies the whole matrix in each round. All that it multiplies it by are
    polynomials of the one small product of the matrix with itself, so they are gathered in that size and
    meet the matrix once: a quarter of the arithmetic for a dense kernel of 3,136 x 100.

    Args:
        matrix: float32 (m, n).

    References:
        Jordan et al., Muon, 2024: the coefficients and the number of rounds.
    """
    import tensorflow as tf

    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    matrix = matrix / (tf.norm(matrix) + 1e-7)
    gram = tf.matmul(matrix, matrix, transpose_a=tall, transpose_b=not tall)
    unit = factors = tf.eye(gram.shape[0])
    for _ in range(ITERATIONS):
        # Not a * unit + b * gram + c * (gram @ gram): TensorFlow makes one operation of three terms, and with
        # two threads that gave other bytes in each run.
        factor = a * unit + gram @ (b * unit + c * gram)
        factors = factor @ factors
        gram = factor @ gram @ factor
    return matrix @ factors if tall else factors @ matrix


class Optimizer:
    """What changes a network's weights: Adam alone, or Muon the kernels but the last and Adam the rest.

    Attributes:
        variables: all that the next update depends on besides the weights.
    """

    def __init__(
        self, network: "keras.Sequential", *, learning_rate: float, muon_learning_rate: float | None
    ) -> None:
        hidden = network.layers[:-1] if muon_learning_rate else []
        kernels = [layer.kernel for layer in hidden if hasattr(layer, "kernel")]
        self._by_muon = [any(v is kernel for kernel in kernels) for v in network.trainable_variables]
        values = [v.value for v in network.trainable_variables]
        self._adam = Adam(self._part(values, False))
        self._muon = Muon(self._part(values, True))
        self._rates = learning_rate, muon_learning_rate or 0.0
        self.variables = [*self._adam.variables, *self._muon.variables]

    def update(self, gradients: Sequence[Any], factor: Any, step: Any) -> None:
        """Change the weights.

        Args:
            gradients: one for each of the network's trainable variables.
            factor: float32 (), of the learning rates in this step.
            step: int32 (), steps taken so far in the run.
        """
        self._adam.update(self._part(gradients, False), self._rates[0] * factor, step)
        self._muon.update(self._part(gradients, True), self._rates[1] * factor)

    def _part(self, values: Sequence[Any], by_muon: bool) -> list[Any]:
        return [value for value, chosen in zip(values, self._by_muon, strict=True) if chosen == by_muon]


def zeros_like(variables: "Sequence[tf.Variable]") -> "list[tf.Variable]":
    """A variable of zeros for each."""
    import tensorflow as tf

    return [tf.Variable(tf.zeros_like(variable)) for variable in variables]
