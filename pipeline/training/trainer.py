"""A network with all that its training needs, put together by the recipe."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.base.arrays import Array
from pipeline.config.train import TrainConfig
from pipeline.training.averaging import Average
from pipeline.training.loop import Epoch
from pipeline.training.optimizers import Optimizer
from pipeline.training.plan import plan
from pipeline.training.schedule import rate_factors
from pipeline.training.snapshots import snapshot
from pipeline.training.sources import Source, input_errors
from pipeline.training.steps import Augmentation, make_scorer, make_steps, run_epoch

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class Trainer:
    """Trains a network in whatever precision, and scores a twin of it in float32, which is the one to keep.

    Attributes:
        kept: the twin: float32, with the weights, or their running average, of the last epoch's end.
    """

    def __init__(
        self,
        networks: "tuple[keras.Sequential, keras.Sequential]",
        recipe: TrainConfig,
        sources: tuple[Source, Source],
        *,
        seed: int,
        class_weights: Array | None = None,
    ) -> None:
        """Build the graphs; nothing is computed yet.

        Args:
            networks: the one to train and its twin, uncompiled.
            recipe: the section `train`.
            sources: of training images and of validation images.
            seed: of what an epoch shows.
            class_weights: (K,) of the classes in the training loss, or None.
        """
        self._network, self.kept = networks
        self.kept.set_weights(self._network.get_weights())
        self._source, self._seed = sources[0], seed
        self._augment = Augmentation(recipe.flip, recipe.shift)
        self._factors = rate_factors(
            recipe.learning_rate_schedule,
            warmup=recipe.warmup,
            steps=recipe.epochs * self._source.steps,
        )
        self._optimizer = Optimizer(
            self._network,
            learning_rate=recipe.learning_rate,
            muon_learning_rate=recipe.muon_learning_rate,
        )
        self._average = Average(self._network, recipe.average_decay)
        self._steps = make_steps(
            self._network,
            self._optimizer,
            self._average,
            self._source,
            augment=self._augment,
            label_smoothing=recipe.label_smoothing,
            class_weights=class_weights,
        )
        self._score = make_scorer(self.kept, sources[1])

    @property
    def variables(self) -> "list[tf.Variable]":
        """All that the next epoch depends on: weights, dropout seeds, optimizer, average."""
        network = [variable.value for variable in self._network.variables]
        return [*network, *self._optimizer.variables, *self._average.variables]

    @input_errors()
    def run_epoch(self, epoch: int, told: Callable[[int], None]) -> Epoch:
        """Train the epoch of that number, from 0, and score.

        Args:
            epoch: from 0.
            told: called with the number of steps done, several times a second.
        """
        source = self._source
        drawn = plan(
            self._seed,
            epoch,
            count=source.count,
            steps=source.steps,
            flip=self._augment.flip,
            shift=self._augment.shift,
        )
        factors = self._factors[epoch * source.steps : (epoch + 1) * source.steps]
        loss, accuracy = run_epoch(self._steps, source, drawn, factors, epoch, told)
        for variable, value in zip(self.kept.trainable_variables, self._average.weights, strict=True):
            variable.assign(value)
        val_loss, val_accuracy = self._score()
        scores = {"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy}
        return Epoch(scores, self.kept.get_weights(), snapshot(self.kept))
