"""What the page takes from the rest of the project, in one place."""

from pipeline.arrays import RowFile
from pipeline.config import Config, InputError, PageConfig
from pipeline.files import Array
from pipeline.metrics import score
from pipeline.models import window_output
from pipeline.patches import ReceptiveField, crop, widened
from pipeline.weights import Layer, colour_limit, convolutions, initializer_limit, layers, paired_convolutions

__all__ = [
    "Array",
    "Config",
    "InputError",
    "Layer",
    "PageConfig",
    "ReceptiveField",
    "RowFile",
    "colour_limit",
    "convolutions",
    "crop",
    "initializer_limit",
    "layers",
    "paired_convolutions",
    "score",
    "widened",
    "window_output",
]
