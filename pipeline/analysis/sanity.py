"""Whether maps of attribution can be trusted: do they depend on what the network learned?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.analysis.attributions import FIRST_STEPS, gradient_function, integrated_gradients, logit_model
from pipeline.base.arrays import Array
from pipeline.network.batches import batch_size
from pipeline.network.keras_types import Layer, Model
from pipeline.network.outputs import separated

# Rank correlation above which a map of a wholly random network still looks like the trained one's.
SANITY_LIMIT = 0.5


def cascade(network: Model, images: Array, seed: int) -> dict[str, Array]:
    """Integrated gradients of a network whose layers become random one after the other, top first.

    Args:
        network: the trained one, left as it is.
        images: (N, H, W, C) uint8; of each the logit of the class that the trained network predicts.
        seed: of the random weights, drawn as the layers were initialized.

    Returns:
        Maps (N, H, W) float64 by the layer down to which the network is random: first "none", the trained
        network's, then each layer with weights.

    References:
        Adebayo et al., Sanity checks for saliency maps, 2018, section 4.1.
    """
    apart = separated(network)
    logits = logit_model(apart)
    gradients = gradient_function(logits)
    predicted = np.asarray(logits([images.astype(np.float32) / 255.0])).argmax(axis=1)

    def maps() -> Array:
        pairs = zip(images, predicted.tolist(), strict=True)
        found = [integrated_gradients(gradients, *p, FIRST_STEPS, batch_size(logits)) for p in pairs]
        return np.stack([values.sum(axis=-1) for values in found])

    found = {"none": maps()}
    weighted = [layer for layer in apart.layers if layer.weights]
    for number, layer in enumerate(reversed(weighted)):
        layer.set_weights(_fresh_weights(layer, seed + number))
        found[layer.name] = maps()
    return found


def _fresh_weights(layer: Layer, seed: int) -> list[Array]:
    initializer = layer.kernel_initializer
    again = type(initializer).from_config({**initializer.get_config(), "seed": seed})
    kernel, bias = (tuple(weight.shape) for weight in layer.weights)
    return [np.asarray(again(kernel)), np.asarray(layer.bias_initializer(bias))]


def edges(image: Array) -> Array:
    """Strength of the edges (H, W) of an image (H, W, C) uint8 by Sobel's filter; knows no network."""
    from scipy.ndimage import sobel

    grey = image.mean(axis=-1) / 255.0
    strength: Array = np.hypot(sobel(grey, axis=0), sobel(grey, axis=1))
    return strength


def rank_correlation(first: Array, second: Array, where: Array) -> float | None:
    """Spearman's rank correlation of two maps where a mask holds; None when either is constant there.

    Args:
        first: float (H, W).
        second: float (H, W).
        where: bool (H, W); black pixels are left out, whose attribution is zero by definition.
    """
    from scipy.stats import spearmanr

    one, other = first[where], second[where]
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(spearmanr(one, other).statistic)


def _mean_correlations(steps: Sequence[Array], where: Array) -> list[float | None]:
    """Of each step's maps (N, H, W) with the first step's: the mean `rank_correlation` of the images.

    An image with a constant map counts nowhere; None when all have one. The first step's own is 1.
    """
    means: list[float | None] = [1.0]
    for maps in steps[1:]:
        found = [rank_correlation(*row) for row in zip(steps[0], maps, where, strict=True)]
        known = [value for value in found if value is not None]
        means.append(float(np.mean(known)) if known else None)
    return means


def describe(steps: Mapping[str, Array], images: Array) -> dict[str, Any]:
    """JSON values: mean rank correlations with the trained network's maps, and who passes.

    A method passes when the wholly random network's maps correlate with them less than 0.5. Of maps that
    are constant, as a dead network's are, and of images without an edge nothing can be said: `passed` is
    None, and `reason` says why.

    Args:
        steps: of `cascade`.
        images: (N, H, W, C) uint8, the same.
    """
    lit = images.max(axis=-1) > 0
    control = np.stack([edges(image) for image in images])
    signed = _mean_correlations(list(steps.values()), lit)
    unsigned = _mean_correlations([np.abs(maps) for maps in steps.values()], lit)
    unchanged = _mean_correlations([control] * len(steps), lit)
    constant = "maps" if signed[-1] is None else "images" if unchanged[-1] is None else None
    return {
        "images": len(images),
        "random_down_to": list(steps),
        "integrated_gradients": signed,
        "integrated_gradients_without_sign": unsigned,
        "edge_detector": unchanged,
        "limit": SANITY_LIMIT,
        "passed": None if constant else _passes(signed[-1]),
        "edge_detector_passed": _passes(unchanged[-1]),
        **({"reason": f"not applicable: the {constant} are constant"} if constant else {}),
    }


def _passes(correlation: float | None) -> bool | None:
    return None if correlation is None else abs(correlation) < SANITY_LIMIT
