"""What every section of `params.yaml` is: a frozen pydantic model, strict about types and unknown keys."""

import unicodedata
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

# No count here is meant to be larger; one that is would fail late, or never end.
MAX_COUNT = 1_000_000
# Blocks of convolutions, dense layers, images shown.
MAX_LENGTH = 100
# Kinds of letters: control, half of a pair, ends of a line and a paragraph.
NOT_IN_A_LINE = {"Cc", "Cs", "Zl", "Zp"}


class Section(BaseModel):
    """A section, or what a stage reads of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _line(value: str) -> str:
    if not value or NOT_IN_A_LINE & set(map(unicodedata.category, value)):
        raise ValueError("expected a text of one line")
    return value


Item = TypeVar("Item")
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
# What NumPy and TensorFlow take as a seed.
Seed = Annotated[int, Field(ge=0, lt=2**32)]
# Can be shown in a line, written as UTF-8, and be a path.
Line = Annotated[str, AfterValidator(_line)]
Several = Annotated[list[Item], Field(min_length=1, max_length=MAX_LENGTH)]


def _one_or_several(value: Any) -> str:
    return "several" if isinstance(value, list) else "one"


# A value that is the same for every block of the network, or a list with one for each.
PerBlock = Annotated[
    Annotated[Item, Tag("one")] | Annotated[Several[Item], Tag("several")], Discriminator(_one_or_several)
]
