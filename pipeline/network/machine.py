"""The machine: which precision it computes fast in, and the record of what may change bytes."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "h5py", "scikit-learn", "matplotlib", "pillow", "dvc")
# By these TensorFlow and NumPy choose the code that multiplies matrices.
VECTOR_INSTRUCTIONS = re.compile(r"(avx|amx|fma)")
CPU_INFO = Path("/proc/cpuinfo")
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
# Ampere, the first with bfloat16 in its tensor cores.
GPU_CAPABILITY = (8, 0)


def dtype_policy(precision: str, *, mixed: bool) -> str:
    """Name of the Keras policy to compute in: "float32" or "mixed_bfloat16".

    Args:
        precision: `runtime.precision`; "auto" leaves it to the recipe and the processor.
        mixed: `train.mixed_precision`, whether the recipe was made for less than float32.
    """
    if precision != "auto":
        return precision
    return "mixed_bfloat16" if mixed and has_bfloat16() else "float32"


def has_bfloat16() -> bool:
    """Whether the GPU in use, or else the CPU, multiplies matrices of bfloat16 by instructions of its own."""
    gpu = _gpu()
    if gpu is None:
        return bool(CPU_FLAGS & cpu_flags(CPU_INFO))
    capability = gpu.get("compute_capability")
    return capability is not None and capability >= GPU_CAPABILITY


def made_with(*, threads: int, policy: str) -> dict[str, Any]:
    """The record of what a network was trained with, for JSON; holds no time, path or name of a host."""
    gpu = _gpu()
    return {
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "system": " ".join([platform.system(), platform.machine(), *platform.libc_ver()]),
        "processor": processor(CPU_INFO),
        "instructions": " ".join(sorted(filter(VECTOR_INSTRUCTIONS.match, cpu_flags(CPU_INFO)))),
        "gpu": gpu and gpu["device_name"],
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
        "threads": threads,
        "precision": policy,
    }


def _gpu() -> dict[str, Any] | None:
    """What TensorFlow tells of the GPU in use, if any; its name in any case."""
    import tensorflow as tf

    for gpu in tf.config.get_visible_devices("GPU"):
        return {"device_name": gpu.name, **tf.config.experimental.get_device_details(gpu)}
    return None


def processor(path: Path) -> str:
    """The kind of CPU that Linux names in that file; virtual machines share a name, so its numbers too."""
    fields = _cpu_fields(path)
    numbers = [f"{name} {fields[name]}" for name in ("cpu family", "model", "stepping") if name in fields]
    return ", ".join([fields.get("model name", platform.machine()), *numbers])


def cpu_flags(path: Path) -> set[str]:
    """The instruction sets that Linux names in that file; none where there is no such file."""
    return set(_cpu_fields(path).get("flags", "").split())


def _cpu_fields(path: Path) -> dict[str, str]:
    """What that file tells of the first core, by name; nothing where there is no such file."""
    try:
        first = path.read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    pairs = [line.partition(":") for line in first.splitlines()]
    return {name.strip(): value.strip() for name, _, value in pairs}
