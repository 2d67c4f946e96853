"""Values that cannot be used: each has one answer, which is shown, and costs no other value its own."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.estimation.single_seed import BONETT_PRICE, NEWCOMBE, PAIRED_T
from ablate.analysis.looks.take_look import take_look
from ablate.analysis.results import TESTED_ON, StudyResults
from ablate.measurement import Direction, Kind, Metric, Scale
from ablate.report.formats import terminal
from ablate.store.results import StoredValue
from tests.support.analysis.analysis_rows import recorded
from tests.support.analysis.value_studies import SQUARE, study_of_values

LOSS = Metric("loss", Direction.MINIMIZE, Kind.MEAN, "nats")
SCORE = Metric("score")
SECONDS = Metric("seconds", Direction.MINIMIZE, bounds=(0.0, np.inf), scale=Scale.LOG)
RATE = Metric("accuracy", kind=Kind.PROPORTION, bounds=(0.0, 1.0))
NUMBERS = np.array([[1.0, 1.3, 1.1], [1.5, 1.9, 1.4], [0.9, 1.2, 1.3], [1.6, 1.8, 1.7]])


def with_value(study: StudyResults, row: int, seed: int, value: float | None) -> StudyResults:
    """The study with this value of one run; with None, the run has a result without the metric."""
    name = study.metric.name
    one = study.rows[row].results[seed]
    values = {} if value is None else {name: StoredValue(value, one.values[name].n)}
    results = {**study.rows[row].results, seed: replace(one, values=values)}
    rows = [replace(each, results=results) if at == row else each for at, each in enumerate(study.rows)]
    return replace(study, rows=tuple(rows))


def estimates(analysis: Analysis) -> list[Any]:
    return [one.estimate for one in (*analysis.contrasts, *analysis.effects, *analysis.interactions)]


def interval_widths(analysis: Analysis) -> list[float]:
    """The widths of all intervals of contrasts, effects, interactions and rows."""
    found = [end for one in estimates(analysis) for end in (one.interval, one.simultaneous, one.separate)]
    found += [analysis.interval(row, name) for row in analysis.results.rows for name in row.values]
    return [high - low for low, high in filter(None, found)]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, None])
@pytest.mark.parametrize("metric", [SCORE, LOSS], ids=["number", "mean"])
def test_a_value_that_is_no_number_costs_its_row_that_seed_only(metric: Metric, value: float | None) -> None:
    spoilt = analyse(with_value(study_of_values(metric, 0.1, SQUARE, NUMBERS), 1, 2, value))
    without = NUMBERS.copy()
    without[1, 2] = np.nan
    for found, expected in zip(
        estimates(spoilt), estimates(analyse(study_of_values(metric, 0.1, SQUARE, without))), strict=True
    ):
        assert (found.verdict, found.effect, found.p, found.interval, found.seeds) == (
            expected.verdict, expected.effect, expected.p, expected.interval, expected.seeds)  # fmt: skip
    of_row = spoilt.results.rows[1].values.get(metric.name)
    assert of_row is None or np.isnan(of_row.mean), "no mean over some of the seeds stands for all"
    assert of_row is None or spoilt.interval(spoilt.results.rows[1], metric.name) is None
    shown = next(line for line in terminal.render(spoilt, False).splitlines() if "row 2" in line)
    assert "no result" in shown if value is None else "nan" in shown or "–" in shown


@pytest.mark.parametrize(
    ("value", "why"), [(np.nan, "loss is not a number"), (-np.inf, "loss is infinite"), (None, "loss was not reported")]
)
def test_a_value_that_cannot_be_used_is_named_with_its_reason(value: float | None, why: str) -> None:
    study = with_value(study_of_values(LOSS, 0.1, SQUARE, NUMBERS), 1, 2, value)
    assert study.findings == [f"row row 2, seed 2: {why}, so it is left out"]
    for seed in (0, 1):
        study = with_value(study, 1, seed, value)
    words = " ".join(terminal.render(analyse(study), False).split())
    assert f"row row 2, seeds 0–2: {why}, so it is left out" in words
    assert "(rows 1 → 2): row 2 has no loss that can be used" in words
    assert "no seed in common" not in words


def test_rows_whose_usable_seeds_differ_have_results_but_no_contrast() -> None:
    study = study_of_values(LOSS, 0.1, SQUARE, NUMBERS)
    for row, seed in ((0, 0), (1, 1), (1, 2)):
        study = with_value(study, row, seed, np.nan)
    words = " ".join(terminal.render(analyse(study), False).split())
    assert "(rows 1 → 2): no seed has loss of both rows that can be used" in words


def test_a_metric_that_no_run_has_is_named() -> None:
    study = study_of_values(LOSS, 0.1, SQUARE, NUMBERS)
    for row, seed in np.ndindex(4, 3):
        study = with_value(study, row, seed, None)
    assert [finding.split(":")[0] for finding in study.findings] == ["no run has a value of loss"]


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_ratio_of_what_is_not_positive_is_none(value: float) -> None:
    study = with_value(study_of_values(SECONDS, 1.1, SQUARE, NUMBERS), 1, 2, value)
    analysis = analyse(study)
    assert any("row 2" in finding for finding in study.findings)
    for contrast in analysis.contrasts:
        has_row = 2 in (contrast.before.number, contrast.after.number)
        assert (contrast.estimate.effect is None) == has_row


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_totals_with_one_seed_that_can_be_compared_have_a_reading(value: float) -> None:
    rates = np.array([[0.25, 0.26], [0.35, 0.36], [0.30, 0.31], [0.28, 0.29]])
    bounded = replace(RATE, bounds=(-np.inf, np.inf))
    analysis = analyse(with_value(study_of_values(bounded, 0.005, SQUARE, rates, n=200), 1, 0, value))
    contrast = next(one for one in analysis.contrasts if (one.before.number, one.after.number) == (1, 2))
    assert (contrast.estimate.method, contrast.estimate.seeds) == (NEWCOMBE, 1)
    pairing = analysis.pairing(contrast)
    assert pairing is not None
    assert pairing.difference == 20, "72 of seed 1 against 52"


def test_totals_of_seeds_that_are_equal_have_the_reading_of_one() -> None:
    rates = np.repeat([[0.25], [0.35], [0.30], [0.28]], 3, axis=1)
    study = study_of_values(RATE, 0.005, SQUARE, rates, n=200)
    analysis = analyse(replace(study, equal=replace(study.equal, seeds=((0, 1, 2),))))
    pairing = analysis.pairing(analysis.steps[0])
    assert pairing is not None
    assert pairing.difference == 20


CONSTANT = np.repeat([[0.1], [0.3], [0.2], [0.7]], 3, axis=1)
"""Three of 0.1 have the mean 0.10000000000000002 in floats."""
SHARED = CONSTANT + np.array([0.0, 0.3, -0.1])
"""Each seed shifts all rows alike."""


@pytest.mark.parametrize("values", [CONSTANT, SHARED, np.full((4, 3), 0.1)], ids=["rows", "seeds", "all"])
@pytest.mark.parametrize("metric", [SCORE, LOSS, SECONDS], ids=["number", "mean", "ratio"])
@pytest.mark.parametrize("looks", [None, [2, 3, 5]])
def test_seeds_that_agree_exactly_claim_nothing_without_a_resolution(
    values: np.ndarray, metric: Metric, looks: list[int] | None
) -> None:
    if metric is SECONDS and values is SHARED:
        values = np.exp(SHARED)
    analysis = analyse(study_of_values(metric, 1.1, SQUARE, values, looks=looks))
    for one in estimates(analysis):
        assert one.without_spread
        assert one.effect is not None
        assert one.p is one.p_holm is one.p_equivalence is one.interval is one.simultaneous is one.more_seeds is None
    judged = {one.estimate.verdict for one in analysis.contrasts if one.in_family}
    assert judged == {verdicts.UNDECIDED}
    assert analysis.best == {row.label for row in analysis.results.rows}
    assert (analysis.noisy_rows, analysis.unequal_spreads) == ([], [])
    assert all(width > 0 for width in interval_widths(analysis))
    look = take_look(analysis.results, [2, 3, 5], [])
    assert {(seen.verdict, seen.p, seen.interval) for seen in look.results} == {(verdicts.UNDECIDED, None, None)}
    text = " ".join(terminal.render(analysis, False).split())
    assert "which agree exactly in all changes" in text
    assert "as all seeds show exactly the same change and the resolution of this metric is not known" in text.lower()


def test_rows_of_which_seeds_explain_all_of_the_spread_have_the_interval_of_their_seeds() -> None:
    analysis = analyse(study_of_values(SCORE, 0.1, SQUARE, SHARED))
    for row, values in zip(analysis.results.rows, SHARED, strict=True):
        expected = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
        assert analysis.interval(row, "score") == pytest.approx(tuple(expected))


@pytest.mark.parametrize("values", [CONSTANT, SHARED - 0.05, np.full((4, 3), 0.1)], ids=["rows", "seeds", "all"])
def test_seeds_that_agree_exactly_have_the_spread_of_the_resolution(values: np.ndarray) -> None:
    """A twelfth of an example squared is the variance of a run."""
    values = np.clip(values, 0.1, 0.9)
    analysis = analyse(study_of_values(RATE, 0.005, SQUARE, values, n=100))
    error = np.sqrt(2 * 0.01**2 / 12 / 3)
    for contrast in analysis.contrasts:
        found = contrast.estimate
        assert found.interval is not None
        assert found.p is not None
        assert found.interval[1] - found.interval[0] >= 2 * stats.t.ppf(0.975, 6) * error * (1 - 1e-9)
        assert found.p >= 2 * stats.t.sf(abs(found.effect) / error, 6) * (1 - 1e-9) > 0
    assert all(width > 0 for width in interval_widths(analysis))


def test_a_proportion_of_an_unknown_number_has_no_resolution() -> None:
    analysis = analyse(study_of_values(RATE, 0.005, SQUARE, CONSTANT))
    assert all(one.without_spread and one.p is None for one in estimates(analysis))


def test_ratios_of_rates_have_the_resolution_of_their_mean() -> None:
    """One example of 100 is a twentieth of .2, the geometric mean; none is known if no value is a number."""
    metric = replace(RATE, scale=Scale.LOG)
    rates = np.array([[0.1, 0.1], [0.2, 0.2], [0.2, 0.2], [0.4, 0.4]])
    study = study_of_values(metric, 1.05, SQUARE, rates, n=100)
    assert analyse(study)._observations.resolution == pytest.approx(0.05)
    for row, seed in np.ndindex(4, 2):
        study = with_value(study, row, seed, np.nan)
    analysis = analyse(study)
    assert analysis._observations.resolution == 0.0
    assert {one.effect for one in estimates(analysis)} <= {None}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_of_which_squares_are_too_large_for_floats_claim_nothing() -> None:
    """The loss of a training that diverged may be finite."""
    values = NUMBERS.copy()
    values[1] *= 1e300
    for contrast in analyse(study_of_values(SCORE, 0.1, SQUARE, values)).contrasts:
        if 2 in (contrast.before.number, contrast.after.number):
            assert contrast.estimate.verdict in (verdicts.UNDECIDED, verdicts.CONFOUNDED)
            assert contrast.estimate.more_seeds is None


def test_one_seed_of_a_number_cannot_tell() -> None:
    analysis = analyse(study_of_values(SCORE, 0.1, SQUARE, NUMBERS[:, :1]))
    for contrast in analysis.contrasts:
        found = contrast.estimate
        assert found.effect == pytest.approx(
            NUMBERS[contrast.after.number - 1, 0] - NUMBERS[contrast.before.number - 1, 0]
        )
        assert found.p is found.interval is None
        assert found.verdict in (verdicts.CANNOT_TELL, verdicts.CONFOUNDED)


def test_examples_without_any_spread_cannot_tell_either() -> None:
    values = np.repeat([[0.1], [0.2], [0.3], [0.3]], 50, axis=1)
    analysis = analyse(study_of_values(LOSS, 0.02, SQUARE, values[:, :1], values))
    assert all(one.p is one.interval is None for one in estimates(analysis))
    assert {one.estimate.verdict for one in analysis.contrasts if one.in_family} == {verdicts.CANNOT_TELL}


def of_sizes(study: StudyResults, sizes: list[int]) -> StudyResults:
    """The study with these numbers of examples of its rows, of which the first ones are left."""
    rows, examples, name = [], dict(study.examples[study.metric.name]), study.metric.name
    for row, size in zip(study.rows, sizes, strict=True):
        results = {}
        for seed, one in row.results.items():
            value = one.values[name].value
            if one.trial in examples:
                examples[one.trial] = examples[one.trial][:size]
                value = float(examples[one.trial].mean(dtype=float))
            results[seed] = replace(one, values={name: StoredValue(value, size)})
        rows.append(replace(row, results=results))
    return replace(study, rows=tuple(rows), examples={name: examples})


def test_rows_of_different_numbers_of_examples_are_compared_by_totals() -> None:
    rates = np.array([[0.25], [0.35], [0.30], [0.28]])
    analysis = analyse(of_sizes(study_of_values(RATE, 0.005, SQUARE, rates, n=200), [200, 100, 200, 400]))
    assert analysis.results.n is None
    for contrast in analysis.contrasts:
        before, after = (row.values["accuracy"] for row in (contrast.before, contrast.after))
        counts = [count for one in (after, before) for count in (one.mean * (one.n or 0), one.n)]
        expected = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
        assert contrast.estimate.method == NEWCOMBE
        assert contrast.estimate.interval == pytest.approx(expected, abs=1e-9)
        assert (analysis.pairing(contrast) is None) == (before.n != after.n)


def test_the_coarsest_row_gives_the_resolution() -> None:
    study = of_sizes(study_of_values(RATE, 0.005, SQUARE, CONSTANT, n=100), [100, 50, 200, 400])
    assert analyse(study)._observations.resolution == 1 / 50


@pytest.mark.parametrize(("metric", "method"), [(LOSS, PAIRED_T), (RATE, BONETT_PRICE)], ids=["mean", "proportion"])
def test_examples_of_unequal_number_pair_no_rows_but_the_others(metric: Metric, method: str) -> None:
    rng = np.random.default_rng(3)
    values = rng.random((4, 60)) + rng.random(60)
    values = (values > 1).astype(float) if metric is RATE else values
    study = study_of_values(metric, 0.02, SQUARE, values.mean(axis=1, keepdims=True), values)
    whole, fewer = analyse(study), analyse(of_sizes(study, [60, 50, 60, 60]))
    for one, other in zip(whole.contrasts, fewer.contrasts, strict=True):
        assert one.estimate.method == method
        if 2 in (one.before.number, one.after.number):
            assert other.estimate.method == (NEWCOMBE if metric is RATE else None)
            assert other.estimate.effect is not None
        else:
            assert (other.estimate.method, other.estimate.p) == (method, one.estimate.p)


def test_a_pair_is_compared_on_its_seed_even_if_other_seeds_have_other_numbers_of_examples() -> None:
    """Row 1 has seeds of 40 and 60 examples, row 2 that of 60 only."""
    rng = np.random.default_rng(4)
    hits = (rng.random((2, 2, 60)) + rng.random(60) > 1).astype(np.float32)
    values = hits.mean(axis=2, dtype=float).T
    values[1, 0] = np.nan
    study = study_of_values(RATE, 0.005, SQUARE[:2], values, hits)
    one = study.rows[0].results[0]
    short = {"1/0": hits[0, 0, :40], **{key: of for key, of in study.examples["accuracy"].items() if key != "1/0"}}
    rate = StoredValue(float(hits[0, 0, :40].mean()), 40)
    first = replace(study.rows[0], results={**study.rows[0].results, 0: replace(one, values={"accuracy": rate})})
    analysis = analyse(replace(study, rows=(first, study.rows[1]), examples={"accuracy": short}))
    found = analysis.steps[0].estimate
    gained, lost = (int(np.sum(hits[1, at] > hits[1, 1 - at])) for at in (1, 0))
    expected = stats.binomtest(gained, gained + lost).pvalue
    middle = stats.binom.pmf(min(gained, lost), gained + lost, 0.5)
    assert (found.method, found.seeds) == (BONETT_PRICE, 1)
    assert found.p == pytest.approx(1.0 if gained == lost else expected - middle)


def test_seeds_tested_on_different_examples_are_no_sample_of_examples() -> None:
    """New examples cannot be judged: the second seed has fewer. The seeds alone are."""
    values = np.random.default_rng(5).random((2, 4, 60)) + np.arange(4)[:, None]
    study = study_of_values(LOSS, 0.02, SQUARE, values.mean(axis=2).T, values)
    shorter = {key: of[:50] if key.endswith("/1") else of for key, of in study.examples["loss"].items()}
    changed = replace(study, examples={"loss": shorter})
    seeds = [one.method for one in estimates(analyse(changed, "seeds"))]
    assert [one.method for one in estimates(analyse(changed, "examples-and-seeds"))] == seeds


def test_clusters_are_those_of_the_examples_that_most_rows_have() -> None:
    """One row was tested on fewer examples, in other clusters."""
    values = np.random.default_rng(6).random((4, 60))
    few, many = np.repeat(np.arange(10), 5), np.repeat(np.arange(12), 5)
    study = study_of_values(LOSS, 0.02, SQUARE, values.mean(axis=1, keepdims=True), values, many)
    shorter = of_sizes(replace(study, clusters={**study.clusters, "1/0": few}), [50, 60, 60, 60])
    tested = {0: {TESTED_ON: "few"}}
    rows = [recorded(row, tested if row.number == 1 else {0: {TESTED_ON: "many"}}) for row in shorter.rows]
    found = {(one.before.number, one.after.number): one.estimate for one in analyse(study).contrasts}
    for contrast in analyse(replace(shorter, rows=tuple(rows))).contrasts:
        pair = contrast.before.number, contrast.after.number
        assert contrast.estimate.p == (None if 1 in pair else found[pair].p)


def test_a_metric_that_some_rows_have_is_compared_among_them() -> None:
    values = NUMBERS.copy()
    study = study_of_values(SCORE, 0.1, SQUARE, values)
    for seed in range(3):
        study = with_value(study, 3, seed, None)
    analysis = analyse(study)
    without = analyse(study_of_values(SCORE, 0.1, SQUARE[:3], values[:3]))
    expected = {(one.before.number, one.after.number): one.estimate.interval for one in without.contrasts}
    for contrast in analysis.contrasts:
        pair = contrast.before.number, contrast.after.number
        if 4 in pair:
            assert (contrast.estimate.verdict, contrast.estimate.effect) == (verdicts.NOT_ESTIMABLE, None)
        else:
            assert contrast.estimate.interval == pytest.approx(expected[pair])
    assert "row 4" not in analysis.best
    assert "no result" in next(line for line in terminal.render(analysis, False).splitlines() if "row 4" in line)


def test_one_row_with_one_seed_is_not_said_to_lack_seeds() -> None:
    study = study_of_values(LOSS, 0.1, SQUARE, NUMBERS[:, :1])
    rows = [replace(row, results=row.results if not at else {}) for at, row in enumerate(study.rows)]
    words = " ".join(terminal.render(analyse(replace(study, rows=tuple(rows))), False).split())
    assert "Only one row has a result, so nothing can be compared yet." in words
    assert "Run at least two seeds" not in words
