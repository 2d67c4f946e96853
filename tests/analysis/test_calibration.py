"""Calibration: intervals cover the truth as often as they say, by simulation."""

import numpy as np
import pytest

from ablate.analysis.stats import newcombe, wilson

pytestmark = pytest.mark.slow

STUDIES = 200_000


@pytest.mark.parametrize(("n", "rate"), [(50, 0.05), (50, 0.5), (1000, 0.27), (12_377, 0.277)])
def test_wilson_covers(n: int, rate: float) -> None:
    hits = np.random.default_rng(0).binomial(n, rate, STUDIES)
    low, high = wilson(hits, n)
    assert 0.93 < np.mean((low <= rate) & (rate <= high)) < 0.98


@pytest.mark.parametrize(("n", "before", "after"), [(80, 0.3, 0.3), (1000, 0.27, 0.29), (12_377, 0.277, 0.302)])
def test_newcombe_covers_for_independent_samples(n: int, before: float, after: float) -> None:
    rng = np.random.default_rng(1)
    low, high = newcombe(rng.binomial(n, before, STUDIES), n, rng.binomial(n, after, STUDIES), n)
    assert 0.94 < np.mean((low <= after - before) & (after - before <= high)) < 0.97
