"""Calibration: reports keep the error rates that they state, by simulation of known truth.

Tolerances are standard errors of the simulation at the target: 3.5 of them, p 2e-4 on one side.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from ablate.analysis.analysis import analyse
from ablate.analysis.power.batch_verdicts import (
    judge,
    judge_means_of_one_seed,
    judge_one_seed,
    judge_weighted,
    pair_weights,
)
from ablate.analysis.power.proportions import ProportionTruth, draw_successes
from ablate.analysis.power.real_values import ValueTruth
from ablate.analysis.results import StudyResults
from ablate.analysis.stats.proportions import newcombe, wilson
from ablate.measurement import Direction, Kind, Metric, Scale
from tests.support.analysis.analysis_rows import results, row
from tests.support.analysis.calibrated_values import (
    OneSeedCase,
    ValueCase,
    calibrate_values,
    one_seed_cases,
    value_cases,
)
from tests.support.analysis.simulated_calibration import (
    COVERS_HALF,
    COVERS_NULL,
    FALSE_HALF,
    FALSE_NULL,
    FALSE_WIDE,
    SPREADS,
    TARGETS,
    Case,
    Rate,
    alternatives,
    calibrate,
)
from tests.support.analysis.value_studies import study_of_values
from tests.support.examples import by_profile
from tests.support.paths import ROOT

STUDIES = 200_000
ERRORS = 3.5

FACTORS = {f"f{number}": ("off", "on") for number in range(4)}
CHAIN = [{name: "on" if at < rung else "off" for at, name in enumerate(FACTORS)} for rung in range(5)]
ADDED = [dict.fromkeys(FACTORS, "off")] + [
    {other: "on" if other == name else "off" for other in FACTORS} for name in FACTORS
]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(30)


def misses(rate: Rate, measure: str) -> bool:
    """Return True if a rate is beyond its target by more than the simulation's error can explain."""
    target = TARGETS[measure]
    tolerance = ERRORS * (target * (1 - target) / rate.studies) ** 0.5
    return rate.value > target + tolerance if target < 0.5 else rate.value < target - tolerance


def family(study: StudyResults) -> list[tuple[float | str, ...]]:
    """Return the conclusions of a report on each contrast of the family, in the form of `judge`."""
    found = []
    for contrast in analyse(study).contrasts:
        if contrast.in_family:
            said = contrast.estimate
            assert said.effect is not None
            assert said.simultaneous is not None
            p_equivalence = np.nan if said.p_equivalence is None else said.p_equivalence
            found.append((said.effect, *said.simultaneous, said.p_holm, p_equivalence, said.verdict))
    return found


@pytest.mark.parametrize(("levels", "first"), [(CHAIN, range(4)), (ADDED, [0] * 4)], ids=["ladder", "star"])
@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_many_studies_are_judged_as_each_is_alone(
    levels: Sequence[Mapping[str, str]], first: Sequence[int], seeds: int, rng: np.random.Generator
) -> None:
    effects, own_sd = (0.0, 0.002, 0.03, 0.004, 0.0), (0.003, 0.001, 0.003, 0.003, 0.02)
    hits = draw_successes(ProportionTruth(effects, own_sd, examples=2000, discordance=0.02), seeds, 12, rng)
    rates = hits / 2000
    together = judge(rates, first, range(1, 5), 0.05, 0.015, resolution=1 / 2000)
    verdicts = set()
    for study in range(12):
        rows = [row(at + 1, levels[at], dict(enumerate(hits[study, at].tolist())), n=2000) for at in range(5)]
        for k, alone in enumerate(family(results(FACTORS, rows, delta_pp=1.5))):
            ours = (getattr(together, name)[study, k] for name in ("effect", "low", "high", "p", "p_equivalence"))
            assert list(ours) == pytest.approx(alone[:-1], rel=1e-9, abs=1e-12)
            assert together.verdict[study, k] == alone[-1]
            verdicts.add(alone[-1])
    assert verdicts >= {"better", "undecided"}
    separate = judge(rates, first, range(1, 5), 0.05, 0.015, resolution=1 / 2000, separate=True)
    assert seeds < 6 or np.any(separate.low[:, 3] == together.low[:, 3]), "no study had a row that was noisy"
    assert not np.all(separate.low == together.low)


def test_many_studies_of_one_seed_are_judged_as_each_is_alone(rng: np.random.Generator) -> None:
    hit = rng.random((8, 5, 600)) < np.array([0.3, 0.3, 0.5, 0.45, 0.3])[:, None]
    gained = (~hit[:, :-1] & hit[:, 1:]).sum(axis=2)
    lost = (hit[:, :-1] & ~hit[:, 1:]).sum(axis=2)
    together = judge_one_seed(gained, lost, 600, 0.05)
    for study in range(8):
        rows = [row(at + 1, CHAIN[at], {0: int(hit[study, at].sum())}, n=600) for at in range(5)]
        by_query = {f"{at + 1}/0": hit[study, at] for at in range(5)}
        for k, alone in enumerate(family(results(FACTORS, rows, by_query))):
            ours = (getattr(together, name)[study, k] for name in ("effect", "low", "high", "p"))
            assert list(ours) == pytest.approx(alone[:4], rel=1e-9, abs=1e-12)
            assert together.verdict[study, k] == alone[-1]
    assert set(together.verdict.ravel()) == {"checkpoints_differ", "cannot_tell"}


LOSS = Metric("loss", Direction.MINIMIZE, Kind.MEAN, "nats")
SECONDS = Metric("time", Direction.MINIMIZE, Kind.SCALAR, "s", scale=Scale.LOG)


@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("metric", [LOSS, SECONDS], ids=["linear", "log"])
def test_many_studies_of_real_values_are_judged_as_each_is_alone(
    metric: Metric, seeds: int, rng: np.random.Generator
) -> None:
    """Values that are minimised, and ratios: reports take the logarithms of values that are drawn lognormal."""
    drawn = ValueTruth((0.0, -0.3, -0.3, 0.1, 0.1), (0.03,) * 4 + (0.2,), 0.5).draw(seeds, 12, rng)
    is_log = metric.scale is Scale.LOG
    together = judge(drawn, range(4), range(1, 5), 0.05, np.log(1.2) if is_log else 0.2, sign=-1)
    verdicts = set()
    for study in range(12):
        values = 7.0 * np.exp(drawn[study]) if is_log else 7.0 + drawn[study]
        for k, alone in enumerate(family(study_of_values(metric, 1.2 if is_log else 0.2, CHAIN, values))):
            ours = [getattr(together, name)[study, k] for name in ("effect", "low", "high", "p", "p_equivalence")]
            assert ours == pytest.approx(list(alone[:-1]), rel=1e-6, abs=1e-9)
            assert together.verdict[study, k] == alone[-1]
            verdicts.add(alone[-1])
    assert verdicts >= {"better", "undecided"}


@pytest.mark.parametrize("clusters", [None, np.arange(60) % 12], ids=["independent", "clustered"])
def test_many_studies_of_means_with_one_seed_are_judged_as_each_is_alone(
    clusters: np.ndarray | None, rng: np.random.Generator
) -> None:
    losses = rng.gamma(2.0, size=(8, 5, 60)) + np.array([0.0, 0.9, 0.0, 0.0, 1.2])[:, None]
    differences = np.diff(losses, axis=1)
    if clusters is not None:  # of equal size, so that the mean of a cluster stands for it
        differences = differences.reshape(8, 4, -1, 12).mean(axis=2)
    count = differences.shape[-1]
    error = differences.std(axis=-1, ddof=1) / count**0.5
    together = judge_means_of_one_seed(differences.mean(axis=-1), error, count - 1, 0.05, sign=-1)
    for study in range(8):
        values = losses[study].mean(axis=1, keepdims=True)
        for k, alone in enumerate(family(study_of_values(LOSS, 0.1, CHAIN, values, losses[study], clusters))):
            ours = [getattr(together, name)[study, k] for name in ("effect", "low", "high", "p")]
            assert ours == pytest.approx(list(alone[:4]), rel=1e-5, abs=1e-6)
            assert together.verdict[study, k] == alone[-1]
    assert set(together.verdict.ravel()) == {"checkpoints_differ", "cannot_tell"}


def test_weights_of_pairs_are_pairs_and_aliased_contrasts_are_not_estimable(rng: np.random.Generator) -> None:
    rates = ProportionTruth((0.0, 0.01, 0.02), (0.003,) * 3).draw(3, 20, rng)
    pairs = judge(rates, [0, 1], [1, 2], 0.05, 0.005)
    weights = pair_weights([0, 1], [1, 2], 3)
    assert np.array_equal(judge_weighted(rates, weights, 0.05, 0.005).p, pairs.p)
    three = judge_weighted(rates, [*weights, [np.nan] * 3], 0.05, 0.005)
    assert set(three.verdict[:, 2]) == {"not_estimable"}
    assert np.all(three.high[:, :2] - three.low[:, :2] > pairs.high - pairs.low), "it counts in the family"
    with pytest.raises(ValueError, match="two seeds or more"):
        judge(rates[..., :1], [0], [1], 0.05, 0.005)


@pytest.mark.slow
@pytest.mark.parametrize("design", ["ladder", "star"])
@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_errors_are_as_declared(design: str, seeds: int, rng: np.random.Generator) -> None:
    found = calibrate(Case(design, "equal, .3", "normal", 0.16), seeds, 600, rng)
    assert {measure: rate for measure, rate in found.items() if misses(rate, measure)} == {}
    assert found[FALSE_NULL].value > 0.02, "a rule that claims nothing is never wrong, and of no use"
    assert found[COVERS_NULL].value < 0.98
    if seeds > 1:
        assert found[FALSE_WIDE].value > 0.01


def test_other_methods_do_not_pass(rng: np.random.Generator) -> None:
    found = alternatives(Case("ladder", "equal, .3", "normal", 0.02), 3, 600, rng)
    wrong = {method for method, (claims, _) in found.items() if misses(claims, FALSE_NULL)}
    narrow = {method for method, (_, covers) in found.items() if misses(covers, COVERS_NULL)}
    assert wrong == narrow == {"McNemar, seeds stacked", "bootstrap of seeds"}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("tails", ["normal", "t5"])
@pytest.mark.parametrize("spread", ["equal, .3", "from .2 to .4"])
@pytest.mark.parametrize("design", ["ladder", "star"])
def test_errors_are_as_declared_with_any_discordance(
    design: str, spread: str, tails: str, seeds: int, rng: np.random.Generator
) -> None:
    studies = by_profile(800, exhaustive=2000)
    for discordance in (0.0, 0.16, 0.39):
        found = calibrate(Case(design, spread, tails, discordance), seeds, studies, rng)
        assert {measure: rate for measure, rate in found.items() if misses(rate, measure)} == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("case", list(value_cases()), ids=str)
def test_errors_of_real_values_are_as_declared(case: ValueCase, seeds: int, rng: np.random.Generator) -> None:
    found = calibrate_values(case, seeds, 2000, rng)
    assert {measure: rate for measure, rate in found.items() if misses(rate, measure)} == {}
    assert found[FALSE_NULL].value > 0.02, "a rule that claims nothing is never wrong, and of no use"
    assert found[FALSE_WIDE].value > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in one_seed_cases() if case.examples == 100], ids=str)
def test_errors_of_means_with_one_seed_are_as_declared(case: OneSeedCase, rng: np.random.Generator) -> None:
    found = calibrate_values(case, 1, 2000, rng)
    assert {measure: rate for measure, rate in found.items() if misses(rate, measure)} == {}
    assert found[FALSE_NULL].value > 0.02


def test_real_values_of_every_law_keep_the_error_rates() -> None:
    """A quick part of the calibration: 300 studies of every law with three seeds."""
    for case in value_cases():
        found = calibrate_values(case, 3, 300, np.random.default_rng(1))
        assert {measure: rate for measure, rate in found.items() if misses(rate, measure)} == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_noisy_baseline_is_a_miss_that_the_docs_tell(seeds: int, rng: np.random.Generator) -> None:
    """Few seeds cannot show that one row spreads more than the others."""
    found = calibrate(Case("star", "baseline .7", "normal", 0.0), seeds, 2000, rng)
    for measure in (FALSE_NULL, FALSE_HALF, COVERS_NULL, COVERS_HALF):
        assert misses(found[measure], measure)
    assert found[FALSE_NULL].value < 0.16
    assert calibrate(Case("star", "baseline .7", "normal", 0.0), 30, 600, rng)[FALSE_NULL].value < 0.08


def test_the_docs_have_the_numbers_of_the_benchmark() -> None:
    kept = [ROOT / "benchmarks" / "results" / name for name in ("calibration.md", "calibration-values.md")]
    printed = "".join(path.read_text(encoding="utf-8") for path in kept)
    shown = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| .*\d.*$", shown, re.MULTILINE)
    assert len(lines) > 80
    assert [line for line in lines if line not in printed] == []
    assert all(spread in shown for spread in SPREADS)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rate"), [(50, 0.05), (50, 0.5), (1000, 0.27), (12_377, 0.277)])
def test_wilson_covers(n: int, rate: float) -> None:
    hits = np.random.default_rng(0).binomial(n, rate, STUDIES)
    low, high = wilson(hits, n)
    assert 0.93 < np.mean((low <= rate) & (rate <= high)) < 0.98


@pytest.mark.slow
@pytest.mark.parametrize(("n", "before", "after"), [(80, 0.3, 0.3), (1000, 0.27, 0.29), (12_377, 0.277, 0.302)])
def test_newcombe_covers_for_independent_samples(n: int, before: float, after: float) -> None:
    rng = np.random.default_rng(1)
    low, high = newcombe(rng.binomial(n, before, STUDIES), n, rng.binomial(n, after, STUDIES), n)
    assert 0.94 < np.mean((low <= after - before) & (after - before <= high)) < 0.97
