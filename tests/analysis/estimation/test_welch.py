"""Rows that are not paired by seed are compared by Welch's t: each has a spread and a number of runs of its own."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.estimation.estimators import WELCH
from ablate.analysis.estimation.row_spreads import MEAN_ONLY, NO_NUMBER, NO_SD, ONE_RUN
from ablate.analysis.stats.multiplicity import holm
from ablate.measurement import RATE, Direction, Kind, Metric, Scale
from tests.support.analysis.value_studies import SQUARE, study_of_values

LOSS = Metric("loss", Direction.MINIMIZE)
SHARE = Metric("acc", kind=Kind.PROPORTION, bounds=(0.0, 1.0), display=RATE)
NO_SEEDS = "no column has the seeds"
STAR = [{"a": "off", "b": "off"}, {"a": "on", "b": "off"}, {"a": "off", "b": "on"}]
VALUES = np.array(
    [
        [2.31, 2.35, 2.29, 2.33, np.nan, np.nan],
        [2.11, 2.15, 2.02, np.nan, np.nan, np.nan],
        [2.20, 2.41, 2.37, 2.12, 2.52, 2.30],
    ]
)


def unpaired(values: np.ndarray = VALUES, metric: Metric = LOSS, delta: float = 0.1, **document: Any) -> Analysis:
    levels = SQUARE if len(values) == 4 else STAR[: len(values)]
    study = study_of_values(metric, delta, levels, values, **{"unpaired": NO_SEEDS, **document})
    return analyse(study)


def runs(at: int, values: np.ndarray = VALUES) -> np.ndarray:
    return values[at][~np.isnan(values[at])]


@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 2), (1, 2)])
def test_pairs_of_rows_agree_with_welch_of_scipy(first: int, second: int) -> None:
    analysis = unpaired()
    rows = analysis.results.rows
    estimate = analysis.contrasts.between(rows[first], rows[second]).estimate
    expected = stats.ttest_ind(runs(second), runs(first), equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert estimate.effect == pytest.approx(runs(second).mean() - runs(first).mean(), rel=1e-12)
    assert estimate.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert estimate.interval == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert (estimate.method, estimate.separate) == (WELCH, None)


def test_degrees_of_freedom_are_those_of_scipy() -> None:
    analysis = unpaired()
    group = analysis.contrasts.groups[0]
    expected = [stats.ttest_ind(runs(j), runs(i), equal_var=False).df for i, j in group.pairs.tolist()]
    assert group.inference.estimates.df == pytest.approx(expected, rel=1e-9)


def test_the_order_of_a_rows_runs_does_not_matter() -> None:
    shuffled = np.array([np.random.default_rng(at).permutation(row) for at, row in enumerate(VALUES)])
    for one, other in zip(unpaired().contrasts, unpaired(shuffled).contrasts, strict=True):
        assert one.estimate.effect == pytest.approx(other.estimate.effect, rel=1e-12)
        assert one.estimate.interval == pytest.approx(other.estimate.interval, rel=1e-9)
        assert one.estimate.verdict == other.estimate.verdict


def test_holm_and_simultaneous_intervals_are_those_of_the_family() -> None:
    analysis = unpaired()
    family = [contrast for contrast in analysis.contrasts if contrast.in_family]
    alone = [stats.ttest_ind(runs(1), runs(0), equal_var=False), stats.ttest_ind(runs(2), runs(0), equal_var=False)]
    assert [one.estimate.p_holm for one in family] == pytest.approx(holm(np.array([t.pvalue for t in alone])), rel=1e-9)
    for contrast, expected in zip(family, alone, strict=True):
        ends = expected.confidence_interval(1 - 0.05 / 2)
        assert contrast.estimate.simultaneous == pytest.approx((ends.low, ends.high), rel=1e-9)


def test_equivalence_is_two_one_sided_tests_of_welch() -> None:
    values = np.array([[2.31, 2.35, 2.29, 2.33], [2.32, 2.30, 2.31, 2.35]])
    (contrast,) = unpaired(values).contrasts
    low = stats.ttest_ind(values[1], values[0] - 0.1, equal_var=False, alternative="greater").pvalue
    high = stats.ttest_ind(values[1], values[0] + 0.1, equal_var=False, alternative="less").pvalue
    assert contrast.estimate.p_equivalence == pytest.approx(max(low, high), rel=1e-9)
    assert contrast.estimate.verdict == verdicts.NO_EFFECT


def test_a_shift_that_rows_share_by_seed_is_no_evidence() -> None:
    shared = np.array([0.0, 5.0, 10.0, 15.0])
    values = np.array([shared, shared + 0.1 + 0.01 * np.arange(4) ** 2])
    (paired,) = analyse(study_of_values(LOSS, 0.01, STAR[:2], values)).contrasts
    (alone,) = unpaired(values, delta=0.01).contrasts
    assert paired.estimate.verdict in (verdicts.BETTER, verdicts.WORSE)
    assert alone.estimate.verdict == verdicts.UNDECIDED
    assert alone.estimate.p == pytest.approx(stats.ttest_ind(values[1], values[0], equal_var=False).pvalue)


def test_the_mean_of_two_differences_has_its_own_satterthwaite() -> None:
    values = np.random.default_rng(1).normal(2, [[0.1], [0.3], [0.2], [0.05]], (4, 6))
    values[1, 4:] = values[3, 3:] = np.nan
    (effect, _) = unpaired(values).effects
    of_rows = [runs(at, values) for at in range(4)]
    weights = {0: -0.5, 1: -0.5, 2: 0.5, 3: 0.5}
    parts = np.array([weights[at] ** 2 * own.var(ddof=1) / len(own) for at, own in enumerate(of_rows)])
    df = parts.sum() ** 2 / np.sum(parts**2 / np.array([len(own) - 1 for own in of_rows]))
    mean = sum(weights[at] * own.mean() for at, own in enumerate(of_rows))
    half = stats.t.ppf(0.975, df) * np.sqrt(parts.sum())
    assert effect.estimate.effect == pytest.approx(mean, rel=1e-9)
    assert effect.estimate.interval == pytest.approx((mean - half, mean + half), rel=1e-9)
    assert effect.estimate.method == WELCH


def test_an_additive_effect_is_least_squares_of_the_means() -> None:
    levels = [{"a": "off", "b": "off"}, {"a": "off", "b": "on"}, {"a": "on", "b": "on"}]
    study = study_of_values(LOSS, 0.1, levels, VALUES, unpaired=NO_SEEDS)
    (of_a,) = (effect for effect in analyse(study).effects if effect.factor == "a")
    expected = stats.ttest_ind(runs(2), runs(1), equal_var=False)
    assert of_a.estimate.p == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_interval_of_a_row_is_students_on_its_own_runs(at: int) -> None:
    analysis = unpaired()
    own = runs(at)
    expected = stats.t.interval(0.95, len(own) - 1, own.mean(), own.std(ddof=1) / len(own) ** 0.5)
    assert analysis.interval(analysis.results.rows[at], "loss") == pytest.approx(expected, rel=1e-9)


def test_ratios_are_compared_by_their_logarithms() -> None:
    metric = replace(LOSS, scale=Scale.LOG)
    (contrast,) = unpaired(VALUES[:2], metric, 1.05).contrasts
    expected = stats.ttest_ind(np.log(runs(1)), np.log(runs(0)), equal_var=False)
    assert contrast.estimate.p == pytest.approx(expected.pvalue, rel=1e-9)


def test_more_runs_are_counted_from_the_spreads_of_both_rows() -> None:
    rng = np.random.default_rng(0)
    values = np.array([rng.normal(2.0, 0.3, 4), rng.normal(2.05, 0.3, 4)])
    (contrast,) = unpaired(values, delta=0.3).contrasts
    more = contrast.estimate.more_seeds
    assert contrast.estimate.verdict == verdicts.UNDECIDED
    assert more is not None
    assert more > 0
    (with_fewer,) = unpaired(np.array([values[0], [*values[1, :3], np.nan]]), delta=0.3).contrasts
    assert with_fewer.estimate.seeds == 3


class TestWithoutSpread:
    def test_one_run_in_a_row_gives_no_interval_and_the_reason(self) -> None:
        values = VALUES.copy()
        values[1, 1:] = np.nan
        analysis = unpaired(values)
        first, second, third = analysis.results.rows
        estimate = analysis.contrasts.between(first, second).estimate
        assert (estimate.interval, estimate.p, estimate.method) == (None, None, None)
        assert (estimate.verdict, estimate.lacking) == (verdicts.CANNOT_TELL, ONE_RUN)
        assert estimate.effect == pytest.approx(values[1, 0] - runs(0).mean())
        assert analysis.contrasts.between(first, third).estimate.lacking == ""
        assert analysis.interval(second, "loss") is None

    def test_rows_that_agree_exactly_claim_nothing(self) -> None:
        (contrast,) = unpaired(np.array([[2.0, 2.0, 2.0], [1.0, 1.1, 0.9]])).contrasts
        assert contrast.estimate.without_spread
        assert (contrast.estimate.verdict, contrast.estimate.interval) == (verdicts.UNDECIDED, None)

    def test_shares_of_examples_have_the_spread_of_their_resolution(self) -> None:
        values = np.array([[0.5, 0.5, 0.5], [0.6, 0.61, 0.62]])
        study = study_of_values(SHARE, 0.5, STAR[:2], values, n=100, unpaired=NO_SEEDS)
        (contrast,) = analyse(study).contrasts
        error = np.sqrt(1 / 100**2 / 12 / 3 + values[1].var(ddof=1) / 3)
        assert contrast.estimate.p is not None
        low, high = contrast.estimate.interval or (0.0, 0.0)
        assert (high - low) / 2 > stats.norm.ppf(0.975) * error

    def test_rows_of_one_run_each_are_compared_by_their_totals(self) -> None:
        values = np.array([[0.5], [0.6]])
        levels = STAR[:2]
        paired = study_of_values(SHARE, 0.5, levels, values, n=1000)
        alone = study_of_values(SHARE, 0.5, levels, values, n=1000, unpaired=NO_SEEDS)
        (one,), (other,) = analyse(paired).contrasts, analyse(alone).contrasts
        assert one.estimate == other.estimate
        assert other.estimate.verdict == verdicts.CHECKPOINTS_DIFFER


class TestSummaries:
    MEANS = np.array([[2.31], [2.11], [2.25]])

    def summarised(self, **of_row_2: Any) -> Analysis:
        known = {"sd": 0.05, "seeds": 5}
        return unpaired(
            self.MEANS,
            summaries={"row 1": {"loss": known}, "row 2": {"loss": {"sd": 0.08, "seeds": 3, **of_row_2}}},
        )

    def test_welch_of_summaries_agrees_with_scipy(self) -> None:
        analysis = self.summarised()
        contrast = analysis.contrasts[0]
        expected = stats.ttest_ind_from_stats(2.11, 0.08, 3, 2.31, 0.05, 5, equal_var=False)
        assert contrast.estimate.p == pytest.approx(expected.pvalue, rel=1e-9)
        assert (contrast.estimate.method, contrast.estimate.seeds) == (WELCH, 3)
        half = stats.t.ppf(0.975, 4) * 0.05 / 5**0.5
        interval = analysis.interval(analysis.results.rows[0], "loss")
        assert interval == pytest.approx((2.31 - half, 2.31 + half), rel=1e-9)

    def test_summaries_give_the_same_as_the_runs_that_they_are_of(self) -> None:
        full = unpaired(VALUES[:2])
        of_rows = [runs(0), runs(1)]
        summaries = {
            f"row {at}": {"loss": {"sd": float(own.std(ddof=1)), "seeds": len(own)}}
            for at, own in enumerate(of_rows, start=1)
        }
        means = np.array([[own.mean()] for own in of_rows])
        (one,), (other,) = full.contrasts, unpaired(means, summaries=summaries).contrasts
        assert one.estimate.p == pytest.approx(other.estimate.p, rel=1e-9)
        assert one.estimate.interval == pytest.approx(other.estimate.interval, rel=1e-9)
        assert (one.estimate.verdict, one.estimate.more_seeds) == (other.estimate.verdict, other.estimate.more_seeds)

    @pytest.mark.parametrize(
        ("known", "reason"),
        [
            ({"seeds": None}, NO_NUMBER),
            ({"sd": None}, NO_SD),
            ({"sd": None, "seeds": None}, MEAN_ONLY),
            ({"seeds": 1}, ONE_RUN),
        ],
    )
    def test_without_sd_or_number_there_is_an_effect_and_no_verdict(self, known: dict[str, Any], reason: str) -> None:
        analysis = self.summarised(**known)
        estimate = analysis.contrasts[0].estimate
        assert estimate.effect == pytest.approx(-0.2)
        assert (estimate.interval, estimate.p, estimate.lacking) == (None, None, reason)
        assert estimate.verdict == verdicts.CANNOT_TELL
        assert analysis.interval(analysis.results.rows[1], "loss") is None

    def test_a_row_without_a_summary_among_others_is_a_mean_of_an_unknown_number(self) -> None:
        analysis = self.summarised()
        assert analysis.contrasts.between(*analysis.results.rows[::2]).estimate.lacking == MEAN_ONLY
