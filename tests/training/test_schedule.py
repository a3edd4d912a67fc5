"""Learning rates over a run, against values by hand and Keras' schedule."""

import numpy as np
import pytest

from pipeline.network.start import import_keras
from pipeline.training.schedule import rate_factors


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("constant", 0.0, [1, 1, 1, 1, 1]),
        ("constant", 0.4, [0.5, 1, 1, 1, 1]),
        ("triangle", 0.0, [1, 0.8, 0.6, 0.4, 0.2]),
        ("triangle", 0.4, [0.5, 1, 1, 2 / 3, 1 / 3]),
        ("cosine", 0.2, [1, 1, (1 + 2**-0.5) / 2, 0.5, (1 - 2**-0.5) / 2]),
    ],
)
def test_rates_rise_for_the_warmup_and_fall_with_the_schedule(schedule, warmup, expected):
    found = rate_factors(schedule, warmup=warmup, steps=5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_cosine_without_warmup_is_keras_cosine_decay():
    theirs = import_keras().optimizers.schedules.CosineDecay(1.0, decay_steps=37)
    np.testing.assert_allclose(
        rate_factors("cosine", warmup=0.0, steps=37), [float(theirs(step)) for step in range(37)], atol=1e-6
    )


@pytest.mark.parametrize("schedule", ["constant", "cosine", "triangle"])
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_no_step_stands_still(schedule, steps):
    found = rate_factors(schedule, warmup=0.5, steps=steps)
    assert ((found > 0) & (found <= 1)).all()
