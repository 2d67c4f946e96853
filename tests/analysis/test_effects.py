"""Effects over whole designs: direct, by additivity, aliased; interactions; and the next run to add."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.effects import Effect
from ablate.analysis.estimation.single_seed import MOVER, PAIRED_Z
from ablate.analysis.results import StudyResults
from tests.support.analysis.analysis_rows import N, drawn, results, row

ABCD = {name: ["off", "on"] for name in "abcd"}


def cells(codes: list[tuple[int, ...]]) -> list[dict[str, Any]]:
    return [{name: ("off", "on")[code] for name, code in zip("abcd", run, strict=False)} for run in codes]


FULL = cells(list(itertools.product((0, 1), repeat=2)))
FRACTION = cells([(a, b, c, (a + b + c) % 2) for a, b, c in itertools.product((0, 1), repeat=3)])
TWO = {"a": ["off", "on"], "b": ["off", "on"]}


def by_factor(analysis: Analysis) -> dict[str, Effect]:
    return {effect.factor: effect for effect in analysis.effects}


def frame_of(study: StudyResults) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {**r.levels, "row": r.number, "seed": s, "metric": value}
            for r in study.rows
            for s, value in zip(r.seeds, r.values["top1"].values, strict=True)
        ]
    )


def test_in_a_full_factorial_the_direct_mean_is_the_main_effect() -> None:
    study = drawn(TWO, FULL, 4, np.random.default_rng(1))
    model = smf.ols("metric ~ C(a) + C(b) + C(seed)", frame_of(study)).fit()
    found = by_factor(analyse(study))
    for name in "ab":
        assert (found[name].identified, found[name].contexts) == ("direct", 2)
        assert found[name].estimate.effect == pytest.approx(model.params[f"C({name})[T.on]"])


def test_in_a_fraction_effects_come_from_all_rows_by_additivity() -> None:
    """The error is the spread between seeds of `row + seed`, not the lack of fit of the additive model."""
    study = drawn(ABCD, FRACTION, 3, np.random.default_rng(2))
    frame = frame_of(study)
    additive = smf.ols("metric ~ C(a) + C(b) + C(c) + C(d) + C(seed)", frame).fit()
    pure = smf.ols("metric ~ C(row) + C(seed)", frame).fit()
    analysis = analyse(study)
    assert analysis.family.size == 0
    for name, found in by_factor(analysis).items():
        assert (found.identified, found.contexts, found.estimate.seeds) == ("additive", 0, 3)
        assert found.estimate.effect == pytest.approx(additive.params[f"C({name})[T.on]"])
        error = np.sqrt(pure.mse_resid * 4 / 24)  # Σ weight² = 8 · (1/4)², over three seeds
        t = additive.params[f"C({name})[T.on]"] / error
        from scipy import stats

        assert found.estimate.p == pytest.approx(2 * stats.t.sf(abs(t), pure.df_resid), rel=1e-6)


def test_a_fraction_estimates_the_true_effects() -> None:
    rng = np.random.default_rng(3)
    true = {"a": 20, "b": 0, "c": -20, "d": 0}
    made = []
    for number, levels in enumerate(FRACTION, 1):
        mean = 300 + sum(true[name] for name, level in levels.items() if level == "on")
        made.append(row(number, levels, dict(enumerate(np.rint(mean + rng.normal(0, 2, 5)).astype(int).tolist()))))
    found = {name: effect.estimate.verdict for name, effect in by_factor(analyse(results(ABCD, made))).items()}
    assert found == {"a": verdicts.BETTER, "b": verdicts.NO_EFFECT, "c": verdicts.WORSE, "d": verdicts.NO_EFFECT}


def test_factors_that_change_together_are_aliased_with_each_other() -> None:
    study = drawn(TWO, cells([(0, 0), (1, 1)]), 3, np.random.default_rng(4))
    analysis = analyse(study)
    found = by_factor(analysis)
    assert analysis.aliases == [("a", "b")]
    assert (found["a"].identified, found["a"].aliased_with) == ("none", ("b",))
    assert found["a"].estimate.verdict == verdicts.NOT_ESTIMABLE
    assert found["a"].estimate.effect is None


def test_a_level_that_no_finished_row_has_is_not_estimable_and_aliased_with_nothing() -> None:
    study = results(TWO, [row(1, FULL[0], {0: 270, 1: 272}), row(2, FULL[1], {0: 280, 1: 279}), row(3, FULL[2], {})])
    found = by_factor(analyse(study))
    assert found["b"].identified == "direct"
    assert (found["a"].identified, found["a"].aliased_with) == ("none", ())


def test_circumstances_count_as_a_factor_in_the_additive_model() -> None:
    """Two rows that change a factor and the library at once give the effect of neither."""
    rows = [
        row(1, {"a": "off", "b": "off"}, {0: 270, 1: 272}, environments={s: {"torch": "1"} for s in (0, 1)}),
        row(2, {"a": "on", "b": "off"}, {0: 280, 1: 279}, environments={s: {"torch": "2"} for s in (0, 1)}),
        row(3, {"a": "off", "b": "on"}, {0: 290, 1: 289}, environments={s: {"torch": "1"} for s in (0, 1)}),
    ]
    analysis = analyse(results(TWO, rows))
    found = by_factor(analysis)
    assert (found["a"].identified, found["a"].aliased_with) == ("none", ("torch (undeclared)",))
    assert found["b"].identified == "direct"


def test_an_interaction_is_a_difference_of_differences_with_its_larger_error() -> None:
    study = drawn(TWO, FULL, 4, np.random.default_rng(5))
    analysis = analyse(study)
    (found,) = analysis.interactions
    model = smf.ols("metric ~ C(a) * C(b) + C(seed)", frame_of(study)).fit()
    assert found.estimate.effect == pytest.approx(model.params["C(a)[T.on]:C(b)[T.on]"])
    assert found.estimate.p == pytest.approx(model.pvalues["C(a)[T.on]:C(b)[T.on]"], rel=1e-6)
    single, whole = (
        (e.interval[1] - e.interval[0]) for e in (analysis.steps[0].estimate, found.estimate) if e.interval is not None
    )
    assert whole / single == pytest.approx(2**0.5)


def test_three_cells_have_no_interaction() -> None:
    assert analyse(drawn(TWO, FULL[:3], 4, np.random.default_rng(5))).interactions == ()


def test_one_seed_averages_queries_and_totals_average_rates() -> None:
    rng = np.random.default_rng(6)
    easy = rng.random(N)
    bits = [easy + 0.3 * rng.random(N) < cut for cut in (0.4, 0.42, 0.45, 0.47)]
    rows = [row(i, levels, {0: int(own.sum())}) for i, (levels, own) in enumerate(zip(FULL, bits, strict=True), 1)]
    by_query = by_factor(analyse(results(TWO, rows, {f"{i}/0": own for i, own in enumerate(bits, 1)})))["a"].estimate
    by_total = by_factor(analyse(results(TWO, rows)))["a"].estimate
    scores = (bits[2].astype(float) - bits[0] + bits[3] - bits[1]) / 2
    assert (by_query.method, by_total.method) == (PAIRED_Z, MOVER)
    assert by_query.effect == pytest.approx(scores.mean())
    assert by_total.effect == pytest.approx(by_query.effect)
    half = 1.959964 * scores.std(ddof=1) / N**0.5
    assert by_query.interval == pytest.approx((by_query.effect - half, by_query.effect + half), rel=1e-6)
    assert by_query.p is not None
    assert by_total.p is not None
    assert by_query.p < by_total.p  # the same queries are easy for all


def test_missing_results_leave_the_estimates_of_the_other_seeds() -> None:
    """A seed that lacks a row still gives the pairs that it has."""
    rows = [
        row(1, FULL[0], {0: 270, 1: 272}),
        row(2, FULL[1], {0: 280, 1: 279}),
        row(3, FULL[2], {0: 290, 1: 295}),
        row(4, FULL[3], {0: 300}),
    ]
    found = by_factor(analyse(results(TWO, rows)))["a"].estimate
    seed_0, seed_1 = (0.020 + 0.020) / 2, 0.023  # two pairs, then one: twice and once as precise
    assert found.effect == pytest.approx((2 * seed_0 + seed_1) / 3)
    assert found.seeds == 2


def test_the_run_that_breaks_an_alias_is_suggested() -> None:
    (found,) = analyse(drawn(TWO, cells([(0, 0), (1, 1)]), 2, np.random.default_rng(4))).suggestions
    assert dict(found.levels) in ({"a": "on", "b": "off"}, {"a": "off", "b": "on"})
    assert found.resolves == ("a", "b")


def test_an_excluded_combination_is_not_suggested() -> None:
    study = drawn(TWO, cells([(0, 0), (1, 1)]), 2, np.random.default_rng(4), excluded=[{"a": ["on"], "b": ["off"]}])
    (found,) = analyse(study).suggestions
    assert dict(found.levels) == {"a": "off", "b": "on"}


def test_a_run_without_training_is_suggested_first() -> None:
    study = drawn(ABCD, cells([(0, 0, 0, 0), (1, 1, 0, 0), (0, 0, 1, 1)]), 2, np.random.default_rng(4))
    assert analyse(study).suggestions[0].resolves == ("c", "d")
    factors = [
        replace(factor, sets=("evaluate.neck",) if factor.name == "a" else ("loss.margin",))
        for factor in study.document.factors
    ]
    study = replace(study, document=replace(study.document, factors=tuple(factors)))
    assert analyse(study).suggestions[0].resolves == ("a", "b")


def test_nothing_is_suggested_if_all_effects_are_direct() -> None:
    assert analyse(drawn(TWO, FULL, 2, np.random.default_rng(4))).suggestions == []


def test_several_runs_are_suggested_until_nothing_is_aliased() -> None:
    study = drawn(ABCD, cells([(0, 0, 0, 0), (1, 1, 1, 1)]), 2, np.random.default_rng(4))
    found = analyse(study).suggestions
    assert len(found) >= 2
    more = [*(r.levels for r in study.rows), *(s.levels for s in found)]
    again = drawn(ABCD, [dict(levels) for levels in more], 2, np.random.default_rng(4))
    assert analyse(again).aliases == []


def test_a_run_that_failed_is_suggested_again() -> None:
    rows = [row(1, FULL[0], {0: 270, 1: 272}), row(2, FULL[3], {0: 280, 1: 279}), row(3, FULL[2], {})]
    analysis = analyse(results(TWO, rows))
    assert analysis.aliases == [("a", "b")]
    assert analysis.suggestions[0].resolves == ("a", "b")


def test_a_run_in_other_circumstances_is_suggested_in_the_usual_ones() -> None:
    other = {s: {"torch": "2"} for s in (0, 1)}
    usual = {s: {"torch": "1"} for s in (0, 1)}
    rows = [
        row(1, {"a": "off", "b": "off"}, {0: 270, 1: 272}, environments=usual),
        row(2, {"a": "on", "b": "off"}, {0: 280, 1: 279}, environments=other),
        row(3, {"a": "off", "b": "on"}, {0: 290, 1: 289}, environments=usual),
    ]
    found = analyse(results(TWO, rows)).suggestions[0]
    assert found.resolves == ("a",)
    assert found.levels["a"] == "on"


def test_one_seed_without_any_discordance_is_no_effect_of_certainty_one() -> None:
    """Two contexts whose networks hit the very same queries."""
    bits = [np.arange(N) < 270] * 4
    rows = [row(i, levels, {0: 270}) for i, levels in enumerate(FULL, 1)]
    found = by_factor(analyse(results(TWO, rows, {f"{i}/0": own for i, own in enumerate(bits, 1)})))["a"].estimate
    assert (found.effect, found.p, found.verdict) == (0.0, 1.0, verdicts.CANNOT_TELL)
