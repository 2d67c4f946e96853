"""Contrasts of studies made for the test: differences, methods, verdicts, and missing values."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from ablate.analysis import verdicts
from ablate.analysis.analysis import analyse
from ablate.analysis.estimation.estimators import CROSSED, POOLED_T, SEPARATE_T
from ablate.analysis.estimation.single_seed import BONETT_PRICE, NEWCOMBE
from ablate.analysis.results import StudyResults
from tests.support.analysis.analysis_rows import N, drawn, recorded, results, row

FACTORS = {"a": ["off", "on"], "b": ["off", "on"], "c": ["x", "y", "z"]}
LADDER = [
    {"a": "off", "b": "off", "c": "x"},
    {"a": "on", "b": "off", "c": "x"},
    {"a": "on", "b": "on", "c": "x"},
    {"a": "on", "b": "on", "c": "y"},
]


def ladder(seeds: int, seed: int = 0, **document: Any) -> StudyResults:
    return drawn(FACTORS, LADDER, seeds, np.random.default_rng(seed), **document)


def one_seed(bits: np.ndarray, **document: Any) -> StudyResults:
    """Rows of the ladder with these hits of each query, shape (rows, queries)."""
    rows = [
        row(i, levels, {0: int(own.sum())}, bits.shape[1])
        for i, (levels, own) in enumerate(zip(LADDER, bits, strict=False), 1)
    ]
    return results(FACTORS, rows, {f"{i}/0": own for i, own in enumerate(bits, 1)}, **document)


def test_every_pair_once_the_earlier_row_first() -> None:
    pairs = [(c.before.number, c.after.number) for c in analyse(ladder(2)).contrasts]
    assert pairs == list(itertools.combinations((1, 2, 3, 4), 2))


def test_several_seeds_are_compared_by_t_with_the_variance_of_all_rows() -> None:
    """Effect, interval and p of `metric ~ row + seed`, by statsmodels."""
    study = ladder(4)
    frame = pd.DataFrame(
        [(r.number, s, v) for r in study.rows for s, v in zip(r.seeds, r.values["top1"].values, strict=True)],
        columns=["row", "seed", "metric"],
    )
    for contrast in analyse(study).contrasts:
        model = smf.ols(f"metric ~ C(row, Treatment({contrast.before.number})) + C(seed)", frame).fit()
        name = f"C(row, Treatment({contrast.before.number}))[T.{contrast.after.number}]"
        found = contrast.estimate
        assert found.method == POOLED_T
        assert found.seeds == 4
        assert found.effect == pytest.approx(model.params[name])
        assert found.p == pytest.approx(model.pvalues[name], rel=1e-6)
        assert found.interval == pytest.approx(tuple(model.conf_int().loc[name]))


def test_the_separate_t_stands_beside_it() -> None:
    study = ladder(5)
    found = analyse(study).steps[0].estimate
    values = [np.array(r.values["top1"].values) for r in study.rows[:2]]
    expected = scipy_stats.ttest_rel(values[1], values[0]).confidence_interval(0.95)
    assert found.separate == pytest.approx(tuple(expected))


def test_holm_over_the_direct_contrasts_and_bonferroni_around_them() -> None:
    study = ladder(4, 2)
    found = [c for c in analyse(study).contrasts if c.in_family]
    assert [(c.before.number, c.after.number) for c in found] == [(1, 2), (2, 3), (3, 4)]
    assert [c.estimate.p_holm for c in found] == pytest.approx(
        multipletests([c.estimate.p for c in found], method="holm")[1]
    )
    alone = analyse(ladder(4, 2, alpha=0.05 / 3))
    for contrast, narrow in zip(found, [c for c in alone.contrasts if c.in_family], strict=True):
        assert contrast.estimate.simultaneous == pytest.approx(narrow.estimate.interval)


def test_confounded_contrasts_have_an_effect_and_no_verdict_of_their_own() -> None:
    found = analyse(ladder(3)).contrasts.between(*(analyse(ladder(3)).results.rows[at] for at in (0, 2)))
    assert found.differs == ("a", "b")
    assert found.identified == "confounded"
    assert found.estimate.verdict == verdicts.CONFOUNDED
    assert found.estimate.effect is not None
    assert found.estimate.interval is not None
    assert (found.estimate.p_holm, found.estimate.simultaneous) == (None, None)


def test_one_seed_is_compared_query_by_query() -> None:
    rng = np.random.default_rng(5)
    easy = rng.random(N)
    bits = np.stack([easy + 0.3 * rng.random(N) < cut for cut in (0.4, 0.47, 0.46, 0.46)])
    for contrast in analyse(one_seed(bits)).contrasts:
        one, other = (bits[r.number - 1] for r in (contrast.before, contrast.after))
        gained, lost = int(np.sum(other & ~one)), int(np.sum(one & ~other))
        exact = reference_mcnemar([[0, gained], [lost, 0]], exact=True).pvalue
        mid = exact - scipy_stats.binom.pmf(min(gained, lost), gained + lost, 0.5)
        assert contrast.estimate.method == BONETT_PRICE
        assert contrast.estimate.p == pytest.approx(1.0 if gained == lost else mid, rel=1e-9)
        assert contrast.estimate.effect == pytest.approx((gained - lost) / N)
    found = analyse(one_seed(bits)).steps
    assert found[0].estimate.verdict == verdicts.CHECKPOINTS_DIFFER
    assert found[1].estimate.verdict == verdicts.CANNOT_TELL


def test_one_seed_of_which_totals_alone_are_known() -> None:
    rows = [
        row(i, levels, {0: hits}) for i, (levels, hits) in enumerate(zip(LADDER, (241, 301, 302, 300), strict=True), 1)
    ]
    analysis = analyse(results(FACTORS, rows))
    found = analysis.steps[0].estimate
    assert found.method == NEWCOMBE
    assert found.verdict == verdicts.CHECKPOINTS_DIFFER
    pairing = analysis.pairing(analysis.steps[0])
    assert pairing is not None
    assert pairing.difference == 60


def test_a_pair_with_one_common_seed_is_one_seed_among_many() -> None:
    study = ladder(4)
    rows = [*study.rows[:3], row(4, LADDER[3], {2: 300})]
    found = analyse(replace(study, rows=tuple(rows))).steps[2].estimate
    assert (found.seeds, found.method) == (1, NEWCOMBE)


def test_common_seeds_are_compared_and_the_others_help_the_variance() -> None:
    study = ladder(4)
    first_two = {seed: study.rows[1].results[seed] for seed in study.rows[1].seeds[:2]}
    short = replace(study.rows[1], results=first_two)
    found = analyse(replace(study, rows=(study.rows[0], short, *study.rows[2:]))).steps[0].estimate
    values = [np.array(r.values["top1"].values[:2]) for r in (study.rows[0], short)]
    assert found.seeds == 2
    assert found.effect == pytest.approx(float(np.mean(values[1] - values[0])))


def test_rows_without_results_are_not_estimable_and_count_in_the_family() -> None:
    whole = ladder(3)
    study = replace(whole, rows=(*whole.rows[:3], row(4, LADDER[3], {})))
    analysis = analyse(study)
    missing = analysis.steps[2]
    assert (missing.estimate.verdict, missing.estimate.effect, missing.estimate.p) == (
        verdicts.NOT_ESTIMABLE,
        None,
        None,
    )
    assert missing.differs == ("c",)
    assert (analysis.family.size, analysis.family.tested) == (3, 2)
    known = [c.estimate for c in analysis.contrasts if c.in_family and c.estimate.p is not None]
    smallest = min(known, key=lambda found: found.p or 1)
    assert smallest.p_holm == pytest.approx(min(1, 3 * (smallest.p or 0)))


def test_nothing_at_all_is_a_defined_answer() -> None:
    rows = [row(i, levels, {}) for i, levels in enumerate(LADDER, 1)]
    analysis = analyse(results(FACTORS, rows))
    assert {c.estimate.verdict for c in analysis.contrasts} == {verdicts.NOT_ESTIMABLE}
    assert {e.estimate.verdict for e in analysis.effects} == {verdicts.NOT_ESTIMABLE}
    assert (analysis.best, analysis.interactions, analysis.noisy_rows) == (frozenset(), (), [])


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_query_and_one_row_are_defined(seeds: int) -> None:
    rows = [row(i, levels, dict.fromkeys(range(seeds), i % 2), 1) for i, levels in enumerate(LADDER, 1)]
    assert {c.estimate.verdict for c in analyse(results(FACTORS, rows)).contrasts if c.in_family} <= set(verdicts.ALL)
    alone = analyse(results(FACTORS, rows[:1]))
    assert (len(alone.contrasts), alone.steps, alone.family.size) == (0, [], 0)
    assert alone.interval(rows[0], "top1")[0] >= 0


def test_an_undeclared_difference_confounds_and_leaves_the_family() -> None:
    study = ladder(3)
    elsewhere = recorded(study.rows[1], {seed: {"torch": "other"} for seed in study.rows[1].seeds})
    analysis = analyse(replace(study, rows=(study.rows[0], elsewhere, *study.rows[2:])))
    found = analysis.steps[0]
    assert (found.differs, found.undeclared) == (("a",), ("torch",))
    assert found.estimate.verdict == verdicts.CONFOUNDED
    assert analysis.family.size == 1


def test_a_key_that_a_factor_sets_is_declared() -> None:
    factors = {"threads": [1, 2]}
    rows = [
        row(number, {"threads": number}, {0: 300, 1: 301}, environments={s: {"threads": str(number)} for s in (0, 1)})
        for number in (1, 2)
    ]
    assert analyse(results(factors, rows)).steps[0].undeclared == ()


def test_a_seed_that_ran_elsewhere_for_all_rows_is_no_difference() -> None:
    study = ladder(3)
    rows = [recorded(r, {s: {"torch": "new" if s == 2 else "old"} for s in r.seeds}) for r in study.rows]
    assert analyse(replace(study, rows=tuple(rows))).steps[0].undeclared == ()


@pytest.mark.parametrize(
    ("effect", "p", "p_equivalence", "one_seed", "expected"),
    [
        (2.0, 0.01, 0.9, False, verdicts.BETTER),
        (-2.0, 0.01, 0.9, False, verdicts.WORSE),
        (0.2, 0.01, 0.01, False, verdicts.BETTER_BELOW_DELTA),
        (-0.2, 0.05, 0.05, False, verdicts.WORSE_BELOW_DELTA),
        (0.2, 0.051, 0.05, False, verdicts.NO_EFFECT),
        (0.2, 0.051, 0.051, False, verdicts.UNDECIDED),
        (2.0, 0.01, np.nan, True, verdicts.CHECKPOINTS_DIFFER),
        (2.0, 0.06, np.nan, True, verdicts.CANNOT_TELL),
        (np.nan, np.nan, np.nan, False, verdicts.NOT_ESTIMABLE),
    ],
)
def test_the_rule_of_each_verdict(effect: float, p: float, p_equivalence: float, one_seed: bool, expected: str) -> None:
    values = (np.array([value]) for value in (effect, p, p_equivalence))
    assert verdicts.decide(*values, np.array([one_seed]), 0.05).tolist() == [expected]


def hits_of(effects: tuple[float, ...], seeds: int, spread: float) -> StudyResults:
    """Return a ladder with these effects of its steps in pp, and runs with this spread in pp."""
    rng = np.random.default_rng(1)
    true = 27 + np.cumsum([0, *effects])
    rates = true[:, None] + rng.normal(0, spread, (len(true), seeds)) + rng.normal(0, 0.2, (1, seeds))
    rows = [
        row(i, levels, dict(enumerate(np.rint(rate * 1000).astype(int).tolist())), 100_000)
        for i, (levels, rate) in enumerate(zip(LADDER, rates, strict=True), 1)
    ]
    return results(FACTORS, rows)


def test_verdicts_of_known_effects() -> None:
    found = [c.estimate.verdict for c in analyse(hits_of((2.0, 0.0, -0.2), 8, 0.05)).steps]
    assert found == [verdicts.BETTER, verdicts.NO_EFFECT, verdicts.WORSE_BELOW_DELTA]


def test_an_undecided_contrast_has_a_number_of_further_seeds() -> None:
    found = analyse(hits_of((0.6, 0.0, 0.0), 2, 0.4)).steps[1].estimate
    assert found.verdict == verdicts.UNDECIDED
    assert found.more_seeds is not None
    assert 2 <= found.more_seeds <= 100


def test_a_noisy_row_is_judged_by_its_own_spread() -> None:
    study = ladder(10)
    wild = np.rint(270 + 60 * np.random.default_rng(2).standard_normal(10)).astype(int).tolist()
    study = replace(study, rows=(*study.rows[:3], row(4, LADDER[3], dict(enumerate(wild)))))
    analysis = analyse(study)
    assert [noisy.row.number for noisy in analysis.noisy_rows] == [4]
    assert analysis.noisy_rows[0].sd > 3 * analysis.noisy_rows[0].others_sd
    assert [c.estimate.method for c in analysis.steps] == [POOLED_T, POOLED_T, SEPARATE_T]
    assert analysis.steps[2].estimate.interval == analysis.steps[2].estimate.separate


def test_new_queries_widen_the_interval() -> None:
    rng = np.random.default_rng(8)
    easy = rng.random(N)
    rows, hits = [], {}
    for number, levels in enumerate(LADDER, 1):
        bits = [easy + 0.4 * rng.random(N) < 0.45 for _ in range(3)]
        rows.append(row(number, levels, {seed: int(own.sum()) for seed, own in enumerate(bits)}))
        hits |= {f"{number}/{seed}": own for seed, own in enumerate(bits)}
    study = results(FACTORS, rows, hits)
    one, both = analyse(study).steps[0].estimate, analyse(study, "examples-and-seeds").steps[0].estimate
    assert (one.method, both.method) == (POOLED_T, CROSSED)
    assert one.effect == pytest.approx(both.effect)
    assert analyse(replace(study, examples={}), "examples-and-seeds").steps[0].estimate.method == POOLED_T


@pytest.mark.slow
def test_a_declared_family_shares_the_error_and_keeps_its_direction() -> None:
    study = ladder(4, 2, family=[["row 3", "row 2"], ["row 1", "row 3"]])
    analysis = analyse(study)
    assert analysis.family.size == 2
    chosen = [c for c in analysis.contrasts if c.in_family]
    assert [(c.before.label, c.after.label) for c in chosen] == [("row 1", "row 3"), ("row 3", "row 2")]
    assert [c.estimate.p_holm for c in chosen] == pytest.approx(
        multipletests([c.estimate.p for c in chosen], method="holm")[1]
    )
    assert chosen[0].estimate.verdict == verdicts.CONFOUNDED
    beside = [c for c in analysis.contrasts if c.identified == "direct" and not c.in_family]
    assert [c.estimate.p_holm for c in beside] == pytest.approx(
        multipletests([c.estimate.p for c in beside], method="holm")[1]
    )
    step = analysis.steps[1]
    assert (step.before.label, step.estimate.effect) == ("row 2", pytest.approx(-(chosen[1].estimate.effect or 0)))


def test_a_family_of_effects() -> None:
    analysis = analyse(ladder(4, 2, family="effects"))
    assert (analysis.family.name, analysis.family.size, analysis.family.tested) == ("effects", 4, 3)
    assert not any(c.in_family for c in analysis.contrasts)


def test_rows_tied_for_best() -> None:
    analysis = analyse(hits_of((2.0, 0.0, -2.0), 8, 0.05))
    assert analysis.best == {"row 2", "row 3"}


def test_with_many_rows_the_important_pairs_are_listed() -> None:
    factors = {"a": list(range(30)), "b": list(range(30))}
    cells = [{"a": a, "b": b} for a in range(30) for b in range(5)]
    analysis = analyse(drawn(factors, cells, 2, np.random.default_rng(0)))
    assert analysis.family.size == 30 * 10 + 5 * 30 * 29 // 2
    listed = {(c.before.number, c.after.number) for c in analysis.contrasts}
    assert {(i, i + 1) for i in range(1, 150)} <= listed
    assert {(1, i) for i in range(2, 151)} <= listed
    assert len(listed) == len(analysis.contrasts) < 150 * 149 // 2


def test_a_family_that_is_too_large_to_list_still_has_steps_and_the_baseline() -> None:
    factors = {"a": list(range(210))}
    analysis = analyse(drawn(factors, [{"a": a} for a in range(210)], 2, np.random.default_rng(0)))
    assert analysis.family.size == 210 * 209 // 2 > len(analysis.contrasts)
    assert len(analysis.steps) == len(analysis.against_baseline) == 209


def test_two_contexts_of_one_seed_each_and_no_residual_have_a_spread_of_their_own() -> None:
    """Every row has one seed, each pair another: an effect over both has two values and no pooled variance."""
    factors = {"a": ["off", "on"], "b": ["off", "on"]}
    cells = list(itertools.product(("off", "on"), repeat=2))
    rows = [row(i, {"a": a, "b": b}, {int(b == "on"): 270 + i}) for i, (a, b) in enumerate(cells, 1)]
    found = {effect.factor: effect.estimate for effect in analyse(results(factors, rows)).effects}["a"]
    assert (found.seeds, found.method) == (2, SEPARATE_T)
    assert found.verdict in verdicts.ALL


def test_a_study_without_factors_is_analysed() -> None:
    analysis = analyse(results({}, [row(1, {}, {0: 300})]))
    assert (analysis.suggestions, analysis.aliases, analysis.effects, analysis.steps) == ([], [], (), [])


def test_rows_that_share_no_seed_with_the_best_row_are_tied_with_it() -> None:
    rows = [
        row(1, LADDER[0], {0: 270, 1: 271}),
        row(2, LADDER[1], {2: 272, 3: 273}),
        row(3, LADDER[2], {0: 100, 1: 101}),
    ]
    assert analyse(results(FACTORS, rows)).best == {"row 1", "row 2"} | {"row 3"}


def test_a_reference_with_several_seeds_has_an_interval_over_them() -> None:
    study = ladder(3)
    reference = row(1, {}, {0: 130, 1: 132, 2: 137}, label="untrained")
    low, high = analyse(replace(study, references=(reference,))).interval(reference, "top1")
    expected = scipy_stats.t.interval(0.95, 2, np.mean([0.130, 0.132, 0.137]), scipy_stats.sem([0.130, 0.132, 0.137]))
    assert (low, high) == pytest.approx(expected)


def test_seeds_do_not_reduce_the_error_from_new_queries() -> None:
    rng = np.random.default_rng(8)
    easy = rng.random(200)
    rows, hits = [], {}
    for number, levels in enumerate(LADDER, 1):
        bits = [easy < 0.3 + number / 100 for _ in range(3)]
        rows.append(row(number, levels, {seed: int(own.sum()) for seed, own in enumerate(bits)}, 200))
        hits |= {f"{number}/{seed}": own for seed, own in enumerate(bits)}
    found = [c.estimate for c in analyse(results(FACTORS, rows, hits), "examples-and-seeds").steps]
    assert {estimate.more_seeds for estimate in found if estimate.method == CROSSED} <= {None}
