"""The section `runtime`."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.section import Section

# TensorFlow starts them all at once; few machines have more cores.
MAX_THREADS = 256


class RuntimeConfig(Section):
    """The machine: part of the configuration, since it changes the result as another seed does."""

    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)]
    device: Literal["auto", "cpu", "gpu"]
    precision: Literal["auto", "float32", "mixed_bfloat16"]
