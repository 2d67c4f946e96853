"""Welch's t for rows that are not paired keeps its error and its coverage, whatever the rows' spreads."""

import numpy as np
import pytest

from tests.support.analysis.simulated_unpaired import UnpairedCase, simulated

STUDIES = 3000
SLACK = 3 * (0.05 * 0.95 / STUDIES) ** 0.5
"""Three standard errors of a share of 5 %."""


@pytest.mark.parametrize("runs", ["2", "5", "10", "2 to 10"])
@pytest.mark.parametrize("sds", ["alike, .3", "from .1 to .9", "one of .9, others .3"])
def test_false_claims_and_coverage_of_a_ladder(sds: str, runs: str) -> None:
    outcome = simulated(UnpairedCase("ladder", sds, runs), STUDIES, np.random.default_rng(5))
    assert outcome.false_claims <= 0.05 + SLACK
    assert outcome.false_absence <= 0.05 + SLACK
    assert outcome.covered >= 0.95 - SLACK
    assert outcome.all_covered >= 0.95 - SLACK


@pytest.mark.parametrize("sds", ["alike, .3", "from .1 to .9", "one of .9, others .3"])
def test_false_claims_of_a_star_of_ten_runs(sds: str) -> None:
    outcome = simulated(UnpairedCase("star", sds, "10"), STUDIES, np.random.default_rng(6))
    assert outcome.false_claims <= 0.05 + SLACK
    assert outcome.covered >= 0.95 - SLACK


def test_one_variance_of_all_rows_would_make_many_false_claims() -> None:
    outcome = simulated(UnpairedCase("ladder", "from .1 to .9", "10 to 2"), STUDIES, np.random.default_rng(7))
    assert outcome.pooled > 0.2
    assert outcome.false_claims <= 0.05 + SLACK


def test_few_runs_of_the_widest_row_exceed_the_error_by_no_more_than_the_report_says() -> None:
    outcome = simulated(UnpairedCase("star", "from .1 to .9", "10 to 2"), STUDIES, np.random.default_rng(8))
    assert 0.05 + SLACK < outcome.false_claims <= 0.1 + 1.5 * SLACK
