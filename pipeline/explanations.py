"""Deeper looks: what excites each filter, what it is worth, which pixels a class rests on, and whether
such a map can be trusted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.features import extractor, separated
from pipeline.files import Array
from pipeline.models import window_output
from pipeline.training import EVALUATION_BATCH, batches

if TYPE_CHECKING:
    import keras

PATCHES = 9
COMPLETENESS = 0.01
FIRST_STEPS, MOST_STEPS = 64, 4096
# Rank correlation above which a map of a wholly random network still looks like the trained one's.
SANITY_LIMIT = 0.5


# Receptive fields


@dataclass(frozen=True)
class ReceptiveField:
    """Pixels, along one axis, that an output depends on: output u on `size` pixels from start + u * jump."""

    size: int = 1
    jump: int = 1
    start: int = 0

    def extent(self, output: int) -> tuple[int, int]:
        """First pixel, and the one after the last, of that output; may lie outside of the image."""
        first = self.start + output * self.jump
        return first, first + self.size


def widened(field: ReceptiveField, size: int, window: int, stride: int, padding: str) -> ReceptiveField:
    """The receptive field after one more window of a convolution or a pooling.

    Args:
        field: of the layer before.
        size: pixels of that layer's output along the axis.
        window: of the new layer.
        stride: likewise.
        padding: "same" (as TensorFlow pads: the odd pixel after) or "valid".

    References:
        Araujo, Norris and Sim, Computing receptive fields of convolutional neural networks, Distill,
        2019.
    """
    needed = (window_output(size, window, stride, padding) - 1) * stride + window
    before = max(0, needed - size) // 2 if padding == "same" else 0
    wider = field.size + (window - 1) * field.jump
    return ReceptiveField(wider, field.jump * stride, field.start - before * field.jump)


def receptive_fields(network: "keras.Model") -> dict[str, tuple[ReceptiveField, ReceptiveField]]:
    """Receptive field down and across of each layer up to `Flatten`, by layer name."""
    fields: dict[str, tuple[ReceptiveField, ReceptiveField]] = {}
    current = (ReceptiveField(), ReceptiveField())
    for layer in network.layers:
        if type(layer).__name__ == "Flatten":
            break
        windows = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
        if windows is not None:
            sizes = zip(current, layer.input.shape[1:3], windows, layer.strides, strict=True)
            down, across = (widened(*size, layer.padding) for size in sizes)
            current = down, across
        fields[layer.name] = current
    return fields


def crop(image: Array, rows: tuple[int, int], columns: tuple[int, int]) -> Array:
    """Part of an image (H, W, C) as float64 in 0..1; NaN where it reaches beyond the image."""
    height, width, channels = image.shape
    part = np.full((rows[1] - rows[0], columns[1] - columns[0], channels), np.nan)
    top, bottom = max(0, rows[0]), min(height, rows[1])
    left, right = max(0, columns[0]), min(width, columns[1])
    inside = image[top:bottom, left:right] / 255.0
    part[top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]] = inside
    return part


# Patches


@dataclass(frozen=True)
class Patches:
    """The strongest outputs of each filter of a layer, at most one per image, the strongest first.

    Attributes:
        activations: float32 (F, P).
        images: int64 (F, P), numbers of the images.
        rows: int64 (F, P), of the output in the feature map.
        columns: likewise.
    """

    activations: Array
    images: Array
    rows: Array
    columns: Array

    def best(self, count: int) -> "Patches":
        """The `count` strongest of each filter; of equal ones the earliest image."""
        order = np.argsort(-self.activations, axis=1, kind="stable")[:, :count]
        return Patches(*(np.take_along_axis(a, order, axis=1) for a in self._arrays()))

    def joined(self, other: "Patches") -> "Patches":
        """These and those of later images."""
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return Patches(*(np.concatenate(pair, axis=1) for pair in pairs))

    def _arrays(self) -> list[Array]:
        return [self.activations, self.images, self.rows, self.columns]


def strongest_patches(network: "keras.Model", names: Sequence[str], images: Array) -> dict[str, Patches]:
    """Where in which images each filter is excited most; one batch in memory at a time.

    Args:
        network: the trained network.
        names: of convolution layers.
        images: (N, H, W, C) uint8.

    References:
        Zeiler and Fergus, Visualizing and understanding convolutional networks, 2014, section 2.1.
    """
    import tensorflow as tf

    model = extractor(network, names)
    widths = {name: network.get_layer(name).output.shape[2] for name in names}

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def peaks(batch: Any) -> dict[str, Any]:
        outputs = model([batch])
        flat = {n: tf.reshape(outputs[n], (len(outputs[n]), -1, outputs[n].shape[-1])) for n in names}
        return {n: (tf.reduce_max(flat[n], axis=1), tf.argmax(flat[n], axis=1)) for n in names}

    found: dict[str, Patches] = {}
    first = 0
    for batch in batches(images, EVALUATION_BATCH):
        for name, (values, places) in peaks(batch).items():
            new = _patches(values.numpy().T, places.numpy().T, first, widths[name])
            found[name] = (found[name].joined(new) if name in found else new).best(PATCHES)
        first += len(batch)
    return found


def _patches(values: Array, places: Array, first: int, width: int) -> Patches:
    numbers = np.broadcast_to(np.arange(first, first + values.shape[1]), values.shape)
    return Patches(values, numbers, places // width, places % width)


def crops(
    patches: Patches, fields: tuple[ReceptiveField, ReceptiveField], images: Array, threshold: float
) -> list[list[Array]]:
    """The patches (h, w, C) of each filter, see `crop`; without those that do not exceed a threshold."""
    down, across = fields
    rows = zip(patches.activations, patches.images, patches.rows, patches.columns, strict=True)
    return [
        [
            crop(images[image], down.extent(row), across.extent(column))
            for value, image, row, column in zip(*each, strict=True)
            if value > threshold
        ]
        for each in rows
    ]


def recomputed(
    network: "keras.Model",
    name: str,
    patches: Patches,
    fields: tuple[ReceptiveField, ReceptiveField],
    images: Array,
) -> Array:
    """The activations (F, P) once more, from the patches alone: all pixels beyond them are set to zero.

    Equal to `patches.activations` when the receptive fields are right.
    """
    model = extractor(network, [name])
    units = list(zip(*(a.ravel() for a in (patches.images, patches.rows, patches.columns)), strict=True))
    values = []
    for start in range(0, len(units), EVALUATION_BATCH):
        part = units[start : start + EVALUATION_BATCH]
        alone = np.stack([_only_patch(images[n], fields[0], fields[1], row, col) for n, row, col in part])
        outputs = np.asarray(model([alone.astype(np.float32) / 255.0])[name])
        filters = [(start + i) // patches.images.shape[1] for i in range(len(part))]
        values += [outputs[i, row, col, filters[i]] for i, (_, row, col) in enumerate(part)]
    return np.array(values).reshape(patches.activations.shape)


def _only_patch(image: Array, down: ReceptiveField, across: ReceptiveField, row: int, column: int) -> Array:
    (top, bottom), (left, right) = down.extent(row), across.extent(column)
    place = (slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right)))
    alone = np.zeros_like(image)
    alone[place] = image[place]
    return alone


# Ablation


def ablation(network: "keras.Model", name: str, images: Array, labels: Array) -> tuple[float, Array]:
    """Accuracy, and how much of it is lost when one filter's output is set to zero.

    Args:
        network: the trained network.
        name: of a convolution layer.
        images: (N, H, W, C) uint8.
        labels: (N,) uint8.

    Returns:
        The accuracy of the whole network, and float64 (F,): the share of the images lost (negative
        where the network is better without the filter).

    References:
        Morcos et al., On the importance of single directions for generalization, 2018, section 2.2.
    """
    count = _correct_counter(network, name)
    filters = network.get_layer(name).output.shape[-1]
    masks = np.vstack([np.ones(filters), 1 - np.eye(filters)]).astype(np.float32)
    head = extractor(network, [name])
    correct = np.zeros(len(masks), np.int64)
    for batch, truth in batches(images, EVALUATION_BATCH, labels):
        outputs = head([batch])[name]
        correct += [int(count(outputs, mask, truth)) for mask in masks]
    return correct[0] / len(images), (correct[0] - correct[1:]) / len(images)


def _correct_counter(network: "keras.Model", name: str) -> Callable[[Any, Array, Any], Any]:
    """A function from a layer's outputs, a mask of its filters and the labels to the number of hits."""
    import tensorflow as tf

    position = [layer.name for layer in network.layers].index(name)
    after = network.layers[position + 1 :]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def count(outputs: Any, mask: Any, truth: Any) -> Any:
        values = outputs * mask
        for layer in after:
            values = layer(values)
        hits = tf.argmax(values, axis=1) == tf.cast(truth, tf.int64)
        return tf.math.count_nonzero(hits)

    return count  # type: ignore[no-any-return]


# Attribution


@dataclass(frozen=True)
class Attribution:
    """What each input value adds to a logit, against a black image.

    Attributes:
        values: float64 (H, W, C).
        class_number: of the logit.
        logit: of the image.
        baseline_logit: of the black image.
        steps: of the integral.
    """

    values: Array
    class_number: int
    logit: float
    baseline_logit: float
    steps: int

    @property
    def completeness_error(self) -> float:
        """|sum of values - difference of logits| / |difference|: 0 for an exact integral."""
        difference = self.logit - self.baseline_logit
        return abs(float(self.values.sum()) - difference) / max(abs(difference), 1e-12)


def logit_model(apart: "keras.Model") -> "keras.Model":
    """From the input to the values before softmax of a network with separated activations."""
    import keras

    return keras.Model(apart.inputs, apart.layers[-2].output)


def gradient_function(logits: "keras.Model") -> Callable[[Array, int], Array]:
    """A function from float32 inputs (N, H, W, C) and a class to the gradients of its logit there."""
    import tensorflow as tf

    classes = logits.output.shape[-1]
    signature = [tf.TensorSpec(logits.input_shape, tf.float32), tf.TensorSpec((), tf.int32)]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def gradients(inputs: Any, number: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            chosen = tf.reduce_sum(logits([inputs]) * tf.one_hot(number, classes))
        return tape.gradient(chosen, inputs)

    return lambda inputs, number: gradients(tf.constant(inputs), tf.constant(number)).numpy()


def integrated_gradients(
    gradients: Callable[[Array, int], Array], image: Array, class_number: int, steps: int
) -> Array:
    """Integrated gradients of a logit from a black image, by the midpoint rule.

    Args:
        gradients: see `gradient_function`.
        image: (H, W, C) uint8.
        class_number: whose logit.
        steps: of the integral.

    Returns:
        float64 (H, W, C); their sum is the logit's difference from the black image's.

    References:
        Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, 2017, eq. 1.
    """
    scaled = image.astype(np.float32) / np.float32(255)
    total = np.zeros(image.shape)
    for start in range(0, steps, EVALUATION_BATCH):
        numbers = np.arange(start, min(start + EVALUATION_BATCH, steps))
        shares = ((numbers + 0.5) / steps).astype(np.float32).reshape(-1, 1, 1, 1)
        total += gradients(shares * scaled, class_number).sum(axis=0, dtype=np.float64)
    return scaled * total / steps


def attribute(
    logits: "keras.Model", gradients: Callable[[Array, int], Array], image: Array, class_number: int
) -> Attribution:
    """Integrated gradients with twice the steps until they are complete within 1 %, up to 4,096.

    Args:
        logits: see `logit_model`.
        gradients: its `gradient_function`.
        image: (H, W, C) uint8.
        class_number: whose logit.
    """
    pair = np.stack([image, np.zeros_like(image)]).astype(np.float32) / 255.0
    logit, baseline = (float(row[class_number]) for row in np.asarray(logits([pair])))
    steps = FIRST_STEPS
    while True:
        values = integrated_gradients(gradients, image, class_number, steps)
        found = Attribution(values, class_number, logit, baseline, steps)
        if found.completeness_error <= COMPLETENESS or steps >= MOST_STEPS:
            return found
        steps *= 2


def describe(attribution: Attribution, classes: Sequence[str]) -> dict[str, Any]:
    """JSON values: the class, both logits, the sum of the attribution and how complete it is."""
    return {
        "class": classes[attribution.class_number],
        "logit": attribution.logit,
        "baseline_logit": attribution.baseline_logit,
        "sum": float(attribution.values.sum()),
        "steps": attribution.steps,
        "completeness_error": attribution.completeness_error,
        "complete": attribution.completeness_error <= COMPLETENESS,
    }


# The sanity test


@dataclass(frozen=True)
class SanityStep:
    """Maps (N, H, W) float64 of some images after the layers down to `layer` were made random."""

    layer: str
    maps: Array


def cascade(network: "keras.Model", images: Array, seed: int) -> Iterator[SanityStep]:
    """Integrated gradients of a network whose layers become random one after the other, top first.

    Args:
        network: the trained one, left as it is.
        images: (N, H, W, C) uint8; of each the logit of the class that the trained network predicts.
        seed: of the random weights, drawn as the layers were initialized.

    Yields:
        First the trained network's maps (layer "none"), then those after each layer with weights.

    References:
        Adebayo et al., Sanity checks for saliency maps, 2018, section 4.1.
    """
    apart = separated(network)
    logits = logit_model(apart)
    gradients = gradient_function(logits)
    predicted = np.asarray(logits([images.astype(np.float32) / 255.0])).argmax(axis=1)

    def maps() -> Array:
        pairs = zip(images, predicted.tolist(), strict=True)
        return np.stack([integrated_gradients(gradients, *p, FIRST_STEPS).sum(axis=-1) for p in pairs])

    yield SanityStep("none", maps())
    weighted = [layer for layer in apart.layers if layer.weights]
    for number, layer in enumerate(reversed(weighted)):
        layer.set_weights(_fresh_weights(layer, seed + number))
        yield SanityStep(layer.name, maps())


def _fresh_weights(layer: "keras.Layer", seed: int) -> list[Array]:
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


def rank_correlation(first: Array, second: Array, where: Array) -> float:
    """Spearman's rank correlation of two maps where a mask holds; 0 when either is constant there.

    Args:
        first: float (H, W).
        second: float (H, W).
        where: bool (H, W); black pixels are left out, whose attribution is zero by definition.
    """
    from scipy.stats import spearmanr

    one, other = first[where], second[where]
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other).statistic)


def mean_correlations(steps: Sequence[Array], where: Array) -> list[float]:
    """Of each step's maps (N, H, W) with those of the first step, the mean over the images.

    Args:
        steps: maps (N, H, W) by step.
        where: bool (N, H, W), see `rank_correlation`.
    """
    return [
        float(np.mean([rank_correlation(*row) for row in zip(steps[0], maps, where, strict=True)]))
        for maps in steps
    ]


def describe_sanity(steps: Sequence[SanityStep], images: Array) -> dict[str, Any]:
    """JSON values: mean rank correlations with the trained network's maps, and who passes.

    A method passes when the wholly random network's maps correlate with them less than 0.5.

    Args:
        steps: of `cascade`.
        images: (N, H, W, C) uint8, the same.
    """
    lit = images.max(axis=-1) > 0
    control = np.stack([edges(image) for image in images])
    signed = mean_correlations([step.maps for step in steps], lit)
    unsigned = mean_correlations([np.abs(step.maps) for step in steps], lit)
    unchanged = mean_correlations([control for _ in steps], lit)
    return {
        "images": len(images),
        "random_down_to": [step.layer for step in steps],
        "integrated_gradients": signed,
        "integrated_gradients_without_sign": unsigned,
        "edge_detector": unchanged,
        "limit": SANITY_LIMIT,
        "passed": abs(signed[-1]) < SANITY_LIMIT,
        "edge_detector_passed": abs(unchanged[-1]) < SANITY_LIMIT,
    }
