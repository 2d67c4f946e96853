"""Power: chances against the formula of t and against studies drawn otherwise. Bounds are 4.5 standard errors."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from ablate.analysis.analysis import analyse
from ablate.analysis.design.additive_model import AdditiveModel, Variable, additive_model
from ablate.analysis.power.batch_verdicts import judge_weighted
from ablate.analysis.power.hypotheses import family_hypotheses
from ablate.analysis.power.power import Power, guesses
from ablate.analysis.power.proportions import ProportionTruth, draw_many_successes, draw_successes
from ablate.analysis.stats.sample_size import seeds_for_equivalence, seeds_needed
from ablate.study.model import Family
from tests.support.analysis.analysis_rows import drawn

ERRORS = 4.5
ROWS = 9


def laid(cells: list[tuple[str, ...]]) -> AdditiveModel:
    variables = [Variable(f"f{at}", ("off", "on")) for at in range(len(cells[0]))]
    return additive_model(variables, cells)


STAR = laid([tuple("on" if at == row else "off" for at in range(8)) for row in range(-1, 8)])
LADDER = laid([tuple("on" if at < row else "off" for at in range(8)) for row in range(9)])
HALF = [(*four, "on" if four.count("on") % 2 == 0 else "off") for four in itertools.product(("off", "on"), repeat=4)]
"""A 2^(5−1) of resolution V: no two rows differ in one factor alone."""
LAYOUTS = {"star": STAR, "ladder": LADDER, "half": laid(HALF), "two": laid([("off",), ("on",)])}
LABELS = [f"row {number}" for number in range(1, 17)]


@lru_cache
def power(of: str, seeds: int, family: str | Sequence[Sequence[str]] = "direct", **truth: object) -> Power:
    layout = LAYOUTS[of]
    rows = len(layout.codes)
    usual = {"own_sd": (0.003,) * rows, "examples": 500, "discordance": 0.025, **truth}
    found = family_hypotheses(layout, Family.from_json(family), LABELS[:rows])
    return Power(found, ProportionTruth((0.0,) * rows, **usual), seeds, 0.05, 0.005)  # type: ignore[arg-type]


def error(chance: float, studies: int) -> float:
    return ERRORS * math.sqrt(max(chance * (1 - chance), 1 / studies) / studies)


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "seeds"), [("star", 3), ("ladder", 3), ("star", 6)])
def test_the_smallest_effect_is_that_of_the_formula(layout: str, seeds: int) -> None:
    """If the others have no effect, Holm's step is Bonferroni's."""
    of = power(layout, seeds)
    sd = math.sqrt(2 * (0.003**2 + 0.025 / 2 / 500))
    assert of.truth.run_sd == pytest.approx(sd / math.sqrt(2))
    assert of.smallest is not None
    needed = [seeds_needed(of.smallest * by, sd, ROWS, 0.05 / 8) for by in (1.06, 0.94)]
    assert needed[0] is not None
    assert needed[1] is not None
    assert needed[0] <= seeds < needed[1]


@pytest.mark.parametrize("effect", [0.012, 0.02])
def test_seeds_that_decide_do(effect: float) -> None:
    seeds = power("star", 2).seeds_to_decide(effect)
    assert seeds is not None
    assert power("star", seeds).chance_to_show(effect) > 0.78
    assert power("star", seeds - 1).chance_to_show(effect) < 0.82


@pytest.mark.slow
def test_seeds_that_show_that_there_is_none_do() -> None:
    """Holm's procedure needs fewer than the formula, which is Bonferroni's, as all have none."""
    two = replace(power("star", 2), delta=0.01)
    seeds = two.seeds_to_decide(0.0)
    assert seeds == seeds_for_equivalence(0.0, math.sqrt(2) * two.truth.run_sd, ROWS, 0.05 / 8, 0.01)
    assert seeds is not None
    assert 0.78 < replace(power("star", seeds), delta=0.01).chances(0.0)["no_effect"] < 0.97
    assert replace(power("star", seeds // 2), delta=0.01).chances(0.0)["no_effect"] < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("effect", [-0.02, 0.01])
@pytest.mark.parametrize("seeds", [3, 1])
def test_guessed_effects_have_the_chances_of_true_ones(effect: float, seeds: int) -> None:
    """The guess shifts studies of no effect; here they are drawn with it. All rungs of a ladder are alike."""
    of = power("ladder", seeds)
    effects = tuple(effect * of.hypotheses.columns[3])
    found = of.true_chances(effects)
    assert [true for true, _ in found] == pytest.approx([0.0] * 3 + [effect] + [0.0] * 4)
    guessed = of.chances_of_one_seed(effect) if seeds == 1 else of.chances(effect)
    for verdict, chance in found[3][1].items():
        if verdict in ("better", "worse") and seeds > 1:
            assert (chance > 0.1) == (verdict == ("better" if effect > 0 else "worse"))
        assert abs(guessed[verdict] - chance) < 2 * error(chance, 1000)
    assert sum(guessed.values()) == pytest.approx(1.0)


@pytest.mark.slow
def test_claims_of_nothing_are_rare_and_chances_grow() -> None:
    of = power("ladder", 3)
    none = of.chances(0.0)
    assert 0.05 / 8 / 4 < sum(none[verdict] for verdict in ("better", "worse")) < 0.05 / 8 * 2
    chances = [of.chance_to_show(effect) for effect in (0.005, 0.01, 0.02, 0.03)]
    assert chances == sorted(chances)
    assert chances[-1] > 0.97
    smallest = [power("ladder", seeds).smallest or math.inf for seeds in (2, 3, 6)]
    assert smallest == sorted(smallest, reverse=True)


def test_chances_below_delta_come_with_many_seeds() -> None:
    few = replace(power("star", 30, own_sd=(0.0005,) * ROWS, discordance=0.0), delta=0.01)
    assert few.chances(0.003)["better_below_delta"] > 0.95
    assert few.chances(0.0)["no_effect"] > 0.95


def test_two_seeds_settle_less_than_a_rate_has_room_for() -> None:
    assert power("two", 2, own_sd=(0.09,) * 2, base=0.5).smallest is None
    nearly_all = ProportionTruth((0.0,), (0.003,), base=0.99, discordance=0.01)
    assert list(guesses(0.005, nearly_all)) == pytest.approx([0.0, 0.0025, 0.005, 0.01])


def test_a_fraction_tests_the_effects_of_its_factors() -> None:
    layout = laid(HALF)
    of = family_hypotheses(layout, Family.from_json("direct"), LABELS)
    assert of.kind == "effects"
    assert of.names[0] == "f0 off → on"
    assert of.pairs is None
    assert np.array_equal(of.shares, np.eye(5))
    wide = power("half", 3).smallest
    narrow = power("star", 3).smallest
    assert wide is not None
    assert narrow is not None
    assert wide < 0.65 * narrow, "16 rows of a fraction tell more of an effect than two of nine"


@pytest.mark.parametrize("cells", [HALF, [*HALF[:3], ("off",) * 5, ("on", "off", "off", "off", "off")]])
def test_effects_are_those_of_reports(cells: list[tuple[str, ...]]) -> None:
    """By pairs, by least squares, and for aliased effects."""
    names = [f"f{at}" for at in range(5)]
    made = [dict(zip(names, cell, strict=True)) for cell in cells]
    study = drawn(dict.fromkeys(names, ("off", "on")), made, 3, np.random.default_rng(4), family="effects")
    of = family_hypotheses(laid(cells), Family.from_json("effects"), LABELS[: len(cells)])
    rates = np.array([row.values["top1"].values for row in study.rows])[None]
    judged = judge_weighted(rates, of.weights, 0.05, 0.005, resolution=0.001)
    reported = [effect.estimate for effect in analyse(study).effects]
    assert judged.effect[0] == pytest.approx([np.nan if e.effect is None else e.effect for e in reported], nan_ok=True)
    assert judged.verdict[0].tolist() == [e.verdict for e in reported]
    assert any(e.effect is not None for e in reported)


def test_direct_pairs_are_those_of_reports() -> None:
    names = ["f0", "f1", "f2"]
    cells = [("off", "off", "off"), ("on", "off", "off"), ("on", "on", "off"), ("off", "on", "on")]
    made = [dict(zip(names, cell, strict=True)) for cell in cells]
    study = drawn(dict.fromkeys(names, ("off", "on")), made, 2, np.random.default_rng(5))
    reported = [f"{c.before.label} → {c.after.label}" for c in analyse(study).contrasts if c.in_family]
    assert (
        list(family_hypotheses(laid(cells), Family.from_json("direct"), LABELS[:4]).names)
        == reported
        == ["row 1 → row 2", "row 2 → row 3"]
    )


def test_listed_pairs_that_are_confounded_count_and_are_not_isolated() -> None:
    listed = (("row 1", "row 2"), ("row 1", "row 3"))
    of = family_hypotheses(LADDER, Family.from_json(listed), LABELS[:9])
    assert of.confounded.tolist() == [False, True]
    assert of.shares.any(axis=0).tolist() == [True, False]
    assert not family_hypotheses(LADDER, Family.from_json((("row 1", "row 3"),)), LABELS[:9]).isolated.size
    alone = power("ladder", 3, family=(("row 1", "row 2"),)).smallest
    both = power("ladder", 3, family=listed).smallest
    assert alone is not None
    assert both is not None
    assert alone < both


@pytest.mark.parametrize("discordance", [0.0, 0.16, 0.39])
def test_sums_of_many_examples_have_the_law_of_single_ones(discordance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = ProportionTruth((0.0, 0.03), (0.003, 0.006), examples=2000, discordance=discordance)
    one = draw_successes(truth, 3, 1500, np.random.default_rng(6))
    monkeypatch.setattr("ablate.analysis.power.proportions.MOST_DRAWN", 0)
    other = draw_many_successes(truth, 3, 1500, np.random.default_rng(7))
    assert np.array_equal(other, np.rint(other))
    spread = one.std(axis=(0, 2))
    assert np.all(np.abs(one.mean(axis=(0, 2)) - other.mean(axis=(0, 2))) < ERRORS * spread * math.sqrt(2 / 1500))
    assert other.std(axis=(0, 2)) == pytest.approx(spread, rel=ERRORS / math.sqrt(1500))
    expected = [sd**2 + truth.shared_sd**2 + truth.example_variance for sd in truth.own_sd]
    assert (spread[0] / 2000) ** 2 == pytest.approx(expected[0], rel=0.15)


def test_the_same_question_has_the_same_answer() -> None:
    for seeds in (2, 1):
        one, other = (replace(power("two", seeds)) for _ in range(2))
        assert one.chances_of_one_seed(0.01) == other.chances_of_one_seed(0.01)
        assert seeds == 1 or one.chances(0.01) == other.chances(0.01)
