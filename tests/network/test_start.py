"""Starting TensorFlow."""

import gc
import weakref

import pytest

from pipeline.base.errors import InputError
from pipeline.network.start import configure_runtime, import_keras


def test_a_gpu_that_is_not_there_is_refused():
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        configure_runtime(seed=1, threads=2, device="gpu")
    else:
        with pytest.raises(InputError, match=r"runtime\.device: received gpu, but TensorFlow sees none"):
            configure_runtime(seed=1, threads=2, device="gpu")


def test_a_network_alive_when_keras_is_asked_for_is_freed_later(small_network):
    network = small_network()
    reference = weakref.ref(network)
    import_keras()
    del network
    gc.collect()
    assert reference() is None
