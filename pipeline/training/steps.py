"""Steps of training as one graph, and scoring as another: no Python but every `CHUNK` steps.

`keras.Model.fit` gives the same losses to rounding, in up to twice the time (docs/decisions/).
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.base.arrays import Array
from pipeline.network.batches import scaled
from pipeline.network.start import import_keras
from pipeline.training import augmentation
from pipeline.training.averaging import Average
from pipeline.training.optimizers import Optimizer
from pipeline.training.plan import Plan
from pipeline.training.sources import Source

if TYPE_CHECKING:
    import keras

# Between two chunks Ctrl-C is heard and the screen told; a chunk takes a fraction of a second.
CHUNK = 25

# Takes the source's feed, the epoch's tables, the first step and the one after the last; returns sums over
# the images: of cross-entropy, of right answers.
Steps = Callable[[Any, "Tables", Any, Any], tuple[Any, Any]]


class Tables(NamedTuple):
    """What the graph looks up in an epoch.

    Attributes:
        mirrored, shifts: of the plan.
        factors: float32 (steps,), of the learning rates.
        taken: int32 (), steps before this epoch.
    """

    mirrored: Any
    shifts: Any
    factors: Any
    taken: Any


class Augmentation(NamedTuple):
    """What is done to the images of a batch before they are shown.

    Attributes:
        flip: mirror those that the plan says.
        shift: pixels at most by which the plan moves a batch.
    """

    flip: bool
    shift: int


def make_steps(
    network: "keras.Sequential",
    optimizer: Optimizer,
    average: Average,
    source: Source,
    *,
    augment: Augmentation,
    label_smoothing: float,
    class_weights: Array | None = None,
) -> Steps:
    """Build the graph of training steps.

    Args:
        network: uncompiled, its last layer a softmax.
        optimizer: of its trainable variables.
        average: of the same, told after each step.
        source: of images and labels.
        augment: of the images.
        label_smoothing: share of a target that is spread over all classes.
        class_weights: (K,) float32, by which the losses of a class's images are multiplied, or None.
    """
    import tensorflow as tf

    variables = [variable.value for variable in network.trainable_variables]

    def one(feed: Any, tables: Tables, step: Any, sums: Any) -> Any:
        images, labels = _shown(source, augment, feed, tables, step)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            probabilities = network(images, training=True)
            losses = _losses(labels, probabilities, label_smoothing)
            if class_weights is not None:
                losses *= tf.gather(class_weights, labels)
            loss = tf.reduce_mean(losses)
        taken = tables.taken + step
        optimizer.update(tape.gradient(loss, variables), tables.factors[step], taken)
        average.update(taken)
        return _added(sums, labels, probabilities)

    def run(feed: Any, tables: Tables, first: Any, last: Any) -> Any:
        _, sums = tf.while_loop(
            lambda step, sums: step < last,
            lambda step, sums: (step + 1, one(feed, tables, step, sums)),
            (first, _no_sums()),
        )
        return sums

    # XLA on a CPU makes this three times slower.
    return tf.function(run, jit_compile=False, autograph=False)  # type: ignore[no-any-return]


def balanced_weights(labels: Array, num_classes: int) -> Array:
    """(K,) float32 weights with which all classes count the same, 1 on average over the images.

    Args:
        labels: (N,) of the training images, some of each class.
        num_classes: K.
    """
    counts = np.bincount(labels, minlength=num_classes)
    return (len(labels) / (num_classes * counts)).astype(np.float32)


def _shown(source: Source, augment: Augmentation, feed: Any, tables: Tables, step: Any) -> tuple[Any, Any]:
    """The batch of a step as the network sees it: varied, scaled images and int32 labels."""
    import tensorflow as tf

    images, labels = source.take(feed, step)
    if augment.flip:
        part = slice(step * source.batch_size, (step + 1) * source.batch_size)
        images = augmentation.mirrored(images, tables.mirrored[part])
    if augment.shift:
        images = augmentation.shifted(images, tables.shifts[step], augment.shift)
    return scaled(images), tf.cast(labels, tf.int32)


def _losses(labels: Any, probabilities: Any, smoothing: float) -> Any:
    """Cross-entropy of each image in nats; of its target, `smoothing` is spread over all classes."""
    keras = import_keras()
    if not smoothing:
        return keras.losses.sparse_categorical_crossentropy(labels, probabilities)
    targets = keras.ops.one_hot(labels, probabilities.shape[-1])
    return keras.losses.categorical_crossentropy(targets, probabilities, label_smoothing=smoothing)


def _no_sums() -> tuple[Any, Any]:
    import tensorflow as tf

    return tf.constant(0.0, tf.float64), tf.constant(0, tf.int64)


def _added(sums: tuple[Any, Any], labels: Any, probabilities: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    losses = _losses(labels, probabilities, 0.0)
    right = tf.equal(tf.argmax(probabilities, -1, labels.dtype), labels)
    return (
        sums[0] + tf.reduce_sum(tf.cast(losses, tf.float64)),
        sums[1] + tf.math.count_nonzero(right),
    )


def run_epoch(
    run: Steps, source: Source, plan: Plan, factors: Array, epoch: int, told: Callable[[int], None]
) -> tuple[float, float]:
    """Train one epoch.

    Args:
        run: of `make_steps`.
        source: the same.
        plan: of this epoch.
        factors: float32 (steps,), of the learning rates in this epoch.
        epoch: from 0.
        told: called with the number of steps done, several times a second.

    Returns:
        Mean cross-entropy (nats, without label smoothing) and accuracy over the images as they were shown,
        each by the weights of its step; a loss that is not finite as soon as there is one.
    """
    import tensorflow as tf

    feed, steps = source.feed(plan.order), len(factors)
    tables = Tables(*map(tf.constant, (plan.mirrored, plan.shifts, factors, epoch * steps)))
    loss, right = 0.0, 0
    for first in range(0, steps, CHUNK):
        last = min(first + CHUNK, steps)
        part = run(feed, tables, tf.constant(first), tf.constant(last))
        loss, right = loss + float(part[0]), right + int(part[1])
        told(last)
        if not math.isfinite(loss):
            break
    return loss / len(plan.order), right / len(plan.order)


def make_scorer(network: "keras.Sequential", source: Source) -> Callable[[], tuple[float, float]]:
    """Build a function that gives mean cross-entropy (nats) and accuracy over all of a source."""
    import tensorflow as tf

    def one(feed: Any, step: Any, sums: Any) -> Any:
        images, labels = source.take(feed, step)
        return _added(sums, tf.cast(labels, tf.int32), network(scaled(images), training=False))

    def run(feed: Any) -> Any:
        _, sums = tf.while_loop(
            lambda step, sums: step < source.steps,
            lambda step, sums: (step + 1, one(feed, step, sums)),
            (tf.constant(0), _no_sums()),
            # No batch waits for another here: several at once, as is the default, are in memory together.
            parallel_iterations=1,
        )
        return sums

    run_graph = tf.function(run, jit_compile=False, autograph=False)

    def score() -> tuple[float, float]:
        loss, right = run_graph(source.feed(np.arange(source.count)))
        return float(loss) / source.count, int(right) / source.count

    return score
