"""Learning rates over a run, as factors of the recipe's rates: NumPy alone."""

import numpy as np

from pipeline.base.arrays import Array


def rate_factors(schedule: str, *, warmup: float, steps: int) -> Array:
    """Factor of the learning rate in each step: float32 (steps,) in 0..1.

    Args:
        schedule: "constant"; "cosine" for half a wave down to 0 with the last step; "triangle" for a straight
            line down to 0.
        warmup: share of the steps, from 0 to below 1, in which the rate rises in a straight line to its full
            height; what then falls, falls over the others.
        steps: of the whole run.

    References:
        Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017, eq. 5.
        Goyal et al., Accurate, large minibatch SGD, 2017, section 2.2 (gradual warm-up).
    """
    rising = int(warmup * steps)
    step = np.arange(steps)
    passed = np.maximum(step - rising, 0) / (steps - rising)
    falls = {
        "constant": np.ones(steps),
        "cosine": (1 + np.cos(np.pi * passed)) / 2,
        "triangle": 1 - passed,
    }
    rise = np.minimum((step + 1) / max(rising, 1), 1)
    factors: Array = np.minimum(rise, falls[schedule]).astype(np.float32)
    return factors
