"""Keras' classes for annotations, without its import, which takes seconds."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras import Layer, Model
else:
    Layer = Model = Any

__all__ = ["Layer", "Model"]
