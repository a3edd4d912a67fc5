"""The section `train`."""

from dataclasses import dataclass

from pipeline.config.fields import checked, choice, is_number, whole

# Adam moves each weight by about the learning rate in every step, and weights begin at a tenth or so.
MAX_LEARNING_RATE = 10


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast the network learns."""

    epochs: int = whole(1)
    batch_size: int = whole(1)
    learning_rate: float = checked(
        f"a finite number above 0, at most {MAX_LEARNING_RATE}",
        lambda v: is_number(v) and 0 < v <= MAX_LEARNING_RATE,
    )
    learning_rate_schedule: str = choice("constant", "cosine")
    patience: int = whole(0)
