"""The running average of weights."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class Average:
    """Running average of weights, which are the ones that are scored and kept; off for a decay of 0.

    In the early steps it forgets faster, so that the initial weights are soon gone: the decay of step t
    is at most (1 + t) / (10 + t).

    References:
        Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992.
        `tf.train.ExponentialMovingAverage`, num_updates.
    """

    def __init__(self, network: "keras.Sequential", decay: float) -> None:
        import tensorflow as tf

        self._decay = decay
        self._targets = [variable.value for variable in network.trainable_variables]
        self.variables = [tf.Variable(variable) for variable in self._targets] if decay else []

    @property
    def weights(self) -> "list[tf.Variable]":
        """What to score and keep: the averages, or the weights themselves."""
        return self.variables or self._targets

    def update(self, step: Any) -> None:
        """Follow the weights after a step, counted from 0."""
        import tensorflow as tf

        if not self.variables:
            return
        count = tf.cast(step + 1, tf.float32)
        share = 1 - tf.minimum(self._decay, (1 + count) / (10 + count))
        for mean, target in zip(self.variables, self._targets, strict=True):
            mean.assign_sub(share * (mean - target))
