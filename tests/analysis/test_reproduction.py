"""Two studies held against each other: made results whose effects are known, so that the word is known beforehand."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ablate.analysis import verdicts
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.reproduction.comparison import (
    CANNOT_TELL,
    CONTRADICTED,
    NOT_COMPARABLE,
    REPRODUCED,
    SAME_SIGN,
    WORDS,
    ComparedContrast,
    Comparison,
    compare,
    difference_interval,
    judge,
)
from ablate.analysis.results import RowResult, StudyResults
from ablate.errors import AblateError
from ablate.trainers.top_k import TOP_K
from tests.support.analysis.analysis_rows import recorded, results, row

N = 10_000
BASE = 2700
DELTA = 0.005
SEEDS = 8
STILL = (3, -2, 1, 0, -3, 2, -1, 0)
"""The hits that a seed adds to a row: their sum is 0, so that an effect is exactly the requested one."""
SHAKEN = (300, -200, 100, 0, -300, 200, -100, 0)


def made(
    factors: Mapping[str, Sequence[Any]],
    cells: Sequence[tuple[Mapping[str, Any], float]],
    around: Sequence[int] = STILL,
    **document: Any,
) -> StudyResults:
    """Rows with these levels, others at the baseline, and these changes in pp."""
    usual = {name: levels[0] for name, levels in factors.items()}
    rows = []
    for at, (levels, pp) in enumerate(cells):
        hits = {seed: BASE + pp * N / 100 + around[(seed + at) % len(around)] for seed in range(len(around))}
        rows.append(row(at + 1, {**usual, **levels}, hits, n=N))
    return results(factors, rows, **document)


def one_factor(pp: float, around: Sequence[int] = STILL, **document: Any) -> StudyResults:
    return made({"trick": ["off", "on"]}, [({}, 0), ({"trick": "on"}, pp)], around, **document)


def only(comparison: Comparison) -> ComparedContrast:
    (found,) = comparison.compared
    return found


def of(comparison: Comparison, *factors: str) -> ComparedContrast:
    (found,) = [one for one in comparison.compared if tuple(change.factor for change in one.changes) == factors]
    return found


def estimate(pp: float, verdict: str, half: float = 0.1, p: float = 0.001) -> EffectEstimate:
    effect, interval = pp / 100, ((pp - half) / 100, (pp + half) / 100)
    return EffectEstimate(TOP_K[1], effect, interval, None, "pooled t", SEEDS, p, p, None, None, verdict)


@pytest.mark.parametrize(
    ("ours", "theirs", "word"),
    [
        (6.0, 6.0, REPRODUCED),
        (6.0, 6.4, REPRODUCED),
        (-6.0, -6.4, REPRODUCED),
        (6.0, 6.6, SAME_SIGN),
        (10.0, 4.0, SAME_SIGN),
        (-4.0, 4.0, CONTRADICTED),
        (4.0, -4.0, CONTRADICTED),
        (0.0, 0.0, REPRODUCED),
        (0.0, 6.0, CONTRADICTED),
        (-6.0, 0.0, CONTRADICTED),
        (0.0, 0.3, CANNOT_TELL),  # shown, and small: no effect beyond delta either
        (0.8, 0.3, SAME_SIGN),  # half a point apart, but only theirs is shown to be small
    ],
)
def test_the_word_of_two_effects_that_are_well_known(ours: float, theirs: float, word: str) -> None:
    found = only(compare(one_factor(ours), one_factor(theirs)))
    assert found.word == word
    assert found.difference == pytest.approx((ours - theirs) / 100)
    assert found.interval is not None
    assert found.interval[0] < (ours - theirs) / 100 < found.interval[1]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (one_factor(6.0), one_factor(0.3, SHAKEN)),
        (one_factor(0.3, SHAKEN), one_factor(6.0)),
        (one_factor(0.3, SHAKEN), one_factor(0.3, SHAKEN)),
        (one_factor(-6.0, (900, -900)), one_factor(6.0)),  # two seeds that do not agree
    ],
)
def test_a_contrast_open_in_one_study_is_cannot_tell(ours: StudyResults, theirs: StudyResults) -> None:
    assert only(compare(ours, theirs)).word == CANNOT_TELL


def test_exactly_delta_apart_is_within_it() -> None:
    assert only(compare(one_factor(6.0), one_factor(6.5))).word == REPRODUCED
    assert only(compare(one_factor(6.0), one_factor(6.51))).word == SAME_SIGN
    assert DELTA < 1.1 / 100 - 0.6 / 100, "in floats"
    assert judge(estimate(1.1, verdicts.BETTER), estimate(0.6, verdicts.BETTER), 0.05, DELTA) == REPRODUCED


def test_both_are_judged_at_our_delta_and_alpha() -> None:
    ours, theirs = one_factor(6.0, delta_pp=2.0), one_factor(4.5)
    assert only(compare(ours, theirs)).word == REPRODUCED
    assert only(compare(theirs, ours)).word == SAME_SIGN
    assert only(compare(one_factor(1.2, delta_pp=2.0), one_factor(1.2))).word == REPRODUCED, "below delta in both"
    strict = only(compare(one_factor(6.0, alpha=0.01), one_factor(6.0)))
    loose = only(compare(one_factor(6.0), one_factor(6.0, alpha=0.01)))
    assert strict.theirs.estimate.interval is not None
    assert loose.theirs.estimate.interval is not None
    assert np.diff(strict.theirs.estimate.interval) > 1.2 * np.diff(loose.theirs.estimate.interval)


def test_every_pair_of_claims_has_a_word_of_the_closed_list_and_every_word_is_given() -> None:
    every = set(verdicts.ALL) - {verdicts.CONFOUNDED, verdicts.NOT_ESTIMABLE, verdicts.NOT_JUDGED}
    sides = [estimate(pp, verdict) for verdict in sorted(every) for pp in (-6.0, -0.2, 0.2, 6.0)]
    found = {judge(one, other, 0.05, DELTA) for one in sides for other in sides}
    assert found == set(WORDS) - {NOT_COMPARABLE}
    for one in sides:
        for other in sides:
            assert judge(one, other, 0.05, DELTA) == judge(other, one, 0.05, DELTA)
            assert judge(one, other, 0.05, DELTA) == judge(one.flipped, other.flipped, 0.05, DELTA)
    assert len(WORDS) == len(set(WORDS)) == 5


def test_one_seed_agrees_with_either_size_but_not_with_none() -> None:
    single = estimate(0.4, verdicts.CHECKPOINTS_DIFFER)
    assert judge(single, estimate(0.4, verdicts.BETTER), 0.05, DELTA) == REPRODUCED
    assert judge(single, estimate(0.4, verdicts.BETTER_BELOW_DELTA), 0.05, DELTA) == REPRODUCED
    assert judge(single, estimate(1.4, verdicts.BETTER), 0.05, DELTA) == SAME_SIGN
    assert judge(single, estimate(-0.4, verdicts.WORSE), 0.05, DELTA) == CONTRADICTED
    assert judge(single, estimate(0.0, verdicts.NO_EFFECT), 0.05, DELTA) == CANNOT_TELL


def test_an_effect_and_none_contradict_each_other_only_if_the_difference_excludes_zero() -> None:
    none = estimate(0.1, verdicts.NO_EFFECT, half=0.3)
    assert judge(estimate(0.4, verdicts.BETTER, half=0.3), none, 0.05, DELTA) == CANNOT_TELL  # 0.3 may be both
    assert judge(estimate(0.6, verdicts.BETTER, half=0.3), none, 0.05, DELTA) == CONTRADICTED  # 0.5 > 0.3·√2
    assert judge(estimate(-0.6, verdicts.WORSE, half=0.3), none, 0.05, DELTA) == CONTRADICTED


def test_the_interval_of_the_difference_by_hand() -> None:
    # 2 [1, 3.5] less 0.5 [0.1, 0.7]: 1.5 − √(1² + 0.2²) and 1.5 + √(1.5² + 0.4²)
    assert difference_interval(2.0, (1.0, 3.5), 0.5, (0.1, 0.7)) == pytest.approx((0.480196, 3.052417), abs=1e-6)
    symmetric = difference_interval(1.0, (1 - 1.96 * 0.3, 1 + 1.96 * 0.3), 0.0, (-1.96 * 0.4, 1.96 * 0.4))
    assert symmetric == pytest.approx((1 - 1.96 * 0.5, 1 + 1.96 * 0.5))  # 0.3, 0.4, 0.5: normal errors add so
    low, high = difference_interval(0.5, (0.1, 0.7), 2.0, (1.0, 3.5))
    assert (low, high) == pytest.approx((-3.052417, -0.480196), abs=1e-6)


def _drawn(rng: np.random.Generator, pp: float, seeds: int = 6, sd: float = 30.0) -> StudyResults:
    shared = BASE + rng.normal(0, 20, seeds)
    hits = [dict(enumerate(shared + shift + rng.normal(0, sd, seeds))) for shift in (0, pp * N / 100)]
    rows = [
        row(at, {"trick": level}, of_row, n=N) for at, level, of_row in zip((1, 2), ("off", "on"), hits, strict=True)
    ]
    return results({"trick": ["off", "on"]}, rows)


@pytest.mark.slow
def test_the_interval_of_the_difference_has_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(20240)
    found = [only(compare(_drawn(rng, 1.5), _drawn(rng, 0.5))).interval for _ in range(400)]
    inside = np.mean([ends is not None and ends[0] <= 0.01 <= ends[1] for ends in found])
    assert 0.925 < inside < 0.985  # SE 0.011


@pytest.mark.slow
def test_two_studies_of_one_true_effect_seldom_contradict_each_other() -> None:
    rng = np.random.default_rng(7)
    compared = [only(compare(_drawn(rng, 0.25, sd=25), _drawn(rng, 0.25, sd=25))) for _ in range(300)]
    words = [one.word for one in compared]
    verdict_pairs = [{one.ours.estimate.verdict, one.theirs.estimate.verdict} for one in compared if one.ours]
    assert verdict_pairs.count({verdicts.NO_EFFECT, verdicts.BETTER}) > 30, "what could be mistaken is there"
    assert words.count(CONTRADICTED) / len(words) < 0.06


THREE: Mapping[str, Sequence[Any]] = {"trick": ["off", "on"], "warmup": ["off", "on"], "margin": [0.3, 0.2]}
CELLS: Sequence[tuple[Mapping[str, Any], float]] = [
    ({}, 0),
    ({"trick": "on"}, 6),
    ({"warmup": "on"}, -4),
    ({"trick": "on", "warmup": "on", "margin": 0.2}, 9),
]


def test_a_study_reproduces_itself() -> None:
    study = made(THREE, CELLS)
    found = compare(study, study)
    assert found.counts == {REPRODUCED: len(found.compared), **dict.fromkeys(WORDS[1:], 0)}
    assert all(one.difference == 0 for one in found.compared)
    assert found.shared_trials == 4 * SEEDS
    assert found.ours_only == 0
    assert found.settings == ()
    assert {tuple(c.factor for c in one.changes) for one in found.compared} == {
        ("trick",), ("warmup",), ("trick", "warmup"), ("trick", "margin")}  # fmt: skip


def _renumbered(study: StudyResults, order: Sequence[int]) -> StudyResults:
    rows = [replace(study.rows[at], number=number) for number, at in enumerate(order, start=1)]
    return replace(study, rows=tuple(rows))


def _seen(comparison: Comparison) -> dict[Any, tuple[str, float | None, str]]:
    """{the change, in either direction: (word, difference, reason)}."""
    found = {}
    for one in comparison.compared:
        ends = sorted([str(dict(one.theirs.before.levels)), str(dict(one.theirs.after.levels))])
        sign = 1 if str(dict(one.theirs.before.levels)) == ends[0] else -1
        difference = None if one.difference is None else round(sign * one.difference, 9)
        found[tuple(ends)] = one.word, difference, re.sub(r"\d+ ", "", one.reason)  # a row's number is its place
    return found


def test_the_order_of_rows_changes_nothing() -> None:
    ours = made(THREE, [({}, 0), ({"trick": "on"}, 6.2), ({"warmup": "on"}, 4), ({"margin": 0.2}, 1)])
    theirs = made(THREE, CELLS)
    expected = _seen(compare(ours, theirs))
    assert {word for word, _, _ in expected.values()} == {REPRODUCED, SAME_SIGN, CONTRADICTED, NOT_COMPARABLE}
    flipped = _renumbered(theirs, [3, 2, 1, 0])
    assert _seen(compare(ours, flipped)) == expected
    assert _seen(compare(_renumbered(ours, [3, 2, 1, 0]), theirs)) == expected
    assert _seen(compare(_renumbered(ours, [2, 0, 3, 1]), flipped)) == expected


def test_a_bundle_is_compared_with_the_same_bundle_as_a_whole() -> None:
    theirs = made(THREE, [({}, 0), ({"trick": "on", "warmup": "on"}, 5)])
    same = only(compare(made(THREE, [({}, 0), ({"trick": "on", "warmup": "on"}, 5.2)]), theirs))
    assert (same.word, same.bundle) == (REPRODUCED, True)
    opposite = only(compare(made(THREE, [({}, 0), ({"trick": "on", "warmup": "on"}, -5)]), theirs))
    assert (opposite.word, opposite.bundle) == (CONTRADICTED, True)
    open_ = made(THREE, [({}, 0), ({"trick": "on", "warmup": "on"}, 0)])
    assert only(compare(open_, theirs)).word == CANNOT_TELL, "a bundle's p shows no absence"


@pytest.mark.parametrize("levels", [{"trick": "on"}, {"trick": "on", "margin": 0.2}])
def test_a_bundle_is_compared_with_no_other_change(levels: Mapping[str, Any]) -> None:
    theirs = made(THREE, [({}, 0), ({"trick": "on", "warmup": "on"}, 5)])
    found = of(compare(made(THREE, [({}, 0), (levels, 6)]), theirs), "trick", "warmup")
    assert found.word == NOT_COMPARABLE
    assert "ours has no row like 2" in found.reason
    assert (found.ours, found.difference, found.interval) == (None, None, None)


def test_a_single_change_of_theirs_is_not_compared_with_a_bundle_of_ours() -> None:
    theirs = one_factor(6)
    ours = made(
        {"trick": ["off", "on"], "schedule": ["full", "half"]}, [({}, 0), ({"trick": "on", "schedule": "half"}, 6)]
    )
    found = only(compare(ours, theirs))
    assert (found.word, found.reason) == (NOT_COMPARABLE, "ours also changes schedule")
    other_way = only(compare(theirs, ours))
    assert (other_way.word, other_way.reason) == (
        NOT_COMPARABLE, "theirs also changes schedule, which ours does not have")  # fmt: skip


def test_a_level_that_ours_does_not_have_is_named() -> None:
    theirs = made({"margin": [0.3, 0.1]}, [({}, 0), ({"margin": 0.1}, 2)])
    ours = made({"margin": [0.3, 0.2]}, [({}, 0), ({"margin": 0.2}, 2)])
    found = compare(ours, theirs)
    assert (only(found).word, only(found).reason) == (NOT_COMPARABLE, "ours has no margin 0.1")
    assert found.ours_only == 1


def test_contrasts_with_undeclared_differences_are_not_compared() -> None:
    plain = one_factor(6)
    rows = plain.rows[0], recorded(plain.rows[1], {seed: {"torch": "9.9"} for seed in range(SEEDS)})
    rows = recorded(rows[0], {seed: {"torch": "9.8"} for seed in range(SEEDS)}), rows[1]
    doubtful = replace(plain, rows=rows)
    of_ours = only(compare(doubtful, plain))
    assert of_ours.word == NOT_COMPARABLE
    assert of_ours.reason == "ours also differs in what no factor declares: torch"
    of_theirs = only(compare(plain, doubtful))
    assert of_theirs.word == NOT_COMPARABLE
    assert of_theirs.reason == "theirs also differs in what no factor declares: torch"


def _without(study: StudyResults, number: int, failed: bool = False) -> StudyResults:
    def emptied(one: RowResult) -> RowResult:
        again = row(one.number, one.levels, {}, n=N)
        return replace(again, failed=(0,)) if failed else again

    return replace(study, rows=tuple(emptied(one) if one.number == number else one for one in study.rows))


def test_contrasts_without_a_result_are_not_compared() -> None:
    whole = one_factor(6)
    assert only(compare(_without(whole, 2), whole)).reason == "ours has no result: row 2"
    assert only(compare(whole, _without(whole, 1))).reason == "theirs has no result: row 1"
    failed = only(compare(_without(whole, 2, failed=True), whole))
    assert (failed.word, failed.reason) == (NOT_COMPARABLE, "ours has no result: row 2 (failed)")
    both = only(compare(_without(whole, 2), _without(whole, 1)))
    assert both.word == NOT_COMPARABLE


def test_levels_that_are_one_number_or_one_switch_are_one_level() -> None:
    theirs = made({"margin": [0.3, 0.2], "trick": [False, True], "lr": [1e-4, 1]},
                  [({}, 0), ({"margin": 0.2}, 3), ({"trick": True}, 6), ({"lr": 1}, 9)])  # fmt: skip
    ours = made({"lr": ["1e-4", "1.0"], "trick": ["off", "on"], "margin": ["0.30", "0.20"]},
                [({}, 0), ({"trick": "on"}, 6), ({"margin": "0.20"}, 3), ({"lr": "1.0"}, 9)])  # fmt: skip
    found = compare(ours, theirs)
    assert not any(known.by_order for known in found.alignment.levels)
    for factor in ("margin", "trick", "lr"):
        assert of(found, factor).word == REPRODUCED
    assert found.counts[NOT_COMPARABLE] == 0
    assert found.ours_only == 0


def test_levels_of_other_names_are_matched_by_order_with_the_baseline_first() -> None:
    theirs = made({"backbone": ["resnet50", "se_resnet50", "huge"]},
                  [({}, 0), ({"backbone": "se_resnet50"}, 3), ({"backbone": "huge"}, 9)])  # fmt: skip
    ours = made({"backbone": ["se_small", "small"]}, [({"backbone": "small"}, 0), ({"backbone": "se_small"}, 3)])
    factors = tuple(replace(factor, baseline="small") for factor in ours.document.factors)
    found = compare(replace(ours, document=replace(ours.document, factors=factors)), theirs)
    (known,) = found.alignment.levels
    assert known.by_order
    assert dict(known.stands_for) == {"small": "resnet50", "se_small": "se_resnet50"}
    words = {one.pair: (one.word, one.reason) for one in found.compared}
    assert words[1, 2] == (REPRODUCED, "")
    assert words[1, 3] == (NOT_COMPARABLE, "ours has no backbone huge")
    shared = made({"backbone": ["resnet50", "small"]}, [({}, 0), ({"backbone": "small"}, 3)])
    assert not compare(shared, theirs).alignment.levels[0].by_order, "one name in common: by name"


def test_of_several_rows_of_ours_the_one_nearest_to_our_baseline_stands_for_theirs() -> None:
    factors = {"trick": ["off", "on"], "warmup": ["off", "on"]}
    cells: list[tuple[Mapping[str, Any], float]] = [
        ({"warmup": "on"}, 0), ({"warmup": "on", "trick": "on"}, 1), ({}, 0), ({"trick": "on"}, 6)]  # fmt: skip
    found = only(compare(made(factors, cells), one_factor(6)))
    assert found.word == REPRODUCED
    assert found.ours is not None
    assert (found.ours.before.number, found.ours.after.number) == (3, 4)
    assert compare(made(factors, cells), one_factor(6)).ours_only == 2, "warmup, with the trick and without"


def test_a_contrast_of_ours_stands_for_every_context_of_theirs() -> None:
    factors = {"trick": ["off", "on"], "warmup": ["off", "on"]}
    cells: list[tuple[Mapping[str, Any], float]] = [
        ({}, 0), ({"trick": "on"}, 6), ({"warmup": "on"}, 0), ({"warmup": "on", "trick": "on"}, -6)]  # fmt: skip
    found = {one.pair: one for one in compare(one_factor(6), made(factors, cells)).compared}
    assert (found[1, 2].word, found[3, 4].word) == (REPRODUCED, CONTRADICTED)
    assert found[1, 3].reason == "theirs changes warmup, which ours does not have"
    assert found[2, 3].reason == "theirs also changes warmup, which ours does not have"


@pytest.mark.parametrize(
    ("ours", "message"),
    [
        (lambda: one_factor(6, primary="top5"), "is about top5, made about top1"),
        (lambda: made({"other": ["a", "b"]}, [({}, 0), ({"other": "b"}, 6)]), "no factor in common"),
    ],
)
def test_studies_with_nothing_to_compare_are_refused(ours: Callable[[], StudyResults], message: str) -> None:
    with pytest.raises(AblateError, match=message):
        compare(ours(), one_factor(6))


def test_reproduced_contrasts_surely_within_delta_are_counted() -> None:
    narrow = compare(one_factor(6), one_factor(6.1))
    assert (narrow.counts[REPRODUCED], narrow.surely_within) == (1, 1)
    wide = compare(one_factor(6, SHAKEN), one_factor(6.1))
    assert (wide.counts[REPRODUCED], wide.surely_within) == (1, 0)


def test_settings_that_differ_are_listed_without_those_of_a_factor() -> None:
    config = {"settings": {"trick": 1}, "schedule": {"steps": 100}, "runtime": {"workers": 1}}
    other = {"settings": {"trick": 2}, "schedule": {"steps": 200}, "runtime": {"workers": 9}}
    ours = one_factor(6, config=config, data={"name": "emoji", "fingerprint": "a" * 20})
    theirs = one_factor(6, (0, 0), config=other, data={"name": "emoji", "fingerprint": "b" * 20}, delta_pp=1)
    found = {apart.what: (apart.ours, apart.theirs) for apart in compare(ours, theirs).settings}
    assert found == {
        "data": ("emoji (content aaaaaaaa)", "emoji (content bbbbbbbb)"),
        "schedule.steps": ("100", "200"),
        "seeds a row": ("8", "2"),
        "delta, pp": ("0.5", "1"),
    }


def test_a_doubtful_row_is_read_both_ways() -> None:
    factors = {"trick": ["off", "on"], "warmup": ["off", "on"]}
    cells: list[tuple[Mapping[str, Any], float]] = [({}, 0), ({"trick": "on"}, 6)]
    doubt = {"row": 2, "factor": "warmup", "listed": "off", "implied": "on"}
    theirs = made(factors, cells, doubts=[doubt])
    found = compare(made(factors, cells), theirs)
    assert only(found).word == REPRODUCED
    (reading,) = found.readings
    assert dict(reading.changed) == {(1, 2): (REPRODUCED, NOT_COMPARABLE)}
    assert compare(theirs, theirs).readings == (), "a doubt that both have is read alike in both; a bundle is left"


def test_settings_of_several_values_are_written_as_in_a_study_file() -> None:
    config = {"effects": [{"when": {"erasing": True, "level": None}, "pp": 2.5}], "note": ["a b", "c"]}
    theirs = one_factor(6, config={"effects": [], "note": []})
    apart = {known.what: known.ours for known in compare(one_factor(6, config=config), theirs).settings}
    assert apart["effects"] == "[{when: {erasing: on, level: null}, pp: 2.5}]"
    assert apart["note"] == '["a b", c]'
