"""Rows and seeds with equal results, found by totals first and then by the ranks of single queries."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.analysis import analyse
from ablate.analysis.equal_results import equal_results
from ablate.analysis.results import RowResult, SeedResult, StudyResults
from ablate.report import wording
from ablate.report.figures.rows import ladder
from ablate.report.sections.summary import footer, summary
from ablate.store.results import StoredValue
from ablate.study.wiring.outcomes import Contents, EqualResults
from tests.support.analysis.analysis_rows import N, results, row

Ranks = NDArray[np.uint32]
FACTORS = {"a": ["off", "on"], "b": ["off", "on"]}


def ranks(seed: int, n: int = N) -> Ranks:
    return np.random.default_rng(seed).integers(1, 5, n, dtype=np.uint32)


def study(of_runs: dict[tuple[int, int], Ranks], rows: int, seeds: int) -> tuple[StudyResults, EqualResults]:
    """Rows of two factors, with these ranks of each (row, seed), and what is equal in them."""
    cells = [{"a": one, "b": other} for one in ("off", "on") for other in ("off", "on")]
    made = [
        row(number, levels, {seed: int((of_runs[number, seed] == 1).sum()) for seed in range(seeds)})
        for number, levels in enumerate(cells[:rows], 1)
    ]
    equal = found(made, of_runs)
    return replace(results(FACTORS, made), equal=equal), equal


def found(rows: list[RowResult], of_runs: dict[tuple[int, int], Ranks]) -> EqualResults:
    def read(keys: Collection[str]) -> dict[str, Contents]:
        kept = {key: of_runs[tuple(map(int, key.split("/")))] for key in keys}  # type: ignore[index]
        return {key: Contents(ranks.tobytes(), True) for key, ranks in kept.items() if len(np.unique(ranks)) > 1}

    return equal_results(rows, read)


def test_rows_that_agree_in_every_query_of_every_seed() -> None:
    runs = {(number, seed): ranks(10 * number + seed) for number in (1, 2, 3) for seed in range(3)}
    runs |= {(2, seed): runs[1, seed] for seed in range(3)}
    made, equal = study(runs, 3, 3)
    assert equal == EqualResults((("row 1", "row 2"),))
    assert made.findings == [
        "rows 1 (row 1) and 2 (row 2) have equal results, to the last bit, in every seed: b does not reach the "
        "trainer, or changes nothing"
    ]
    direct = analyse(made).contrasts.between(made.rows[0], made.rows[1])
    assert direct.estimate.verdict == verdicts.NOT_ESTIMABLE
    assert direct.untested is not None
    other = analyse(made).contrasts.between(made.rows[0], made.rows[2])
    assert other.untested is None
    assert other.estimate.effect is not None
    effects = {effect.factor: effect for effect in analyse(made).effects}
    assert effects["b"].estimate.verdict == verdicts.NOT_ESTIMABLE
    assert effects["b"].untested is not None
    assert effects["a"].untested is None


def test_rows_with_equal_results_are_no_further_observations() -> None:
    """The effect of b comes from rows 1 and 2 alone, and rows 3 and 4 count once in the variance."""
    runs = {(number, seed): ranks(10 * number + seed) for number in (1, 2, 3) for seed in range(3)}
    of_three = {run: runs[run] for run in runs}
    runs |= {(4, seed): runs[3, seed] for seed in range(3)}
    made, equal = study(runs, 4, 3)
    assert equal == EqualResults((("row 3", "row 4"),))
    with_twin, alone = analyse(made), analyse(study(of_three, 3, 3)[0])
    one, other = (each.contrasts.between(made.rows[0], made.rows[1]).estimate for each in (with_twin, alone))
    assert one.interval == pytest.approx(other.interval)
    (effect,) = (effect for effect in with_twin.effects if effect.factor == "b")
    assert effect.contexts == 1
    assert effect.estimate.effect == pytest.approx(one.effect)
    assert effect.estimate.interval == pytest.approx(one.interval)


def test_equal_totals_are_not_equal_results() -> None:
    runs = {(number, seed): ranks(10 * number + seed) for number in (1, 2) for seed in range(2)}
    runs |= {(2, seed): np.roll(runs[1, seed], 1) for seed in range(2)}
    made, equal = study(runs, 2, 2)
    assert made.rows[0].values["top1"].values == made.rows[1].values["top1"].values
    assert equal == EqualResults()
    assert made.findings == []


def test_the_costs_of_trainings_hide_no_equal_results() -> None:
    runs = {(number, seed): ranks(seed) for number in (1, 2) for seed in range(2)}
    rows = [
        replace(row, results={seed: with_seconds(one, row.number + seed) for seed, one in row.results.items()})
        for row in study(runs, 2, 2)[0].rows
    ]
    assert found(rows, runs) == EqualResults((("row 1", "row 2"),))


def with_seconds(one: SeedResult, seconds: float) -> SeedResult:
    return replace(one, values={**one.values, "seconds": StoredValue(seconds, None)})


def test_one_seed_that_differs_is_enough() -> None:
    runs = {(number, seed): ranks(seed) for number in (1, 2) for seed in range(2)}
    runs[2, 1] = ranks(99)
    assert study(runs, 2, 2)[1] == EqualResults()


@pytest.mark.parametrize("rank", [0, 1])
def test_results_that_are_the_same_for_every_query_say_nothing_about_a_factor(rank: int) -> None:
    runs = {(number, seed): np.full(N, rank, np.uint32) for number in (1, 2) for seed in range(2)}
    made, equal = study(runs, 2, 2)
    assert equal == EqualResults(alike_rows=(("row 1", "row 2"),))
    assert made.findings == []


def no_examples(keys: Collection[str]) -> dict[str, Contents]:
    return {}


def of_totals(hits: list[list[int]], delta: float) -> StudyResults:
    """Rows of three levels of a factor, of which only totals are known."""
    rows = [row(at, {"a": at}, dict(enumerate(of_row))) for at, of_row in enumerate(hits, 1)]
    made = results({"a": [1, 2, 3]}, rows, delta_pp=delta)
    return replace(made, equal=equal_results(made.rows, no_examples))


FIRST = [[270, 273, 268, 271, 269], [271, 272, 268, 270, 270]]


def test_absence_is_not_concluded_from_values_that_are_equal_in_every_seed() -> None:
    """Rows 1 and 2 differ by less than delta, and so do rows 1 and 3, which are equal."""
    made = of_totals([*FIRST, FIRST[0]], delta=2)
    assert made.equal.rows == ()
    assert made.equal.alike_rows == (("row 1", "row 3"),)
    analysis = analyse(made)
    other, equal = (analysis.contrasts.between(made.rows[0], made.rows[at]).estimate for at in (1, 2))
    assert other.verdict == verdicts.NO_EFFECT
    assert (equal.verdict, equal.effect, equal.alike, equal.p_equivalence) == (verdicts.UNDECIDED, 0.0, True, None)
    effects = {effect.level: effect for effect in analysis.effects}
    assert effects[2].estimate.verdict == verdicts.NO_EFFECT
    assert effects[3].estimate.verdict == verdicts.UNDECIDED
    assert wording.phrase(effects[3]) == "equal in every seed"
    assert "which shows neither an effect nor its absence" in wording.sentence(effects[3], made)


def test_values_that_chance_hardly_makes_equal_are_reported_and_count_once_in_the_variance() -> None:
    made = of_totals([*FIRST, FIRST[0]], delta=2)
    assert made.equal.likely_rows == (("row 1", "row 3"),)
    (finding,) = made.findings
    assert finding.startswith("rows 1 (row 1) and 3 (row 3) have equal top-1 in every seed (top1 0.27 with seed 0): a ")
    alone = analyse(of_totals(FIRST, delta=2))
    with_twin = analyse(made)
    one, other = (
        each.contrasts.between(each.results.rows[0], each.results.rows[1]).estimate for each in (with_twin, alone)
    )
    assert one.interval == pytest.approx(other.interval)


def test_two_equal_seeds_of_a_small_test_may_be_chance() -> None:
    rows = [row(at, {"a": at}, of_row, n=20) for at, of_row in enumerate([{0: 18, 1: 19}, {0: 18, 1: 19}], 1)]
    equal = equal_results(rows, no_examples)
    assert (equal.alike_rows, equal.likely_rows, equal.rows) == ((("row 1", "row 2"),), (), ())


def test_seeds_that_do_not_reach_the_trainer_count_as_one() -> None:
    """Three equal seeds are no sign of a small spread: the verdict is that of one seed."""
    runs = {(number, seed): ranks(number) for number in (1, 2) for seed in range(3)}
    made, equal = study(runs, 2, 3)
    assert equal == EqualResults(seeds=((0, 1, 2),))
    (finding,) = made.findings
    assert finding.startswith("seeds 0–2 have equal results, to the last bit, in every row: ")
    analysis = analyse(made)
    estimate = analysis.contrasts[0].estimate
    assert estimate.seeds == 1
    assert estimate.verdict in (verdicts.CANNOT_TELL, verdicts.CHECKPOINTS_DIFFER)
    low, high = analysis.interval(made.rows[0], "top1")
    assert 0 < low < made.rows[0].values["top1"].mean < high < 1
    head = " ".join([*summary(analysis), *footer(analysis)])
    assert "All seeds of a row have equal results, so they count as one: intervals" in head
    assert "new seeds" not in head
    assert ladder(analysis)[0].seeds == 1
