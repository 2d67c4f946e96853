"""Factors that nothing reads in some rows: no verdict there, and effects from the rows that read them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ablate.analysis import verdicts
from ablate.analysis.analysis import analyse
from ablate.analysis.effects import ADDITIVE, DIRECT, NONE
from ablate.analysis.results import StudyResults
from ablate.analysis.untested import NOT_READ, Untested
from tests.support.analysis.analysis_rows import drawn

FACTORS = {"optimizer": ["adam", "sgd"], "momentum": [0.9, 0.1], "erasing": ["off", "on"]}
ADAM = "schedule.optimizer is adam"


def study(cells: list[dict[str, Any]], twins: Mapping[int, int], unread: list[int], seeds: int = 3) -> StudyResults:
    """Rows of which some are the trials of others, {row: other row}, and the rows that leave momentum unread."""
    reasons = [{"factor": "momentum", "reason": ADAM, "rows": [f"row {number}" for number in unread]}]
    made = drawn(FACTORS, cells, seeds, np.random.default_rng(1), unread=reasons)
    rows = [
        replace(one, results=made.rows[twins[one.number] - 1].results) if one.number in twins else one
        for one in made.rows
    ]
    return replace(made, rows=tuple(rows))


def cell(optimizer: str, momentum: float, erasing: str = "off") -> dict[str, Any]:
    return {"optimizer": optimizer, "momentum": momentum, "erasing": erasing}


GRID = [cell("adam", 0.9), cell("adam", 0.1), cell("sgd", 0.9), cell("sgd", 0.1)]


def test_the_effect_is_that_of_the_rows_that_read_it() -> None:
    analysis = analyse(study(GRID, {2: 1}, [1, 2]))
    rows = analysis.results.rows
    effects = {effect.factor: effect for effect in analysis.effects}
    under_sgd = np.mean(np.subtract(rows[3].values["top1"].values, rows[2].values["top1"].values))
    assert effects["momentum"].contexts == 1
    assert effects["momentum"].estimate.effect == pytest.approx(under_sgd)
    twins = analysis.contrasts.between(rows[0], rows[1])
    assert twins.untested == Untested(NOT_READ, (ADAM,))
    assert (twins.estimate.verdict, twins.estimate.effect) == (verdicts.NOT_ESTIMABLE, None)
    assert analysis.contrasts.between(rows[2], rows[3]).untested is None
    assert effects["optimizer"].contexts == 2
    assert analysis.interactions == (), "of four rows that are three trainings"


def test_a_factor_that_no_row_reads_has_no_effect_and_no_run_to_suggest() -> None:
    cells = [cell("adam", 0.9), cell("adam", 0.1), cell("adam", 0.9, "on")]
    analysis = analyse(study(cells, {2: 1}, [1, 2, 3]))
    effects = {effect.factor: effect for effect in analysis.effects}
    assert effects["momentum"].identified == NONE
    assert effects["momentum"].untested == Untested(NOT_READ, (ADAM,))
    assert effects["erasing"].identified == DIRECT
    assert not any(run.levels["momentum"] == 0.1 for run in analysis.suggestions)


def test_rows_that_do_not_read_it_count_as_the_baseline_if_effects_add_up() -> None:
    """No two rows differ in momentum alone. Least squares must not average it over rows under Adam."""
    cells = [cell("adam", 0.9), cell("adam", 0.1, "on"), cell("sgd", 0.9), cell("sgd", 0.1, "on")]
    analysis = analyse(study(cells, {}, [1, 2]))
    effect = next(effect for effect in analysis.effects if effect.factor == "momentum")
    one, two, three, four = (np.array(row.values["top1"].values) for row in analysis.results.rows)
    assert effect.identified == ADDITIVE
    assert effect.estimate.effect == pytest.approx(np.mean((four - three) - (two - one)))


def test_levels_that_act_alike_are_one_trial_too() -> None:
    """Nothing is unread here: the two values are the same in effect, such as two milestones beyond the end."""
    cells = [cell("sgd", 0.9), cell("sgd", 0.1)]
    analysis = analyse(study(cells, {2: 1}, []))
    assert analysis.contrasts[0].untested == Untested(NOT_READ)
    (effect,) = (effect for effect in analysis.effects if effect.factor == "momentum")
    assert (effect.identified, effect.untested) == (NONE, Untested(NOT_READ))
