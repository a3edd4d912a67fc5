"""In which precision layers compute: bfloat16 where the processor has instructions for it."""

from pathlib import Path

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
    import tensorflow as tf

    for gpu in tf.config.get_visible_devices("GPU"):
        capability = tf.config.experimental.get_device_details(gpu).get("compute_capability")
        return capability is not None and capability >= GPU_CAPABILITY
    return bool(CPU_FLAGS & cpu_flags(CPU_INFO))


def cpu_flags(path: Path) -> set[str]:
    """The instruction sets that Linux names in that file; none where there is no such file."""
    return set(cpu_fields(path).get("flags", "").split())


def cpu_fields(path: Path) -> dict[str, str]:
    """What that file tells of the first core, by name; nothing where there is no such file."""
    try:
        first = path.read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = [line.partition(":") for line in first.splitlines()]
    return {name.strip(): value.strip() for name, _, value in pairs}
