"""The section `train`."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.section import MAX_COUNT, Count, Line, Positive, Section, Share

# Adam moves each weight by about the learning rate in every step, and weights begin at a tenth or so.
MAX_LEARNING_RATE = 10
# Images that are in memory together, with what every layer makes of them.
MAX_BATCH = 65_536
NotNegative = Annotated[int, Field(ge=0, le=MAX_COUNT)]


class TrainConfig(Section):
    """How long, how fast and on which variations of the images the network learns."""

    name: Line
    epochs: Count
    batch_size: Annotated[int, Field(ge=1, le=MAX_BATCH)]
    learning_rate: Annotated[float, Field(gt=0, le=MAX_LEARNING_RATE)]
    muon_learning_rate: Positive | None
    learning_rate_schedule: Literal["constant", "cosine", "triangle"]
    warmup: Share
    label_smoothing: Share
    class_weight: Literal["none", "balanced"]
    flip: bool
    shift: NotNegative
    average_decay: Share
    mixed_precision: bool
    patience: NotNegative | None
