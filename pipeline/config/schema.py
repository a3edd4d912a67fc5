"""The whole configuration: what `params.yaml` holds."""

from dataclasses import dataclass

from pipeline.config.data import DataConfig, check_images
from pipeline.config.explain import ExplainConfig
from pipeline.config.fields import checked, seed_number
from pipeline.config.model import ModelConfig
from pipeline.config.page import PageConfig
from pipeline.config.runtime import RuntimeConfig
from pipeline.config.train import TrainConfig
from pipeline.config.visualize import VisualizeConfig


@dataclass(frozen=True)
class Config:
    """`params.yaml`, checked."""

    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    visualize: VisualizeConfig
    explain: ExplainConfig
    page: PageConfig
    runtime: RuntimeConfig
    seed: int = seed_number()
    conf_digest: str = checked("the SHA-256 of conf/", lambda v: type(v) is str and len(v) == 64)

    def __post_init__(self) -> None:
        if self.data.counts is not None:
            check_images(self.visualize.images, self.data.counts)
