"""The textbook's script, as a reader would type it: what the benchmarks compare with.

    python benchmarks/plain.py prepared SEED [--filters 32 64] [--epochs 10]

Keras' `fit` on float64 images in batches of 32, the best checkpoint kept; all epochs are trained. It takes
the split that stage `prepare` left, and prints a line an epoch as `train` does.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np


class Lines(keras.callbacks.Callback):
    """One line an epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        seconds = time.monotonic() - self._started
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        scores = "".join(f", {name} {(logs or {})[name]:.4f}" for name in names)
        print(f"plain: epoch {epoch + 1}/{self.params['epochs']}{scores}, {seconds:.1f} s", flush=True)


def load(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W, C) float64 in 0..1 and labels (N,) of a split."""
    return np.load(folder / f"{split}_images.npy") / 255, np.load(folder / f"{split}_labels.npy")


def build(shape: tuple[int, ...], filters: list[int]) -> keras.Sequential:
    """The chapter's network."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(filters[0], 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.Conv2D(filters[1], 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(100, activation="relu"),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser()
    parser.add_argument("prepared", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("--filters", type=int, nargs=2, default=[32, 64])
    parser.add_argument("--epochs", type=int, default=10)
    given = parser.parse_args()
    keras.utils.set_random_seed(given.seed)
    images, labels = load(given.prepared, "train")
    network = build(images.shape[1:], given.filters)
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    kept = keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True)
    validation = load(given.prepared, "validation")
    network.fit(
        images,
        labels,
        epochs=given.epochs,
        validation_data=validation,
        callbacks=[kept, Lines()],
        verbose=0,
    )


if __name__ == "__main__":
    main()
