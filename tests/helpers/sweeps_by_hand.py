"""Sweeps made up for tests: runs whose every number is chosen, none trained."""

import numpy as np

from pipeline.analysis.groups import Run


def run(
    *overrides: str,
    filters=(8, 16),
    accuracy=0.9,
    parameters=None,
    seed=1,
    epochs=3,
    channels=1,
    size=3,
    **params,
) -> Run:
    """A run whose validation loss falls to 1 - accuracy in its last epoch but one, then rises."""
    epoch = np.arange(1.0, epochs + 1)
    losses = 1 - accuracy + 0.1 * np.abs(epoch - max(1, epochs - 1))
    values = {
        "model.filters": list(filters),
        "seed": seed,
        **{k.replace("__", "."): v for k, v in params.items()},
    }
    rng = np.random.default_rng([seed, *filters])
    return Run(
        name=f"e-{'-'.join(map(str, filters))}-{accuracy}-{seed}",
        commit=None,
        overrides=overrides or (override(filters), f"seed={seed}"),
        params=values,
        metrics={
            "validation.loss": 1 - accuracy,
            "validation.accuracy": accuracy,
            "test.loss": 1.01 - accuracy,
            "test.accuracy": accuracy - 0.01,
            "parameters": parameters or 1000 * sum(filters),
            "epochs": epochs,
            "best_epoch": max(1, epochs - 1),
        },
        history={"epoch": list(epoch), "loss": list(losses - 0.02), "val_loss": list(losses)},
        kernel=rng.uniform(-0.4, 0.4, (size, size, channels, filters[0])),
        seconds=None,
    )


def override(filters) -> str:
    return f"model.filters=[{','.join(map(str, filters))}]"


def grid(choices=((8, 16), (16, 32), (32, 64), (64, 128)), seeds=(1, 2, 3), **more) -> list[Run]:
    """More filters are better by 0.01 each time; seeds lie 0.004 apart."""
    return [
        run(filters=filters, seed=seed, accuracy=0.9 + 0.01 * row + 0.004 * seed, **more)
        for row, filters in enumerate(choices)
        for seed in seeds
    ]


def search(count=30) -> list[Run]:
    """Random learning rates, two choices of filters, one seed."""
    rng = np.random.default_rng(0)
    runs = []
    for number in range(count):
        filters, rate = [(8, 16), (16, 32)][number % 2], float(10 ** rng.uniform(-4, -2))
        overrides = (override(filters), f"train.learning_rate={rate}")
        accuracy = 0.9 - 0.02 * abs(np.log10(rate) + 3) + 0.01 * (number % 2)
        runs.append(run(*overrides, filters=filters, accuracy=accuracy, train__learning_rate=rate))
    return runs
