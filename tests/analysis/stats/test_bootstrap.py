"""The BCa bootstrap interval against a published example and scipy."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ablate.analysis.stats.bootstrap import bca


@pytest.mark.slow
def test_bca_against_scipy() -> None:
    values = np.random.default_rng(6).exponential(size=40)
    expected = scipy_stats.bootstrap((values,), np.mean, method="BCa", rng=np.random.default_rng(0)).confidence_interval
    assert bca(values, np.mean) == pytest.approx((expected.low, expected.high))
    assert bca(values, np.mean) == bca(values, np.mean)
    assert bca(values, np.mean, rng=np.random.default_rng(1)) != bca(values, np.mean)


def test_bca_of_efron_and_tibshirani() -> None:
    """The spatial test data, 1993, table 14.2: 90 % of the variance's BCa interval is [115.8, 259.6]."""
    a = [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41]
    assert bca(a, np.var, 0.9) == pytest.approx((115.8, 259.6), rel=0.02)  # theirs drew 2,000 times


def test_bca_without_spread_or_values() -> None:
    assert bca([0.1, 0.1, 0.1], np.median) == (0.1, 0.1)
    for values in ([], [1.0], [1.0, np.nan, 2.0], [1.0, np.inf]):
        assert np.isnan(bca(values, np.mean)).all()
    assert np.isnan(bca([1.0, 2.0, 4.0], lambda sample: 7.0)).all()
    with pytest.raises(ValueError, match="one dimension"):
        bca([[1.0, 2.0]], np.mean)


def test_importing_is_cheap() -> None:
    modules = "ablate.analysis.stats.bootstrap, ablate.analysis.stats.crossed_effects"
    code = f"import sys, {modules}; print({{'scipy.stats', 'pandas', 'statsmodels'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
