"""Invariance: names and order of factors, order of rows and trials, and the choice of baseline do not matter."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.results import RowResult, StudyResults
from tests.support.analysis.analysis_rows import N, results, row
from tests.support.examples import examples

Key = tuple[tuple[str, Any], ...]
FACTORS = {"a": ["off", "on"], "b": ["off", "on"], "c": [0.1, 0.2]}
LEVELS = [dict(zip(FACTORS, levels, strict=True)) for levels in itertools.product(*FACTORS.values())]


@st.composite
def studies(draw: st.DrawFn) -> StudyResults:
    """Some cells of a 2×2×2, one to five seeds, some missing, effects from none to large; with queries or totals."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    chosen = draw(st.lists(st.integers(0, 7), min_size=2, max_size=8, unique=True))
    seeds = draw(st.integers(1, 5))
    size = draw(st.sampled_from([0, 8, 30]))
    by_query = draw(st.booleans())
    easy = rng.random(N)
    rows, hits = [], {}
    for number, at in enumerate(chosen, 1):
        bits = {
            seed: easy + 0.3 * rng.random(N) < 0.4 + size * at / 1000 + rng.normal(0, 0.004)
            for seed in range(seeds)
            if rng.random() < 0.9
        }
        rows.append(row(number, LEVELS[at], {seed: int(own.sum()) for seed, own in bits.items()}))
        hits |= {f"{number}/{seed}": own for seed, own in bits.items()}
    return results(FACTORS, rows, hits if by_query else {}, delta_pp=draw(st.sampled_from([0.5, 2.0])))


def key(found: RowResult) -> Key:
    return tuple(sorted(found.levels.items()))


def contrasts(analysis: Analysis) -> Mapping[tuple[Key, Key], tuple[Any, ...]]:
    """{pair of rows: verdict, p, effect} in one direction, whatever the order of rows."""
    found = {}
    for contrast in analysis.contrasts:
        one = contrast if key(contrast.before) <= key(contrast.after) else contrast.flipped
        estimate = one.estimate
        found[key(one.before), key(one.after)] = (estimate.verdict, estimate.p_holm, estimate.effect, estimate.interval)
    return found


def same(one: Mapping[Any, tuple[Any, ...]], other: Mapping[Any, tuple[Any, ...]]) -> None:
    assert one.keys() == other.keys()
    for pair, (verdict, *numbers) in one.items():
        assert verdict == other[pair][0], pair
        for ours, theirs in zip(numbers, other[pair][1:], strict=True):
            assert (ours is None) == (theirs is None)
            assert ours is None or theirs == pytest.approx(ours, rel=1e-6, abs=1e-9)


def changed(study: StudyResults, name: Callable[[str], str], baseline: int, order: list[int]) -> StudyResults:
    """The study with other names of factors, rows in another order, and another level as each factor's baseline."""
    factors = [
        replace(factor, name=name(factor.name), baseline=factor.levels[baseline]) for factor in study.document.factors
    ]
    rows = [
        replace(study.rows[at], number=number, levels={name(k): v for k, v in study.rows[at].levels.items()})
        for number, at in enumerate(order, 1)
    ]
    document = replace(study.document, factors=tuple(factors[:: -1 if baseline else 1]))
    return replace(study, rows=tuple(rows), document=document)


@settings(max_examples=examples(60), deadline=None)
@given(studies(), st.randoms())
def test_the_order_of_rows_and_trials_changes_no_verdict(study: StudyResults, random: Any) -> None:
    order = list(range(len(study.rows)))
    random.shuffle(order)
    other = changed(study, str, 0, order)
    rows = []
    for found in other.rows:
        seeds = list(found.seeds)
        random.shuffle(seeds)
        rows.append(replace(found, results={seed: found.results[seed] for seed in seeds}))
    one, two = analyse(study), analyse(replace(other, rows=tuple(rows)))
    same(contrasts(one), contrasts(two))
    assert one.aliases == two.aliases
    assert one.best == two.best
    for before, after in zip(one.effects, two.effects, strict=True):
        assert before.estimate.verdict == after.estimate.verdict
        assert before.identified == after.identified


@settings(max_examples=examples(60), deadline=None)
@given(studies())
def test_the_names_of_factors_change_no_verdict(study: StudyResults) -> None:
    other = changed(study, {"a": "z", "b": "y", "c": "x"}.__getitem__, 0, list(range(len(study.rows))))
    back = {"z": "a", "y": "b", "x": "c"}
    renamed = {
        tuple(tuple(sorted((back[k], v) for k, v in side)) for side in pair): found
        for pair, found in contrasts(analyse(other)).items()
    }
    ours = contrasts(analyse(study))
    same(ours, _directed(renamed))


def _directed(found: Mapping[Any, tuple[Any, ...]]) -> dict[Any, tuple[Any, ...]]:
    """Pairs the smaller key first, the effect's sign turned with them."""
    turned = {}
    for (one, other), (verdict, p, effect, interval) in found.items():
        if one <= other:
            turned[one, other] = (verdict, p, effect, interval)
        else:
            ends = None if interval is None else (-interval[1], -interval[0])
            sign = None if effect is None else -effect
            turned[other, one] = (verdicts.FLIPPED.get(verdict, verdict), p, sign, ends)
    return turned


@settings(max_examples=examples(60), deadline=None)
@given(studies())
def test_another_baseline_changes_the_sign_of_effects_and_nothing_else(study: StudyResults) -> None:
    one, two = analyse(study), analyse(changed(study, str, 1, list(range(len(study.rows)))))
    same(contrasts(one), contrasts(two))
    others = {effect.factor: effect for effect in two.effects}
    for effect in one.effects:
        other = others[effect.factor]
        assert (effect.baseline, effect.level) == (other.level, other.baseline)
        assert other.identified == effect.identified
        flipped = effect.estimate.flipped
        assert other.estimate.verdict == flipped.verdict
        assert (other.estimate.effect is None) == (flipped.effect is None)
        if flipped.effect is not None:
            assert other.estimate.effect == pytest.approx(flipped.effect, abs=1e-9)
            assert other.estimate.p_holm == pytest.approx(flipped.p_holm, rel=1e-6)
    assert one.aliases == [tuple(sorted(group)) for group in two.aliases]
