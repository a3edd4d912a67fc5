"""What a network was trained with, as far as it may change bytes: versions, processor, threads, precision."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline.network.precision import CPU_INFO, cpu_fields, cpu_flags

PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "h5py", "scikit-learn", "matplotlib", "pillow", "dvc")
# By these TensorFlow and NumPy choose the code that multiplies matrices.
VECTOR_INSTRUCTIONS = re.compile(r"(avx|amx|fma)")


def made_with(*, threads: int, precision: str) -> dict[str, Any]:
    """The record, for JSON; holds no time, path or name of a host.

    Args:
        threads: that TensorFlow computes with.
        precision: the policy that was taken.
    """
    return {
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "system": " ".join([platform.system(), platform.machine(), *platform.libc_ver()]),
        "processor": processor(CPU_INFO),
        "instructions": " ".join(sorted(filter(VECTOR_INSTRUCTIONS.match, cpu_flags(CPU_INFO)))),
        "gpu": _gpu(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
        "threads": threads,
        "precision": precision,
    }


def processor(path: Path) -> str:
    """The kind of CPU that Linux names in that file; virtual machines share a name, so its numbers too."""
    fields = cpu_fields(path)
    numbers = [f"{name} {fields[name]}" for name in ("cpu family", "model", "stepping") if name in fields]
    return ", ".join([fields.get("model name", platform.machine()), *numbers])


def _gpu() -> str | None:
    """Name of the one in use, if any."""
    import tensorflow as tf

    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.get_visible_devices("GPU")
    ]
    return names[0] if names else None
