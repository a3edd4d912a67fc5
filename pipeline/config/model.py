"""The section `model`."""

from dataclasses import dataclass, fields

from pipeline.base.errors import InputError
from pipeline.config.fields import COUNT, FLAG, POSITIVE, SHARE, checked, choice, list_of, per_block

ACTIVATIONS = ("relu", "sigmoid", "tanh", "elu", "gelu", "silu", "linear")

# What `initializer_stddev` has to be where no initializer uses it.
IDLE_STDDEV = 0.01


@dataclass(frozen=True)
class ModelConfig:
    """The network, as parallel lists with one entry per convolution block."""

    filters: list[int] = list_of(*COUNT)
    kernel_size: int | list[int] = per_block(*COUNT)
    strides: int | list[int] = per_block(*COUNT)
    padding: str | list[str] = per_block("same or valid", lambda v: v in ("same", "valid"))
    activation: str | list[str] = per_block("one of " + ", ".join(ACTIVATIONS), lambda v: v in ACTIVATIONS)
    local_response_normalization: bool | list[bool] = per_block(*FLAG)
    pool: str | list[str] = per_block("max, average or none", lambda v: v in ("max", "average", "none"))
    pool_size: int | list[int] = per_block(*COUNT)
    pool_strides: int | list[int] = per_block(*COUNT)
    dense: list[int] = list_of(*COUNT, minimum=0)
    dropout: float = checked(*SHARE)
    initializer: str = choice("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "random_normal")
    initializer_stddev: float = checked(*POSITIVE)

    def __post_init__(self) -> None:
        if self.initializer != "random_normal" and self.initializer_stddev != IDLE_STDDEV:
            raise InputError(
                f"model.initializer_stddev: received {self.initializer_stddev}, which does nothing for"
                f" model.initializer {self.initializer}; expected {IDLE_STDDEV}, or initializer random_normal"
            )
        blocks = len(self.filters)
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, list) and f.name != "dense" and len(value) != blocks:
                raise InputError(
                    f"model.{f.name}: received {value!r}, a list of {len(value)}, expected one value or"
                    f" a list of {blocks}, one for each of model.filters {self.filters!r}"
                )
