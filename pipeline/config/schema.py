"""The whole configuration: what `params.yaml` holds."""

from typing import Annotated

from pydantic import Field, model_validator

from pipeline.base.errors import InputError
from pipeline.config.data import DataConfig
from pipeline.config.explain import ExplainConfig
from pipeline.config.model import ModelConfig
from pipeline.config.page import PageConfig
from pipeline.config.runtime import RuntimeConfig
from pipeline.config.section import Section, Seed
from pipeline.config.shapes import check_size
from pipeline.config.train import TrainConfig
from pipeline.config.visualize import VisualizeConfig, check_images

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Config(Section):
    """`params.yaml`, checked: each value, and what has to fit together, before any data is fetched."""

    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    visualize: VisualizeConfig
    explain: ExplainConfig
    page: PageConfig
    runtime: RuntimeConfig
    seed: Seed
    conf_digest: Digest
    config_digest: Digest

    @model_validator(mode="after")
    def _check_together(self) -> "Config":
        if self.train.shift >= min(self.data.image_size):
            raise InputError(
                f"train.shift: received {self.train.shift}, expected fewer pixels than the images of"
                f" data.image_size {self.data.image_size} have"
            )
        check_size(self.model, self.data.input_shape, self.train.batch_size)
        if self.data.counts is not None:
            check_images(self.visualize.images, self.data.counts)
        return self
