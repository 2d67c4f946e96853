"""Studies for exports made without a store."""

from collections.abc import Sequence
from typing import Any

from ablate.exports.trials import ExportedStudy, ExportedTrial
from ablate.measurement import Metric
from ablate.store.plan_document import PlanDocument, StoredFactor
from ablate.store.results import StoredValue


def made(
    levels: Sequence[Any], values: Sequence[float], factor: str = "f", metric: str = "acc", **document: Any
) -> ExportedStudy:
    """Return a study with a row for each level, and a value for each row with seed 0."""
    factors = (StoredFactor(factor, (), tuple(levels), levels[0]),)
    plan = PlanDocument("t", metric, 0.5, 0.05, factors=factors, metrics=(Metric(metric),), **document)
    trials = [
        ExportedTrial("row", f"row {at}", {factor: level}, 0, "done", {metric: StoredValue(value, None)}, {}, f"k{at}")
        for at, (level, value) in enumerate(zip(levels, values, strict=True))
    ]
    return ExportedStudy("made", "base", plan, trials)
