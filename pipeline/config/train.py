"""The section `train`."""

from dataclasses import dataclass

from pipeline.config.fields import choice, positive, whole

# Images that are in memory together, with what every layer makes of them.
MAX_BATCH = 65_536


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast the network learns."""

    epochs: int = whole(1)
    batch_size: int = whole(1, MAX_BATCH)
    learning_rate: float = positive()
    learning_rate_schedule: str = choice("constant", "cosine")
    patience: int = whole(0)
