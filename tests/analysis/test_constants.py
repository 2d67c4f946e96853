"""Results that show nothing: every one at an end of the scale, or fixed by the data. They give no verdict."""

from typing import Any

import numpy as np
import pytest

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.looks.take_look import rows_to_go_on, take_look
from ablate.analysis.reproduction.comparison import CANNOT_TELL, NOT_COMPARABLE, compare
from ablate.report.formats import FORMATS
from ablate.report.sections.summary import summary
from ablate.study.plan.limits import RowLimits
from ablate.trainers.limits import SplitLimits
from tests.support.analysis.analysis_rows import N, results, row

FACTORS = {"a": ["off", "on"], "b": ["off", "on"]}
SQUARE = [{"a": a, "b": b} for a in ("off", "on") for b in ("off", "on")]


def study(hits: list[list[float]], n: int = N, **document: Any) -> Analysis:
    """A study of two factors with these hits of each row and seed."""
    rows = [
        row(number, levels, dict(enumerate(of_row)), n)
        for number, (levels, of_row) in enumerate(zip(SQUARE, hits, strict=True), 1)
    ]
    return analyse(results(FACTORS, rows, **document))


@pytest.mark.parametrize("hits", [0, N])
@pytest.mark.parametrize("seeds", [1, 3])
def test_every_result_at_an_end_of_the_scale_shows_no_absence_of_an_effect(hits: int, seeds: int) -> None:
    analysis = study([[hits] * seeds] * 4)
    estimates = [one.estimate for one in (*analysis.contrasts, *analysis.effects)]
    assert {one.verdict for one in estimates if one.constant is not None} == {verdicts.NOT_ESTIMABLE}
    assert all(one.constant == hits / N for one in estimates)
    assert all(one.effect is one.p is one.interval is None for one in estimates)
    assert analysis.best == {row.label for row in analysis.results.rows}
    assert analysis.constant == hits / N


@pytest.mark.parametrize("hits", [0, N])
def test_every_format_says_so(hits: int) -> None:
    analysis = study([[hits] * 3] * 4)
    rate = f"{100 * hits / N:.2f} %"
    assert any(f"Every top-1 result is {rate}" in line for line in summary(analysis))
    for name in ("terminal", "markdown", "latex"):
        text = " ".join(FORMATS[name](analysis, False).split()).replace("\\", "")
        assert f"every result is {rate}, which shows neither an effect nor its absence" in text
        assert "no effect beyond delta" not in text


def test_one_other_result_shows_that_the_test_can_tell() -> None:
    analysis = study([[N, N, N], [N, N, N], [N, N, N], [N, N, N - 1]])
    assert analysis.constant is None
    assert all(contrast.estimate.effect is not None for contrast in analysis.contrasts)


def fixed(rows: list[str], rate: float) -> RowLimits:
    return RowLimits(tuple(rows), (SplitLimits("test", "", N, (), {"top1": (rate, rate)}, "it is", "change it"),))


def test_rows_that_the_data_fix_are_not_compared_with_each_other() -> None:
    """With a row that can vary they are: that one may differ from them."""
    limits = [fixed(["row 1", "row 2"], 1.0).to_json()]
    analysis = study([[N, N, N], [N, N, N], [680, 675, 681], [670, 677, 669]], limits=limits)
    between = {(one.before.number, one.after.number): one.estimate for one in analysis.contrasts}
    assert between[1, 2].constant == 1.0
    assert between[1, 2].verdict == verdicts.NOT_ESTIMABLE
    assert all(between[pair].constant is None for pair in between if pair != (1, 2))
    assert between[1, 3].verdict == verdicts.WORSE


def test_a_look_at_results_that_show_nothing_claims_nothing_and_asks_for_no_seeds() -> None:
    analysis = study([[0, 0]] * 4, looks=[2, 3, 5])
    look = take_look(analysis.results, [2, 3, 5], [])
    assert {one.verdict for one in look.results} == {verdicts.NOT_ESTIMABLE}
    assert not rows_to_go_on(analysis.results, look)


def test_results_that_show_nothing_reproduce_nothing() -> None:
    constant, other = study([[N] * 3] * 4).results, study([[N] * 3] * 4).results
    words = {one.word: one.reason for one in compare(constant, other).compared}
    assert set(words) <= {CANNOT_TELL, NOT_COMPARABLE}
    assert all("every result is 100 %" in reason for reason in words.values())


def test_interactions_of_equal_results_are_none() -> None:
    (interaction,) = study([[N] * 3] * 4).interactions
    assert interaction.estimate.effect is None
    assert interaction.p_exploring is None


def test_a_constant_effect_among_others_has_no_estimate() -> None:
    """The effect of `a` is that of rows that the data fix; the one of `b` is seen."""
    limits = [fixed(["row 1", "row 3"], 1.0).to_json()]
    analysis = study([[N] * 3, [950, 940, 945], [N] * 3, [951, 942, 944]], limits=limits)
    a, b = analysis.effects
    assert a.estimate.constant is None, "the mean over contexts has a context that can vary"
    assert b.estimate.effect is not None
    assert np.isnan(analysis._observations.constant[[1, 3]]).all()


@pytest.mark.parametrize("stuck", [0, N])
def test_a_row_at_an_end_of_the_scale_makes_the_others_no_more_precise(stuck: int) -> None:
    """The contrast of two rows is that of a study without the stuck row, which had no room to spread."""
    others = [[270, 281, 266], [275, 279, 284], [268, 290, 277]]
    with_stuck, without = (
        study([[stuck] * 3, *others]),
        analyse(
            results(
                FACTORS,
                [
                    row(i, levels, dict(enumerate(hits)))
                    for i, (levels, hits) in enumerate(zip(SQUARE[1:], others, strict=True), 1)
                ],
            )
        ),
    )
    found = {(c.before.number, c.after.number): c.estimate for c in with_stuck.contrasts}
    for contrast in without.contrasts:
        same = found[contrast.before.number + 1, contrast.after.number + 1]
        assert same.interval == pytest.approx(contrast.estimate.interval)
        assert same.p == pytest.approx(contrast.estimate.p)
    assert found[1, 2].interval is not None


@pytest.mark.parametrize(("hits", "shows"), [(750, False), (250, False), (749, True)])
def test_the_ends_of_the_scale_are_those_that_the_data_leave(hits: int, shows: bool) -> None:
    """A quarter of the queries cannot be answered, and a quarter cannot be missed."""
    ends = RowLimits((), (SplitLimits("test", "", N, (), {"top1": (0.25, 0.75)}),)).to_json()
    analysis = study([[hits] * 3] * 4, limits=[ends])
    assert (analysis.constant is None) == shows
    verdict = {one.estimate.verdict for one in analysis.effects}
    assert verdict == ({verdicts.NO_EFFECT} if shows else {verdicts.NOT_ESTIMABLE})
