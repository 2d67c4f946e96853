"""The results of a study as wiring checks compare them: see `study/wiring/`."""

from collections.abc import Sequence

from ablate.analysis.results import RowResult
from ablate.study.wiring import equality
from ablate.study.wiring.compared import compared_metrics
from ablate.study.wiring.outcomes import EqualResults, Outcome, ReadContents, RowOutcomes


def equal_results(rows: Sequence[RowResult], read_contents: ReadContents) -> EqualResults:
    """Return the rows, and the seeds, that have equal results."""
    return equality.equal_results([_outcomes(row) for row in rows], read_contents)


def _outcomes(row: RowResult) -> RowOutcomes:
    names = compared_metrics(row.metrics.values())
    outcomes = {
        seed: Outcome(one.trial, {name: value.value for name, value in one.values.items() if name in names})
        for seed, one in row.results.items()
    }
    return RowOutcomes(row.label, row.levels, {seed: one for seed, one in outcomes.items() if one.values})
