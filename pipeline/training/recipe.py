"""What the network is trained by: optimizer, loss, learning rate."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.network.start import import_keras

if TYPE_CHECKING:
    import keras


MAX_STEPS_PER_EXECUTION = 50


def steps_per_execution(steps: int) -> int:
    """The largest divisor of `steps` up to 50: TensorFlow then runs that many without Python."""
    return max(n for n in range(1, MAX_STEPS_PER_EXECUTION + 1) if steps % n == 0)


def compile_model(
    network: "keras.Sequential", *, learning_rate: float, schedule: str, epochs: int, steps: int
) -> None:
    """Adam, sparse categorical cross-entropy, accuracy.

    Args:
        network: not yet compiled.
        learning_rate: of the first step.
        schedule: "constant", or "cosine" for half a cosine wave down to 0 after the last epoch.
        epochs: at most.
        steps: an epoch.

    References:
        Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017, eq. 5.
    """
    keras = import_keras()
    rate = {
        "constant": learning_rate,
        "cosine": keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps=epochs * steps),
    }
    network.compile(
        optimizer=keras.optimizers.Adam(rate[schedule]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution(steps),
        # XLA on a CPU makes this three times slower.
        jit_compile=False,
    )
    network.optimizer.build(network.trainable_variables)
    # Makes the metrics' variables; made by the first step, they would have it traced twice.
    network.compute_metrics(None, np.zeros(1), np.ones((1, network.output_shape[-1])))
    network.reset_metrics()
