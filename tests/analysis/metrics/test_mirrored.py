"""A metric seen from its other side: the mirrored values, where lower is better, give the same conclusions.

Values are rounded in some studies, so that seeds and rows agree exactly.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.looks.take_look import take_look
from ablate.analysis.results import StudyResults
from ablate.measurement import Direction, Kind, Metric
from tests.support.analysis.value_studies import SQUARE, study_of_values
from tests.support.examples import examples

COUNT = 40
LOOKS = [2, 3, 5]
UP, DOWN = Direction.MAXIMIZE, Direction.MINIMIZE


@st.composite
def rates(draw: st.DrawFn) -> dict[str, Any]:
    """Rates of four rows, with examples in most studies of one seed, clusters in some, and results missing."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    seeds, size = draw(st.integers(1, 5)), draw(st.sampled_from([0.0, 0.15]))
    easy = rng.random(COUNT)
    cuts = 0.5 + size * np.arange(4)[:, None] + rng.normal(0, 0.05, (4, seeds)) + rng.normal(0, 0.05, seeds)
    hits = (easy + 0.4 * rng.random((seeds, 4, COUNT)) < cuts.T[..., None]).astype(np.float32)
    values = hits.mean(axis=2, dtype=float).T
    values[rng.random(values.shape) < draw(st.sampled_from([0.0, 0.15]))] = np.nan
    known = draw(st.booleans()) and not np.isnan(values).any()
    return {
        "values": values,
        "examples": hits if known else None,
        "clusters": np.arange(COUNT) // 4 if known and draw(st.booleans()) else None,
        "n": COUNT if draw(st.booleans()) else None,
    }


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    """Numbers of four rows; in some studies rounded to tenths, so that seeds agree, or rows differ by a constant."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    seeds, spread = draw(st.integers(1, 5)), draw(st.sampled_from([0.0, 0.02, 0.2]))
    values = 2.0 + draw(st.sampled_from([0.0, 0.3])) * np.arange(4)[:, None] + rng.normal(0, spread, (4, seeds))
    values += rng.normal(0, draw(st.sampled_from([0.0, 0.3])), seeds)
    values[rng.random(values.shape) < draw(st.sampled_from([0.0, 0.15]))] = np.nan
    return {"values": np.round(values, draw(st.sampled_from([1, 12])))}


def conclusions(study: StudyResults, population: str = "seeds") -> dict[str, Any]:
    """The conclusions that do not depend on the unit, and the effects, of all contrasts, effects and interactions."""
    analysis: Analysis = analyse(study, population)  # type: ignore[arg-type]
    estimates = [one.estimate for one in (*analysis.contrasts, *analysis.effects, *analysis.interactions)]
    look = take_look(study, LOOKS, [])
    return {
        "exact": [
            [(one.verdict, one.more_seeds, one.seeds, one.method, one.without_spread) for one in estimates],
            [(seen.verdict, seen.seeds, seen.p is None) for seen in look.results],
            (look.continuing, analysis.best, [each.row.label for each in analysis.noisy_rows]),
            [each.row.label for each in analysis.unequal_spreads],
        ],
        "p": [
            *(np.nan if p is None else p for one in estimates for p in (one.p, one.p_holm, one.p_equivalence)),
            *(np.nan if p is None else p for seen in look.results for p in (seen.p, seen.p_equivalence)),
        ],
        "effects": [np.nan if one.effect is None else one.effect for one in estimates],
        "intervals": [(np.nan, np.nan) if one.interval is None else one.interval for one in estimates],
    }


def same(one: dict[str, Any], other: dict[str, Any], factor: float) -> None:
    """Both conclude the same, with effects of the second `factor` times those of the first."""
    assert one["exact"] == other["exact"]
    assert other["p"] == pytest.approx(one["p"], rel=1e-5, abs=1e-9, nan_ok=True)
    size = abs(factor)
    assert other["effects"] == pytest.approx(factor * np.array(one["effects"]), rel=1e-6, abs=1e-7 * size, nan_ok=True)
    expected = factor * np.array(one["intervals"])
    found = np.array(other["intervals"])
    assert found == pytest.approx(np.sort(expected, axis=1), rel=1e-5, abs=1e-6 * size, nan_ok=True)


populations = st.sampled_from(["seeds", "examples-and-seeds"])


@settings(max_examples=examples(100), deadline=None)
@given(rates(), st.sampled_from([0.0123, 0.0877]), populations)
def test_a_rate_and_the_rate_of_its_errors(made: dict[str, Any], delta: float, population: str) -> None:
    accuracy = Metric("accuracy", UP, Kind.PROPORTION, bounds=(0.0, 1.0))
    mirrored = {**made, "values": 1 - made["values"]}
    if made["examples"] is not None:
        mirrored["examples"] = 1 - made["examples"]
    one, other = (
        study_of_values(metric, delta, SQUARE, **values)
        for metric, values in ((accuracy, made), (replace(accuracy, direction=DOWN), mirrored))
    )
    same(conclusions(one, population), conclusions(other, population), -1.0)


@settings(max_examples=examples(100), deadline=None)
@given(numbers(), st.sampled_from([0.0123, 0.0877]))
def test_a_number_and_its_negative(made: dict[str, Any], delta: float) -> None:
    one = study_of_values(Metric("m", UP), delta, SQUARE, **made)
    other = study_of_values(Metric("m", DOWN), delta, SQUARE, values=-made["values"])
    same(conclusions(one), conclusions(other), -1.0)


@settings(max_examples=examples(100), deadline=None)
@given(numbers(), st.sampled_from([0.0123, 0.0877]), st.sampled_from([UP, DOWN]), st.sampled_from([1000.0, 1e-9]))
def test_a_number_in_another_unit(made: dict[str, Any], delta: float, direction: Direction, factor: float) -> None:
    one = study_of_values(Metric("m", direction), delta, SQUARE, **made)
    other = study_of_values(Metric("m", direction), factor * delta, SQUARE, values=factor * made["values"])
    same(conclusions(one), conclusions(other), factor)


@settings(max_examples=examples(60), deadline=None)
@given(numbers(), st.sampled_from([0.0123, 0.0877]))
def test_better_is_worse_in_the_other_direction(made: dict[str, Any], delta: float) -> None:
    """The same numbers, of which now the lower ones are better: each verdict is its opposite, and no p changes."""
    up, down = (study_of_values(Metric("m", direction), delta, SQUARE, **made) for direction in (UP, DOWN))
    for one, other in zip(analyse(up).contrasts, analyse(down).contrasts, strict=True):
        assert other.estimate.verdict == verdicts.FLIPPED.get(one.estimate.verdict, one.estimate.verdict)
        assert (other.estimate.effect, other.estimate.p) == (one.estimate.effect, one.estimate.p)
