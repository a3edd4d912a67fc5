"""Kernels and biases: statistics, distances.

A kernel has shape (height, width, C, F): C input channels, F filters.
"""

import math
from typing import Any

import numpy as np

from pipeline.base.arrays import Array
from pipeline.network.checkpoint import Layer

# Standard deviation of a normal distribution cut off at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


def statistics(kernel: Array, bias: Array) -> dict[str, Any]:
    """Shapes of kernel and bias (F,), the kernel's mean, standard deviation and extremes, its filters' norms.

    Returns:
        JSON values; `filter_norms` are the Euclidean norms of the F kernels of (height, width, C).
    """
    return {
        "kernel_shape": list(kernel.shape),
        "bias_shape": list(bias.shape),
        "mean": float(kernel.mean(dtype=np.float64)),
        "std": float(kernel.std(dtype=np.float64)),
        "min": float(kernel.min()),
        "max": float(kernel.max()),
        "filter_norms": [float(norm) for norm in filter_norms(kernel)],
    }


def filter_norms(kernel: Array) -> Array:
    """Euclidean norm (F,) of each filter of a kernel (height, width, C, F)."""
    # Given an axis it is a sum, not BLAS, which adds up otherwise with other threads.
    norms: Array = np.linalg.norm(_rows(kernel), axis=1)
    return norms


def _rows(kernel: Array) -> Array:
    """Each filter's weights as one row: (F, height * width * C) float64."""
    return kernel.reshape(-1, kernel.shape[-1]).T.astype(np.float64)


def initializer_limit(layer: Layer) -> tuple[str, float]:
    """Where the initializer's weights end: its words and the limit L, weights within -L..L.

    For a uniform initializer L is its bound; for a truncated normal one, twice the standard
    deviation that it draws with, beyond which it draws anew; for a plain normal one, which has no
    bound, two standard deviations (95 % of the weights).

    References:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
        2010, eq. 16. He et al., Delving deep into rectifiers, 2015, eq. 10.
    """
    initializer = layer.config["kernel_initializer"]
    name = initializer["class_name"]
    if name == "RandomNormal":
        return "2 standard deviations", 2 * initializer["config"]["stddev"]
    fan_in = math.prod(layer.kernel.shape[:-1])
    fan_out = math.prod(layer.kernel.shape[:-2]) * layer.kernel.shape[-1]
    variance = 2 / (fan_in + fan_out) if name.startswith("Glorot") else 2 / fan_in
    if name.endswith("Uniform"):
        return "limit", math.sqrt(3 * variance)
    return "limit", 2 * math.sqrt(variance) / TRUNCATED_STDDEV


def compare(trained: Array, untrained: Array) -> dict[str, Any]:
    """How far training moved a kernel (height, width, C, F) from where it began.

    Returns:
        JSON values. `wasserstein` is the Wasserstein-1 distance between the two distributions of
        weights, in units of weight; `kolmogorov_smirnov` the largest difference of their cumulative
        distributions, 0..1; `relative_travel` ||W - W0|| / ||W0||, None where W0 is all zero;
        `cosine` per filter, 1 for an unchanged direction (0 where a filter is all zero).

    References:
        Ramdas, Garcia and Cuturi, On Wasserstein two-sample testing, 2017. SciPy's
        `wasserstein_distance` and `ks_2samp`.
    """
    from scipy.stats import ks_2samp, wasserstein_distance

    after, before = trained.ravel().astype(np.float64), untrained.ravel().astype(np.float64)
    travel, length = np.linalg.norm(np.stack([after - before, before]), axis=1)
    return {
        "trained": {"mean": float(after.mean()), "std": float(after.std())},
        "untrained": {"mean": float(before.mean()), "std": float(before.std())},
        "wasserstein": float(wasserstein_distance(after, before)),
        # The method is that of the p-value, which is not used; an exact one may fail, and warns then.
        "kolmogorov_smirnov": float(ks_2samp(after, before, method="asymp").statistic),
        "relative_travel": float(travel / length) if length else None,
        "cosine": [float(value) for value in cosines(trained, untrained)],
    }


def cosines(trained: Array, untrained: Array) -> Array:
    """Cosine (F,) of the angle between each filter before and after training; 0 for a zero filter."""
    after, before = _rows(trained), _rows(untrained)
    products = (after * before).sum(axis=1)
    lengths = np.linalg.norm(after, axis=1) * np.linalg.norm(before, axis=1)
    quotients: Array = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return quotients


def colour_limit(configured: float | None, *kernels: Array) -> float:
    """Limit L of the colour range -L..L shared by kernels (height, width, C, F) that are compared.

    The configured one for kernels of one channel, whose weights are of like size in every network;
    else, or when it is None, the largest absolute weight (1 where all are zero).
    """
    if configured is not None and kernels[0].shape[2] == 1:
        return configured
    return max(float(np.abs(kernel).max()) for kernel in kernels) or 1.0
