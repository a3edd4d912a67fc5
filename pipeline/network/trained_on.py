"""What a network was trained on, as its checkpoint says: `predict` then needs that one file."""

import json
import zipfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from pipeline.base.errors import InputError
from pipeline.config.section import Line, Section

KEY = "trained_on"


class TrainedOn(Section):
    """The images and classes of a network; a part of `metadata.json` in the archive.

    Attributes:
        classes: K names, in the order of the outputs.
        shape: (H, W, C) of an image.
        pixels: the lowest and the highest value of a pixel that the network takes.
        resize: "stretch" or "pad", how images of other sizes were brought to `shape`.
        deep_range: the value of a 16-bit file that is white; None where no file had 16 bits.
    """

    classes: Annotated[list[Line], Field(min_length=1)]
    shape: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)]
    pixels: Annotated[list[float], Field(min_length=2, max_length=2)]
    resize: Literal["stretch", "pad"]
    deep_range: Annotated[int, Field(ge=1, le=0xFFFF)] | None


def read_trained_on(path: Path) -> TrainedOn | None:
    """What a checkpoint says of itself; None for one of an earlier version.

    Raises:
        InputError: what it says is damaged. That the archive is one, `load_model` has to see first.
    """
    with zipfile.ZipFile(path) as archive:
        values = json.loads(archive.read("metadata.json")).get(KEY)
    try:
        return None if values is None else TrainedOn.model_validate(values)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"{path}: {KEY} {place}: {error.errors()[0]['msg']}") from None
