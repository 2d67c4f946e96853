"""Mean precisions of rows: known only if all seeds have them, with intervals over seeds as for rates."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablate.analysis import frames
from ablate.analysis.analysis import analyse
from ablate.analysis.results import RowResult, SeedResult, StudyResults
from ablate.store.results import StoredValue
from tests.support.analysis.analysis_rows import N, results, row


def with_value(of: SeedResult, value: float) -> SeedResult:
    return replace(of, values={**of.values, "map": StoredValue(value, N)})


def with_map(of: RowResult, *values: float) -> RowResult:
    pairs = zip(of.results.items(), values, strict=True)
    return replace(of, results={seed: with_value(one, value) for (seed, one), value in pairs})


def study(*rows: RowResult, references: tuple[RowResult, ...] = ()) -> StudyResults:
    return replace(results({"g": [1, 2, 3]}, rows), references=references)


def test_one_seed_has_no_interval() -> None:
    found = study(with_map(row(1, {"g": 1}, {0: 300}), 0.25))
    assert analyse(found).interval(found.rows[0], "map") is None


def test_a_row_alone_has_the_t_interval_of_its_seeds() -> None:
    values = (0.21, 0.25, 0.23, 0.28)
    found = study(with_map(row(1, {"g": 1}, {0: 300, 1: 310, 2: 305, 3: 290}), *values))
    expected = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert analyse(found).interval(found.rows[0], "map") == pytest.approx(expected)


@pytest.mark.parametrize("apart", [0, 200])
def test_means_that_are_as_the_rates_have_their_intervals(apart: int) -> None:
    """Pooled over all rows; of a row that varies more than the others, and of a reference, by its own spread."""
    hits = [(300, 310, 305, 309), (320, 325, 326, 330), (300 - apart, 301 + apart, 306, 305)]
    rows = [
        with_map(row(at, {"g": at}, dict(enumerate(of_row))), *(count / N for count in of_row))
        for at, of_row in enumerate(hits, start=1)
    ]
    found = analyse(study(*rows[:3], references=(replace(rows[0], label="untrained"),)))
    assert bool(found.noisy_rows) == bool(apart)
    for of in (*found.results.rows, *found.results.references):
        assert found.interval(of, "map") == pytest.approx(found.interval(of, "top1"))


def test_rows_without_them_change_no_interval() -> None:
    known = [
        with_map(row(1, {"g": 1}, {0: 300, 1: 310}), 0.2, 0.22),
        with_map(row(2, {"g": 2}, {0: 1, 1: 3}), 0.3, 0.31),
    ]
    alone = analyse(study(*known))
    beside = analyse(study(*known, row(3, {"g": 3}, {0: 5, 1: 50})))
    for of in known:
        assert beside.interval(of, "map") == pytest.approx(alone.interval(of, "map"))


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_seeds_that_agree_to_the_last_digit_have_no_interval(value: float) -> None:
    """A mean of real numbers has no resolution, so that nothing shows how far seeds spread."""
    found = study(with_map(row(1, {"g": 1}, {0: 300, 1: 310, 2: 305}), value, value, value))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert analyse(found).interval(found.rows[0], "map") is None


def test_frames_have_a_column_of_each_that_is_known() -> None:
    found = study(with_map(row(1, {"g": 1}, {0: 300, 1: 310}), 0.2, 0.3), row(2, {"g": 2}, {0: 200}))
    table = frames.rows(found)
    assert list(table.columns) == ["row", "g", "top1", "map"]
    assert table["map"][0] == pytest.approx(0.25)
    assert np.isnan(table["map"][1])
