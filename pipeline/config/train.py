"""The section `train`."""

from dataclasses import dataclass

from pipeline.config.fields import FLAG, POSITIVE, SHARE, between, checked, choice, is_number, optional, whole

# Adam moves each weight by about the learning rate in every step, and weights begin at a tenth or so.
MAX_LEARNING_RATE = 10
# Images that are in memory together, with what every layer makes of them.
MAX_BATCH = 65_536


@dataclass(frozen=True)
class TrainConfig:
    """How long, how fast and on which variations of the images the network learns."""

    epochs: int = whole(1)
    batch_size: int = whole(1, MAX_BATCH)
    learning_rate: float = checked(
        f"a finite number above 0, at most {MAX_LEARNING_RATE}",
        lambda v: is_number(v) and 0 < v <= MAX_LEARNING_RATE,
    )
    muon_learning_rate: float | None = optional(*POSITIVE)
    learning_rate_schedule: str = choice("constant", "cosine", "triangle")
    warmup: float = checked(*SHARE)
    label_smoothing: float = checked(*SHARE)
    flip: bool = checked(*FLAG)
    shift: int = whole(0)
    average_decay: float = checked(*SHARE)
    mixed_precision: bool = checked(*FLAG)
    patience: int | None = optional(*between(0))
