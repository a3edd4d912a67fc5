"""Starting TensorFlow: quickly, quietly, and so that a run can be repeated."""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.base.errors import InputError

HIDDEN_FROM_KERAS = ("sklearn", "matplotlib", "scipy")


def import_keras() -> Any:
    """Import Keras on TensorFlow without TensorFlow's start-up messages, in two thirds of the usual time."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # On takes a quarter off the time, also where TensorFlow leaves it off; it changes the last bits.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _silent_stderr(), _without_detours():
        import keras

    return keras


@contextmanager
def _without_detours() -> Iterator[None]:
    """Hide what Keras imports for wrappers that are not used here; collect no garbage: there is none."""
    hidden = [name for name in HIDDEN_FROM_KERAS if name not in sys.modules]
    collects = gc.isenabled()
    gc.disable()
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        # These half a million objects stay: later collections need not visit them.
        gc.freeze()
        if collects:
            gc.enable()


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep what C++ code writes, unless all fails; TensorFlow logs before it reads TF_CPP_MIN_LOG_LEVEL."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(kept, log.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


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
