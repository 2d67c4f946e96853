"""Power of means and single numbers, against scipy's laws. Bounds are 4.5 standard errors of the simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from ablate.analysis import verdicts
from ablate.analysis.design.additive_model import Variable, additive_model
from ablate.analysis.power.batch_verdicts import judge, judge_means_of_one_seed
from ablate.analysis.power.hypotheses import family_hypotheses
from ablate.analysis.power.power import Power, guesses
from ablate.analysis.power.real_values import ValueTruth
from ablate.study.model import Family
from tests.support.examples import examples

ERRORS = 4.5
RARE = 1e-5
PAIR = family_hypotheses(
    additive_model([Variable("f", ("off", "on"))], [("off",), ("on",)]), Family.from_json("direct"), ["one", "two"]
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(50)


def of_pair(seeds: int, truth: ValueTruth, delta: float = 0.02, sign: int = 1) -> Power:
    return Power(PAIR, truth, seeds, 0.05, delta, sign)


def close(chance: float, expected: float, studies: int = 2000) -> bool:
    return abs(chance - expected) < ERRORS * math.sqrt(max(expected * (1 - expected), 1 / studies) / studies)


@pytest.mark.parametrize("tails", ["normal", "t5"])
def test_values_have_the_spread_of_shifts_and_examples(tails: str, rng: np.random.Generator) -> None:
    truth = ValueTruth((0.0, 3.0), (0.5, 2.0), 1.0, tails, examples=50, example_sd=4.0)  # type: ignore[arg-type]
    values = truth.draw(2, 20_000, rng)
    own = values - values.mean(axis=0)
    products = own[:, 0] * own[:, 1]
    errors = products.std(axis=0) / math.sqrt(20_000)
    assert np.all(np.abs(products.mean(axis=0) - 1.0**2) < ERRORS * errors), "rows share the seed's shift"
    variance = (own**2).mean(axis=(0, 2))
    fourth = (own**2).std(axis=(0, 2)) / math.sqrt(40_000)
    assert np.all(np.abs(variance - (np.square([0.5, 2.0]) + 1.0 + 4.0**2 / 2 / 50)) < ERRORS * fourth)
    assert np.all(np.abs(values.mean(axis=(0, 2)) - [0.0, 3.0]) < ERRORS * np.sqrt(variance / 20_000))


def test_heavy_tails_are_those_of_student(rng: np.random.Generator) -> None:
    drawn = ValueTruth((0.0,), (0.5,), tails="t5").draw(5, 8000, rng).ravel()
    assert stats.kstest(drawn / 0.5, stats.t(5, scale=math.sqrt(3 / 5)).cdf).pvalue > RARE
    assert stats.kstest(drawn / 0.5, "norm").pvalue < RARE


@pytest.mark.parametrize(("seeds", "effect"), [(3, -0.06), (5, 0.03), (10, -0.02)])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_chance_to_show_an_effect_is_that_of_the_noncentral_t(seeds: int, effect: float, sign: int) -> None:
    """Two rows are one contrast: the paired t test of their seeds."""
    truth = ValueTruth((0.0, 0.0), (0.012, 0.012), 0.5, examples=100, example_sd=0.08)
    sd = math.sqrt(2 * 0.012**2 + 0.08**2 / 100)
    critical = stats.t.ppf(0.975, seeds - 1)
    expected = stats.nct.sf(critical, seeds - 1, abs(effect) * math.sqrt(seeds) / sd)
    power = of_pair(seeds, truth, delta=1e-6, sign=sign)
    chances = power.chances(effect)
    right, wrong = ("better", "worse") if sign * effect > 0 else ("worse", "better")
    assert close(chances[right], float(expected))
    assert chances[wrong] < chances[right]
    assert power.chance_to_show(effect) == pytest.approx(chances[right], abs=1e-12)


@pytest.mark.parametrize("seeds", [3, 6])
def test_the_smallest_effect_has_a_chance_of_80_percent_by_the_noncentral_t(seeds: int) -> None:
    smallest = of_pair(seeds, ValueTruth((0.0, 0.0), (3.0, 3.0)), delta=1.0).smallest
    assert smallest is not None
    shift = smallest * math.sqrt(seeds / 2) / 3.0
    assert float(stats.nct.sf(stats.t.ppf(0.975, seeds - 1), seeds - 1, shift)) == pytest.approx(0.8, abs=0.045)


def test_values_of_another_unit_have_the_same_chances() -> None:
    """Everything times 1,000, delta too."""
    truth = ValueTruth((0.0, 0.0), (0.012, 0.02), 0.01, examples=100, example_sd=0.1)
    thousand = ValueTruth((0.0, 0.0), (12.0, 20.0), 10.0, examples=100, example_sd=100.0)
    one, other = of_pair(4, truth, 0.03), of_pair(4, thousand, 30.0)
    for effect in (0.0, 0.03, -0.06):
        assert one.chances(effect) == pytest.approx(other.chances(1000 * effect))
        assert one.seeds_to_decide(effect) == other.seeds_to_decide(1000 * effect)
        assert one.chances_of_one_seed(effect) == pytest.approx(other.chances_of_one_seed(1000 * effect))
    assert one.smallest is not None
    assert other.smallest == pytest.approx(1000 * one.smallest)


@settings(max_examples=examples(60), deadline=None)
@given(
    arrays(float, (2, 3, 3), elements=st.floats(-5, 5, width=32).map(lambda value: value + 0.0)),
    st.sampled_from([0.01, 0.5, 3.0]),
)
def test_a_negated_or_scaled_metric_has_the_same_verdicts(values: np.ndarray, delta: float) -> None:
    values = values + np.random.default_rng(7).normal(size=values.shape)  # no verdict lies on an edge by symmetry
    as_it_is = judge(values, [0, 0], [1, 2], 0.05, delta)
    negated = judge(-values, [0, 0], [1, 2], 0.05, delta, sign=-1)
    scaled = judge(1000 * values, [0, 0], [1, 2], 0.05, 1000 * delta)
    assert as_it_is.verdict.tolist() == negated.verdict.tolist() == scaled.verdict.tolist()
    assert np.allclose(as_it_is.low, -negated.high)
    assert np.allclose(1000 * as_it_is.effect, scaled.effect)
    wrong_way = judge(values, [0, 0], [1, 2], 0.05, delta, sign=-1).verdict
    assert wrong_way.tolist() == [[verdicts.FLIPPED.get(one, one) for one in of] for of in as_it_is.verdict.tolist()]


def test_one_seed_of_means_is_judged_by_the_paired_t_test_of_scipy(rng: np.random.Generator) -> None:
    runs = rng.gamma(2.0, size=(6, 3, 40)) + np.array([0.0, 0.0, 0.8])[:, None]
    differences = runs[:, 1:] - runs[:, :1]
    error = differences.std(axis=-1, ddof=1) / math.sqrt(40)
    judged = judge_means_of_one_seed(differences.mean(axis=-1), error, 39, 0.05)
    for study in range(6):
        tests = [stats.ttest_rel(runs[study, row], runs[study, 0]) for row in (1, 2)]
        p = [test.pvalue for test in tests]
        holm = [min(1.0, 2 * min(p)), max(min(1.0, 2 * min(p)), max(p))]
        assert sorted(judged.p[study]) == pytest.approx(holm)
        for pair, test in enumerate(tests):
            ends = test.confidence_interval(1 - 0.05 / 2)
            assert [judged.low[study, pair], judged.high[study, pair]] == pytest.approx([ends.low, ends.high])
            differ = judged.p[study, pair] <= 0.05
            assert judged.verdict[study, pair] == ("checkpoints_differ" if differ else "cannot_tell")
    assert len(set(judged.verdict.ravel())) == 2


@pytest.mark.parametrize("count", [8, 500])
def test_the_chance_of_one_seed_is_that_of_the_noncentral_t_over_examples(count: int) -> None:
    truth = ValueTruth((0.0, 0.0), (0.0, 0.0), 0.3, examples=count, example_sd=2.0)
    effect = 2.5 * 2.0 / math.sqrt(count)
    critical = stats.t.ppf(0.975, count - 1)
    expected = stats.nct.sf(critical, count - 1, 2.5) + stats.nct.cdf(-critical, count - 1, 2.5)
    chances = of_pair(1, truth).chances_of_one_seed(effect)
    assert close(chances["checkpoints_differ"], float(expected))
    assert chances["checkpoints_differ"] + chances["cannot_tell"] == pytest.approx(1.0)
    wider = replace(truth, pair_sd=3.0)  # examples differ in the effect: the test has a larger error than the noise
    assert of_pair(1, wider).chances_of_one_seed(effect)["checkpoints_differ"] < chances["checkpoints_differ"] - 0.1
    spread = replace(truth, own_sd=(1.0, 1.0))
    assert of_pair(1, spread).chances_of_one_seed(0.0)["checkpoints_differ"] > 0.06, "they do differ, by their seeds"


def test_one_value_without_examples_shows_nothing() -> None:
    alone = of_pair(1, ValueTruth((0.0, 0.0), (0.1, 0.1)))
    assert not alone.simulates_one_seed
    with pytest.raises(ValueError, match="does not show its own spread"):
        alone.chances_of_one_seed(1.0)


def test_guesses_are_improvements_as_far_as_there_is_room() -> None:
    free = ValueTruth((0.0,), (0.1,))
    assert list(guesses(0.5, free)) == [0.0, 0.25, 0.5, 1.0, 2.0]
    assert list(guesses(0.5, free, sign=-1)) == [0.0, -0.25, -0.5, -1.0, -2.0]
    assert list(guesses(0.5, replace(free, room=(0.6, 9.0)), sign=-1)) == [0.0, -0.25, -0.5]
    assert of_pair(2, ValueTruth((0.0, 0.0), (9.0, 9.0), room=(1.0, 1.0))).smallest is None


def test_a_study_without_any_spread_has_no_smallest_effect() -> None:
    """Values that agree exactly do not show how much they would vary; the search for the effect ends all the same."""
    still = of_pair(3, ValueTruth((0.0, 0.0), (0.0, 0.0)))
    assert still.smallest is None or still.smallest <= still.delta


def test_effects_and_sds_are_of_the_same_rows() -> None:
    with pytest.raises(ValueError, match="2 effects, but 1 SDs"):
        ValueTruth((0.0, 1.0), (0.3,))
