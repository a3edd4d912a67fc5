"""Starting TensorFlow."""

import pytest

from pipeline.base.errors import InputError
from pipeline.network.start import configure_runtime


def test_a_gpu_that_is_not_there_is_refused():
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        configure_runtime(seed=1, threads=2, device="gpu")
    else:
        with pytest.raises(InputError, match=r"runtime\.device: received gpu, but TensorFlow sees none"):
            configure_runtime(seed=1, threads=2, device="gpu")
