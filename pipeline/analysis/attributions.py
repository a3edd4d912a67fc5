"""Which pixels a class rests on: integrated gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.base.arrays import Array
from pipeline.network.batches import batch_size
from pipeline.network.keras_types import Model
from pipeline.network.outputs import logits_of

COMPLETENESS = 0.01
FIRST_STEPS, MOST_STEPS = 64, 4096


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


def logit_model(apart: Model) -> Model:
    """From the input to the values before softmax of a network with separated activations."""
    import keras

    return keras.Model(apart.inputs, logits_of(apart))


def gradient_function(logits: Model) -> Callable[[Array, int], Array]:
    """A function from float32 inputs (N, H, W, C) and a class to the gradients of its logit there."""
    import tensorflow as tf

    classes = logits.output.shape[-1]
    signature = [tf.TensorSpec(logits.input_shape, tf.float32), tf.TensorSpec((), tf.int32)]

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator]
    def gradients(inputs: Any, number: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            chosen = tf.reduce_sum(logits([inputs]) * tf.one_hot(number, classes))
        return tape.gradient(chosen, inputs)

    return lambda inputs, number: gradients(tf.constant(inputs), tf.constant(number)).numpy()


def integrated_gradients(
    gradients: Callable[[Array, int], Array], image: Array, class_number: int, steps: int, batch: int
) -> Array:
    """Integrated gradients of a logit from a black image, by the midpoint rule.

    Args:
        gradients: see `gradient_function`.
        image: (H, W, C) uint8.
        class_number: whose logit.
        steps: of the integral.
        batch: how many of them are taken at once.

    Returns:
        float64 (H, W, C); their sum is the logit's difference from the black image's.

    References:
        Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, 2017, eq. 1.
    """
    scaled = image.astype(np.float32) / np.float32(255)
    total = np.zeros(image.shape)
    for start in range(0, steps, batch):
        numbers = np.arange(start, min(start + batch, steps))
        shares = ((numbers + 0.5) / steps).astype(np.float32).reshape(-1, 1, 1, 1)
        total += gradients(shares * scaled, class_number).sum(axis=0, dtype=np.float64)
    return scaled * total / steps


def attribute(
    logits: Model, gradients: Callable[[Array, int], Array], image: Array, class_number: int
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
        values = integrated_gradients(gradients, image, class_number, steps, batch_size(logits))
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
