"""The section `runtime`."""

from dataclasses import dataclass

from pipeline.config.fields import choice, whole

# TensorFlow starts them all at once; few machines have more cores.
MAX_THREADS = 256


@dataclass(frozen=True)
class RuntimeConfig:
    """The machine: part of the configuration, since it changes the result as another seed does."""

    threads: int = whole(1, MAX_THREADS)
    device: str = choice("auto", "cpu", "gpu")
    precision: str = choice("auto", "float32", "mixed_bfloat16")
