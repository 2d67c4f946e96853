"""Results without examples that are equal to the last bit: by chance only if they have few digits."""

import math

import pytest

from ablate.analysis.equal_results import equal_results
from ablate.analysis.results import RowResult, SeedResult
from ablate.analysis.untested import EqualResults
from ablate.measurement import Kind, Metric
from ablate.store.results import StoredValue

SCORE, RATE = Metric("score"), Metric("rate", kind=Kind.PROPORTION)


def rows(values: list[list[float]], metric: Metric = SCORE, n: int | None = None) -> list[RowResult]:
    """A row for each list of values, one a seed."""
    return [
        RowResult(
            number,
            f"row {number}",
            None,
            {"a": number},
            None,
            {
                seed: SeedResult(f"{number}/{seed}", f"{number}/{seed}", {metric.name: StoredValue(value, n)})
                for seed, value in enumerate(of_row)
            },
            metrics={metric.name: metric},
        )
        for number, of_row in enumerate(values, start=1)
    ]


def found(made: list[RowResult]) -> EqualResults:
    return equal_results(made, lambda trials: {})


def test_seeds_with_the_same_number_of_many_digits_count_once() -> None:
    assert found(rows([[math.pi, math.pi], [math.e, math.e]])) == EqualResults(seeds=((0, 1),))


def test_rows_with_the_same_numbers_of_many_digits_are_equal() -> None:
    assert found(rows([[math.pi, math.e], [math.pi, math.e]])) == EqualResults((("row 1", "row 2"),))


@pytest.mark.parametrize("value", [0.5, 93.25, 0.812345, math.nan, math.inf])
def test_numbers_of_few_digits_may_agree_by_chance(value: float) -> None:
    assert found(rows([[value, value], [0.25, 0.25]])) == EqualResults()


def test_shares_of_known_totals_may_agree_by_chance() -> None:
    assert found(rows([[1 / 3, 1 / 3], [2 / 3, 2 / 3]], RATE, 30)) == EqualResults()
