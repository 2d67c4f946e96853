"""Metrics of which lower values are better: verdicts, tied best, looks, and the comparison of two studies."""

from dataclasses import replace

import numpy as np
import pytest

from ablate.analysis import verdicts
from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.looks.take_look import take_look
from ablate.analysis.reproduction.comparison import CONTRADICTED, REPRODUCED, SAME_SIGN, compare
from ablate.analysis.results import StudyResults
from ablate.errors import AblateError
from ablate.measurement import Direction, Kind, Metric, Scale
from tests.support.analysis.value_studies import study_of_values

LOSS = Metric("loss", Direction.MINIMIZE, Kind.MEAN, "nats")
SECONDS = Metric("seconds", Direction.MINIMIZE, unit="s", bounds=(0.0, np.inf), scale=Scale.LOG)
ERRORS = Metric("error", Direction.MINIMIZE, Kind.PROPORTION, bounds=(0.0, 1.0))
LADDER = [{"a": "off", "b": "off"}, {"a": "on", "b": "off"}, {"a": "on", "b": "on"}]
AROUND = np.array([0.01, -0.02, 0.02, -0.01, 0.0])
"""The changes of five seeds; rows have them in other orders, so that a mean stays as it is."""


def table(means: list[float], around: np.ndarray = AROUND) -> np.ndarray:
    return np.array([mean + np.roll(around, 2 * at) for at, mean in enumerate(means)])


def study(metric: Metric, means: list[float], delta: float, **document: object) -> StudyResults:
    values = np.exp(table(means)) if metric.scale is Scale.LOG else table(means)
    n = 1_000_000 if metric.kind is Kind.PROPORTION else None
    return study_of_values(metric, delta, LADDER, values, n=n, **document)


def of_steps(analysis: Analysis) -> list[str]:
    return [step.estimate.verdict for step in analysis.steps]


@pytest.mark.parametrize(("metric", "delta"), [(LOSS, 0.1), (ERRORS, 0.1), (SECONDS, 1.1)], ids=lambda one: str(one))
def test_less_is_better(metric: Metric, delta: float) -> None:
    """The first change lowers the mean, the second raises it by more."""
    analysis = analyse(study(metric, [0.6, 0.3, 0.9], delta))
    assert of_steps(analysis) == [verdicts.BETTER, verdicts.WORSE]
    assert [(step.estimate.effect or 0) < 0 for step in analysis.steps] == [True, False]
    assert [effect.estimate.verdict for effect in analysis.effects] == [verdicts.BETTER, verdicts.WORSE]
    assert analysis.best == {"row 2"}
    upwards = analyse(study(replace(metric, direction=Direction.MAXIMIZE), [0.6, 0.3, 0.9], delta))
    assert of_steps(upwards) == [verdicts.WORSE, verdicts.BETTER]
    assert upwards.best == {"row 3"}


def test_a_small_decrease_is_better_below_delta() -> None:
    analysis = analyse(study(LOSS, [0.6, 0.53, 0.6], 0.2))
    assert of_steps(analysis) == [verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA]


def test_rows_that_tie_with_the_lowest_are_best_too() -> None:
    analysis = analyse(study(LOSS, [0.9, 0.3, 0.31], 0.1))
    assert analysis.best == {"row 2", "row 3"}
    assert analyse(study(SECONDS, [0.9, 0.3, 0.31], 1.1)).best == {"row 2", "row 3"}


@pytest.mark.parametrize("direction", list(Direction))
def test_looks_and_the_report_after_them_have_the_direction(direction: Direction) -> None:
    metric = replace(LOSS, direction=direction)
    made = study(metric, [0.6, 0.3, 0.9], 0.1, looks=[2, 5, 8])
    look = take_look(made, [2, 5, 8], [])
    down, up = (
        (verdicts.BETTER, verdicts.WORSE) if direction is Direction.MINIMIZE else (verdicts.WORSE, verdicts.BETTER)
    )
    assert [seen.verdict for seen in look.results] == [down, up]
    assert of_steps(analyse(replace(made, looks=(look,)))) == [down, up]


def test_a_declared_pair_has_the_verdict_of_its_own_order() -> None:
    """Row 2 is lower than row 1; asked the other way round, it is row 1 that is worse."""
    pairs = [["row 2", "row 1"]]
    (contrast,) = (one for one in analyse(study(LOSS, [0.6, 0.3, 0.9], 0.1, family=pairs)).contrasts if one.in_family)
    assert (contrast.before.label, contrast.after.label) == ("row 2", "row 1")
    assert contrast.estimate.verdict == verdicts.WORSE
    assert contrast.flipped.estimate.verdict == verdicts.BETTER


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (replace(LOSS, direction=Direction.MAXIMIZE), "by their difference in nats and higher ones are better"),
        (replace(LOSS, unit="bits"), "by their difference in bits and lower ones are better"),
        (replace(LOSS, scale=Scale.LOG), "by their ratio and lower ones are better"),
    ],
    ids=["direction", "unit", "scale"],
)
def test_metrics_that_are_not_alike_are_not_compared(other: Metric, words: str) -> None:
    ours, theirs = study(LOSS, [0.6, 0.3, 0.9], 0.1), study(other, [0.6, 0.3, 0.9], 1.1)
    with pytest.raises(AblateError, match=f"in nats and lower ones are better, made compares values of loss {words}; "):
        compare(ours, theirs)


@pytest.mark.parametrize(("metric", "delta"), [(LOSS, 0.1), (SECONDS, 1.1)], ids=["difference", "ratio"])
@pytest.mark.parametrize("direction", list(Direction))
def test_reproduction_does_not_depend_on_the_direction(metric: Metric, delta: float, direction: Direction) -> None:
    metric = replace(metric, direction=direction)
    ours = study(metric, [0.6, 0.3, 0.9], delta)
    words = {
        REPRODUCED: study(metric, [0.6, 0.33, 0.9], delta),
        SAME_SIGN: study(metric, [0.6, 0.0, 1.5], delta),
        CONTRADICTED: study(metric, [0.6, 0.9, 0.3], delta),
    }
    for word, theirs in words.items():
        steps = [one for one in compare(ours, theirs).compared if len(one.changes) == 1]
        assert [one.word for one in steps] == [word, word]
    (first, _) = (one for one in compare(ours, words[SAME_SIGN]).compared if len(one.changes) == 1)
    assert first.difference == pytest.approx(0.3), "ours lowers the mean, or its logarithm, by .3 less"
    assert first.interval is not None
    assert first.interval[0] < 0.3 < first.interval[1]
