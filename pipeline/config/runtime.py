"""The section `runtime`."""

from dataclasses import dataclass

from pipeline.config.fields import choice, whole


@dataclass(frozen=True)
class RuntimeConfig:
    """The machine: part of the configuration, since it changes the result as another seed does."""

    threads: int = whole(1)
    device: str = choice("auto", "cpu", "gpu")
    precision: str = choice("auto", "float32", "mixed_bfloat16")
