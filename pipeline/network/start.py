"""Starting TensorFlow: quickly, quietly, and so that a run can be repeated."""

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError

# What Keras imports for wrappers that are not used here: 1.6 of 4.2 s of its import.
UNUSED_BY_KERAS = ("sklearn", "matplotlib", "scipy")


def import_keras() -> Any:
    """Import Keras on TensorFlow without TensorFlow's start-up messages, in half of the usual time."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        # On takes a quarter off the time, also where TensorFlow leaves it off; it changes the last bits.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        _import_quickly()
    import keras

    return keras


def _import_quickly() -> None:
    """Import Keras without what it does not need, and without collecting garbage, of which there is none."""
    hidden = [name for name in UNUSED_BY_KERAS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    gc.disable()
    try:
        with _silent_stderr():
            importlib.import_module("keras")
    finally:
        # These half a million objects stay: no later collection, nor the end of the process, need visit them.
        gc.freeze()
        gc.enable()
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Silence C++ code: TensorFlow writes to stderr before it reads TF_CPP_MIN_LOG_LEVEL."""
    stderr = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


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
