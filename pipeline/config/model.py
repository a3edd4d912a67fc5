"""The section `model`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.base.errors import InputError
from pipeline.config.section import MAX_LENGTH, Count, Line, PerBlock, Section, Several, Share

Activation = Literal["relu", "sigmoid", "tanh", "elu", "gelu", "silu", "linear"]
Initializer = Literal["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "random_normal"]
# Weights that are all but zero have no standard deviation in float32, and those beyond 1,000 no finite loss.
Deviation = Annotated[float, Field(ge=1e-6, le=1000)]


class ModelConfig(Section):
    """The network, as parallel lists with one entry per convolution block."""

    name: Line
    filters: Several[Count]
    kernel_size: PerBlock[Count]
    strides: PerBlock[Count]
    padding: PerBlock[Literal["same", "valid"]]
    activation: PerBlock[Activation]
    local_response_normalization: PerBlock[bool]
    pool: PerBlock[Literal["max", "average", "none"]]
    pool_size: PerBlock[Count]
    pool_strides: PerBlock[Count]
    dense: Annotated[list[Count], Field(max_length=MAX_LENGTH)]
    dropout: Share
    initializer: Initializer
    initializer_stddev: Deviation

    @model_validator(mode="after")
    def _check_lengths(self) -> "ModelConfig":
        for name, value in self:
            if isinstance(value, list) and name != "dense" and len(value) != len(self.filters):
                raise InputError(
                    f"model.{name}: received {value!r}, a list of {len(value)}, expected one value or"
                    f" a list of {len(self.filters)}, one for each of model.filters {self.filters!r}"
                )
        return self
