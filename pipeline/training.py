"""Training: the runtime, the batches, the epochs and the state that survives an interruption.

An epoch is one call of `fit`; between epochs everything that the next one depends on is a value of
`TrainingState`, so that a run continued from its file gives the same bytes as an unbroken one.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.arrays import RowFile
from pipeline.config import InputError
from pipeline.files import Array
from pipeline.models import import_keras

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

EVALUATION_BATCH = 250
MAX_STEPS_PER_EXECUTION = 50


@dataclass(frozen=True)
class TrainingState:
    """Everything between two epochs.

    Attributes:
        history: one dict per finished epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy.
        best_epoch: the epoch of the lowest validation loss so far, 0 before the first.
        wait: epochs since then.
        best_weights: the network's weights after that epoch.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    wait: int = 0
    best_weights: list[Array] = field(default_factory=list)

    @property
    def best(self) -> dict[str, float]:
        """The history's entry of the best epoch."""
        return self.history[self.best_epoch - 1]


def configure_runtime(*, seed: int, threads: int, device: str) -> None:
    """Fix seeds, threads and operations, so that the same run gives the same bytes.

    Args:
        seed: of Python, NumPy and TensorFlow.
        threads: of one operation and between operations.
        device: "cpu", "gpu", or "auto" for the first GPU when there is one.

    Raises:
        InputError: a GPU is asked for and TensorFlow sees none.
    """
    keras = import_keras()
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise InputError("runtime.device: received gpu, but TensorFlow sees none; expected auto or cpu")
    tf.config.set_visible_devices([] if device == "cpu" else gpus[:1], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)


def permutation(seed: int, epoch: int, count: int) -> Array:
    """Order of the training images in one epoch: int64 (count,), a pure function of its arguments.

    Keras' own shuffling of arrays, once seeded, repeats one order in every epoch.
    """
    return np.random.default_rng([seed, epoch]).permutation(count)


def batches(
    images: Array | RowFile, batch_size: int, labels: Array | None = None, order: Array | None = None
) -> "tf.data.Dataset":
    """Batches of float32 images in 0..1, with their labels when given; the last may be smaller.

    Args:
        images: (N, H, W, C) uint8, best on disk: only the batch at hand is read and converted.
        batch_size: images a batch.
        labels: (N,) uint8, or None for batches of images alone.
        order: (N,) row numbers, or None for the order of the arrays.
    """
    import tensorflow as tf

    def read(array: Array | RowFile, rows: Any) -> Any:
        batch = tf.numpy_function(array.__getitem__, [rows], tf.uint8)
        batch.set_shape((None, *array.shape[1:]))
        return batch

    def load(rows: Any) -> Any:
        scaled = tf.cast(read(images, rows), tf.float32) / 255.0
        return scaled if labels is None else (scaled, read(labels, rows))

    rows = np.arange(len(images)) if order is None else order
    options = tf.data.Options()
    # The autotuner's thread wakes every ten seconds, and an iterator waits for it before it ends.
    options.autotune.enabled = False
    numbered = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)
    return numbered.map(load).prefetch(2).with_options(options)


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


def fit(
    network: "keras.Sequential",
    run_epoch: Callable[[int], dict[str, float]],
    state: TrainingState,
    *,
    epochs: int,
    patience: int,
    after_epoch: Callable[[TrainingState], None],
) -> TrainingState:
    """Train epoch by epoch until `epochs`, or until `patience` epochs brought no lower loss.

    Args:
        network: whose weights the epochs change.
        run_epoch: trains the epoch of that number (from 0), returns loss, accuracy, val_loss and
            val_accuracy.
        state: an empty one, or one restored.
        epochs: how many at most, those of `state` included.
        patience: as Keras' `EarlyStopping`: stop after that many epochs without improvement, at
            least one.
        after_epoch: called with the new state, e.g. to save it.

    Raises:
        InputError: a loss is not finite.
    """
    while len(state.history) < epochs and not is_finished(state, patience):
        epoch = len(state.history)
        state = advance(state, run_epoch(epoch), network.get_weights)
        after_epoch(state)
    return state


def is_finished(state: TrainingState, patience: int) -> bool:
    """Whether the last epochs brought no lower validation loss for as long as `patience` allows."""
    return state.wait >= max(patience, 1)


def advance(
    state: TrainingState, logs: dict[str, float], weights: Callable[[], list[Array]]
) -> TrainingState:
    """The state after one more epoch.

    Raises:
        InputError: a loss is not finite.
    """
    epoch = len(state.history) + 1
    if not all(map(math.isfinite, logs.values())):
        values = ", ".join(f"{name} {value}" for name, value in logs.items())
        raise InputError(f"epoch {epoch}: {values}, expected finite numbers; lower train.learning_rate")
    history = [*state.history, {"epoch": epoch, **logs}]
    if not state.history or logs["val_loss"] < state.best["val_loss"]:
        return TrainingState(history, epoch, 0, weights())
    return replace(state, history=history, wait=state.wait + 1)


def pack(state: TrainingState, network: "keras.Sequential", digest: str) -> dict[str, Array]:
    """All that the next epoch depends on, as arrays: weights, dropout seeds, optimizer, history."""
    about = {k: v for k, v in asdict(state).items() if k != "best_weights"} | {"digest": digest}
    groups = {
        "model": [v.numpy() for v in network.variables],
        "optimizer": [v.numpy() for v in network.optimizer.variables],
        "best": state.best_weights,
    }
    arrays = {f"{name}_{i}": a for name, group in groups.items() for i, a in enumerate(group)}
    return {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays}


def unpack(arrays: dict[str, Array], network: "keras.Sequential", digest: str) -> TrainingState | None:
    """Put a packed state back into a compiled network; None when it belongs to another run."""
    about = json.loads(arrays["about"].tobytes())
    if about.pop("digest") != digest:
        return None

    def group(name: str) -> list[Array]:
        count = sum(key.startswith(f"{name}_") for key in arrays)
        return [arrays[f"{name}_{i}"] for i in range(count)]

    pairs = [(network.variables, "model"), (network.optimizer.variables, "optimizer")]
    for variables, name in pairs:
        for variable, value in zip(variables, group(name), strict=True):
            variable.assign(value)
    return TrainingState(**about, best_weights=group("best"))
