"""The section `train`."""

from dataclasses import dataclass

from pipeline.config.fields import choice, flag, optional_positive, positive, share, whole


@dataclass(frozen=True)
class TrainConfig:
    """How long, how fast and on which variations of the images the network learns."""

    epochs: int = whole(1)
    batch_size: int = whole(1)
    learning_rate: float = positive()
    muon_learning_rate: float | None = optional_positive()
    learning_rate_schedule: str = choice("constant", "cosine", "triangle")
    warmup: float = share()
    label_smoothing: float = share()
    flip: bool = flag()
    shift: int = whole(0)
    average_decay: float = share()
    mixed_precision: bool = flag()
    patience: int = whole(0)
