"""The unit and the direction of a metric: another unit, or the negated metric, changes no verdict."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.results import StudyResults
from ablate.measurement import Direction, Kind, Metric, Scale
from tests.support.analysis.value_studies import study_of_values
from tests.support.examples import examples

FACTORS = ("a", "b", "c")
LEVELS = [dict(zip(FACTORS, cell, strict=True)) for cell in itertools.product(("off", "on"), repeat=3)]
COUNT = 30
OPPOSITE = {Direction.MAXIMIZE: Direction.MINIMIZE, Direction.MINIMIZE: Direction.MAXIMIZE}


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of a study: some cells of a 2×2×2, one to five seeds, some missing, effects from none to large.

    With one seed, and sometimes with more, the examples of a mean are known, or come in clusters.
    """
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    chosen = draw(st.lists(st.integers(0, 7), min_size=2, max_size=8, unique=True))
    seeds, size = draw(st.integers(1, 5)), draw(st.sampled_from([0.0, 0.2, 1.0]))
    runs = rng.normal(3.0, 0.1, (len(chosen), seeds)) + size * np.array(chosen)[:, None] + rng.normal(0, 1.0, seeds)
    runs[rng.random(runs.shape) < 0.1] = np.nan
    of_examples = rng.normal(0.0, 1.0, (len(chosen), COUNT)) + rng.normal(0.0, 1.0, COUNT)
    of_examples += runs[:, :1] - of_examples.mean(axis=1, keepdims=True)
    is_known = draw(st.booleans()) and not np.isnan(runs[:, 0]).any()
    return {
        "levels": [LEVELS[at] for at in chosen],
        "values": runs,
        "examples": of_examples if is_known else None,
        "clusters": np.arange(COUNT) // 5 if is_known and draw(st.booleans()) else None,
    }


directions = st.sampled_from(list(Direction))


def said(study: StudyResults) -> dict[str, list[Any]]:
    """All conclusions of a report by kind."""
    analysis: Analysis = analyse(study)
    estimates = [one.estimate for one in (*analysis.contrasts, *analysis.effects, *analysis.interactions)]
    return {
        "verdicts": [(one.verdict, one.more_seeds, one.seeds, one.method) for one in estimates],
        "p": [np.nan if p is None else p for one in estimates for p in (one.p, one.p_holm, one.p_equivalence)],
        "effects": [np.nan if one.effect is None else one.effect for one in estimates],
        "low": [np.nan if one.interval is None else one.interval[0] for one in estimates],
        "high": [np.nan if one.interval is None else one.interval[1] for one in estimates],
    }


def same(one: dict[str, list[Any]], other: dict[str, list[Any]], factor: float) -> None:
    """Both say the same, with effects and intervals of the second times a factor."""
    assert one["verdicts"] == other["verdicts"]
    assert other["p"] == pytest.approx(one["p"], rel=1e-5, abs=1e-9, nan_ok=True)
    ends = (one["low"], one["high"]) if factor > 0 else (one["high"], one["low"])
    for expected, found in zip((one["effects"], *ends), (other["effects"], other["low"], other["high"]), strict=True):
        assert found == pytest.approx(factor * np.array(expected), rel=1e-5, abs=1e-6 * abs(factor), nan_ok=True)


@settings(max_examples=examples(80), deadline=None)
@given(values(), directions, st.sampled_from([0.05, 0.3]))
def test_a_negated_metric_of_the_other_direction_has_the_same_verdicts(
    made: dict[str, Any], direction: Direction, delta: float
) -> None:
    metric = Metric("m", direction, Kind.MEAN)
    negated = {**made, "values": -made["values"]}
    if made["examples"] is not None:
        negated["examples"] = -made["examples"]
    other = replace(metric, direction=OPPOSITE[direction])
    same(said(study_of_values(metric, delta, **made)), said(study_of_values(other, delta, **negated)), -1.0)


@settings(max_examples=examples(80), deadline=None)
@given(values(), directions, st.sampled_from([0.05, 0.3]))
def test_a_thousandth_of_the_unit_changes_no_verdict(made: dict[str, Any], direction: Direction, delta: float) -> None:
    metric = Metric("m", direction, Kind.MEAN)
    larger = {**made, "values": 1000 * made["values"]}
    if made["examples"] is not None:
        larger["examples"] = 1000 * made["examples"]
    same(said(study_of_values(metric, delta, **made)), said(study_of_values(metric, 1000 * delta, **larger)), 1000.0)


@settings(max_examples=examples(60), deadline=None)
@given(values(), directions)
def test_ratios_do_not_depend_on_the_unit(made: dict[str, Any], direction: Direction) -> None:
    metric = Metric("m", direction, Kind.SCALAR, scale=Scale.LOG)
    positive = {**made, "values": np.exp(made["values"]), "examples": None, "clusters": None}
    scaled = {**positive, "values": 1000 * positive["values"]}
    same(said(study_of_values(metric, 1.1, **positive)), said(study_of_values(metric, 1.1, **scaled)), 1.0)


@settings(max_examples=examples(60), deadline=None)
@given(values(), directions)
def test_a_ratio_is_the_difference_of_logarithms(made: dict[str, Any], direction: Direction) -> None:
    numbers = {**made, "examples": None, "clusters": None}
    linear = said(study_of_values(Metric("m", direction), float(np.log(1.1)), **numbers))
    positive = {**numbers, "values": np.exp(made["values"])}
    ratios = said(study_of_values(Metric("m", direction, scale=Scale.LOG), 1.1, **positive))
    same(linear, ratios, 1.0)
