"""Sweeps made up for tests: runs whose every number is chosen, none trained."""

from dataclasses import replace

import numpy as np

from pipeline.analysis.configurations import configurations
from pipeline.analysis.groups import Run

# How much lower the score of each further class is.
SHIFTS = {"precision": 0.01, "recall": 0.03, "f1": 0.02}


def run(
    *overrides: str,
    filters=(8, 16),
    accuracy=0.9,
    parameters=None,
    seed=1,
    epochs=3,
    channels=1,
    size=3,
    classes=("circle", "square"),
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
            "kept_epoch": max(1, epochs - 1),
        },
        history={
            "epoch": list(epoch),
            "loss": list(losses - 0.02),
            "accuracy": list(1.02 - losses),
            "val_loss": list(losses),
            "val_accuracy": list(1 - losses),
        },
        class_scores={
            "class": list(classes),
            **{
                name: [accuracy - shift * row for row in range(len(classes))]
                for name, shift in SHIFTS.items()
            },
            "images": [50.0] * len(classes),
        },
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


def splits(choices=((8, 16), (16, 32)), splits=(1, 2, 3), seeds=(1, 2)) -> list[Run]:
    """More filters are better by 0.01 on every split; splits lie 0.03 apart, seeds 0.002."""
    return [
        replace(
            run(
                *(override(filters), f"data.split_seed={split}", f"seed={seed}"),
                filters=filters,
                seed=seed,
                accuracy=0.7 + 0.01 * row + 0.03 * split + 0.002 * seed,
                data__split_seed=split,
                data__validation_fraction=0.2,
            ),
            name=f"e-{filters[0]}-{split}-{seed}",
            inputs={"data/prepared": f"{split}.dir", "pipeline/network": "aa"},
        )
        for row, filters in enumerate(choices)
        for split in splits
        for seed in seeds
    ]


def measured(runs, images: int, majority: float = 0.1) -> list[Run]:
    """The runs with the numbers of their images, each another, and the share of the largest class."""
    about = {"validation.images": images, "validation.different_images": images, "majority": majority}
    return [replace(one, metrics={**one.metrics, **about}) for one in runs]


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


MANY = configurations(
    grid(choices=[(2**i, 2 ** (i + j)) for i in range(1, 6) for j in (0, 1)], seeds=(1, 2, 3))
)
GRID = configurations(
    [
        run(
            override(filters),
            f"train.learning_rate={rate}",
            filters=filters,
            seed=seed,
            accuracy=accuracy + seed / 500,
            train__learning_rate=rate,
        )
        for filters, rate, accuracy in [
            ([8, 16], 0.01, 0.9),
            ([8, 16], 0.001, 0.91),
            ([16, 32], 0.01, 0.92),
            ([16, 32], 0.001, 0.93),
        ]
        for seed in (1, 2)
    ]
)
WORDS = configurations(
    [
        run(f"model.initializer={name}", f"seed={seed}", seed=seed, model__initializer=name)
        for name in ("he_normal", "glorot_uniform")
        for seed in (1, 2)
    ]
)
SWEEPS = {
    "one job": configurations(grid(choices=[(8, 16)], seeds=(1,))),
    "one configuration": configurations(grid(choices=[(8, 16)])),
    "four": configurations(grid(seeds=(1,))),
    "twelve": configurations(grid()),
    "thirty": MANY,
    "search": configurations(search()),
    "two values": GRID,
    "splits": configurations(splits()),
    "few images": configurations(measured(grid(), 15, 0.8)),
    "colour": configurations(grid(choices=[(4, 8), (8, 16)], channels=3, size=5)),
    "words": WORDS,
    "one epoch": configurations(grid(epochs=1)),
}
