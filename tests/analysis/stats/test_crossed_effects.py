"""The mean over seeds and queries against a published fit, the textbook sums, and simulation."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import ArrayLike, NDArray
from scipy import stats as scipy_stats

from ablate.analysis.stats.crossed_effects import crossed

PENICILLIN = """
27,23,26,23,23,21 27,23,26,23,23,21 25,21,25,24,24,20 26,23,25,23,23,20 25,22,26,22,23,20 24,22,25,23,22,19
24,20,23,21,22,19 26,22,26,24,24,21 24,21,24,22,22,20 24,21,24,23,22,19 26,23,26,24,24,21 25,22,26,24,24,20
26,24,26,24,25,22 26,23,26,23,23,20 26,23,25,24,24,22 25,22,25,23,23,20 25,21,24,23,23,20 25,22,24,23,23,19
24,21,23,21,21,19 26,23,26,24,24,21 25,21,24,22,22,18 25,22,25,22,22,20 24,21,24,22,24,19 24,21,24,22,21,18
"""  # lme4: diameters (mm), a row a plate, a column a sample
N = 12_377  # queries of the log

unhurried = settings(deadline=None)  # the first call of a library's function imports half of it


def test_crossed_of_penicillin() -> None:
    """lme4's fit of diameter ~ 1 + (1|plate) + (1|sample), by restricted likelihood."""
    plates = np.array([[float(cell) for cell in row.split(",")] for row in PENICILLIN.split()])
    found = crossed(plates)
    assert found.positive
    assert found.estimate == pytest.approx(22.9722, abs=5e-5)
    assert found.standard_error == pytest.approx(0.808573, abs=5e-7)
    assert found.standard_error**2 == pytest.approx(0.716908 / 24 + 3.73092 / 6 + 0.302415 / 144, abs=1e-6)


def mean_squares(values: NDArray[np.int8]) -> tuple[float, float, float]:
    """Return the mean squares of rows, columns and residual, as textbooks write them."""
    rows, columns = values.shape
    grand, of_row, of_column = values.mean(), values.mean(1), values.mean(0)
    residual = sum((values[r, c] - of_row[r] - of_column[c] + grand) ** 2 for r in range(rows) for c in range(columns))
    return (
        columns * sum((of_row - grand) ** 2) / (rows - 1),
        rows * sum((of_column - grand) ** 2) / (columns - 1),
        residual / ((rows - 1) * (columns - 1)),
    )


@given(
    values=hnp.arrays(
        np.int8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6), elements=st.integers(-1, 1)
    )
)
@unhurried
def test_crossed_against_the_sums(values: NDArray[np.int8]) -> None:
    rows, columns = values.shape
    s, q, e = mean_squares(values)
    found = crossed(values)
    assert found.estimate == pytest.approx(values.mean())
    assert found.positive == (s + q - e > 1e-9)
    if found.positive:
        assert found.standard_error == pytest.approx(math.sqrt((s + q - e) / values.size))
        parts = s**2 / (rows - 1) + q**2 / (columns - 1) + e**2 / (rows - 1) / (columns - 1)
        assert found.df == pytest.approx((s + q - e) ** 2 / parts)
    else:
        assert np.isnan(found.standard_error)
        assert np.isnan(found.df)


def test_crossed_of_seeds_alone_and_queries_alone() -> None:
    """Without query noise it is the standard error of the seeds, and the other way round; 0.1 has no exact mean."""
    seeds, queries = np.array([0.1, 0.4, 0.2]), np.array([0.1, 0.7, 0.3, 0.1])
    found = crossed(np.repeat(seeds[:, None], 4, axis=1))
    assert (found.standard_error, found.df) == pytest.approx((scipy_stats.sem(seeds), 2))
    found = crossed(np.repeat(queries[None], 3, axis=0))
    assert (found.standard_error, found.df) == pytest.approx((scipy_stats.sem(queries), 3))


@pytest.mark.parametrize(
    ("values", "estimate"),
    [
        (np.full((3, 7), 0.1), 0.1),  # nothing varies
        ([[1, 0], [0, 1]], 0.5),  # only the residual does
        ([[1, 1, 0], [0, 0, 0], [1, -1, 1]], 1 / 3),  # MS_s + MS_q = MS_e, but for rounding
        ([[1, 0, 1]], 2 / 3),  # one seed
        ([[1], [0]], 0.5),  # one query
        (np.zeros((4, 9), dtype=bool), 0),  # all failed
        (np.empty((0, 5)), np.nan),
        (np.empty((5, 0)), np.nan),
        ([[1, np.nan], [0, 1]], np.nan),
    ],
)
def test_crossed_without_a_variance(values: ArrayLike, estimate: float) -> None:
    found = crossed(values)
    assert found.estimate == pytest.approx(estimate, nan_ok=True)
    assert np.isnan([found.standard_error, found.df]).all()
    assert not found.positive


def test_crossed_of_many_studies() -> None:
    hits = np.random.default_rng(4).random((3, 2, 5, 40)) < 0.5
    found = crossed(hits)
    for place in np.ndindex(3, 2):
        alone = crossed(hits[place])
        assert [part[place] for part in found] == pytest.approx(list(alone), nan_ok=True)
    assert crossed(np.empty((3, 2, 0, 40))).estimate.shape == (3, 2)


def test_crossed_holds_one_copy() -> None:
    hits = np.zeros((10, N), dtype=np.int8)
    tracemalloc.start()
    crossed(hits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * hits.size * 8


def test_crossed_covers() -> None:
    """95 % of the intervals contain the true mean 0 if seeds and queries both vary; no one-way error achieves that."""
    rng = np.random.default_rng(5)
    shape = (4000, 6, 30)
    values = rng.normal(0, 0.5, (*shape[:2], 1)) + rng.normal(0, 1, (shape[0], 1, shape[2])) + rng.normal(0, 1, shape)
    found = crossed(values)
    half = scipy_stats.t.ppf(0.975, found.df) * found.standard_error
    assert np.mean(np.abs(found.estimate) < half) == pytest.approx(0.95, abs=0.02)
