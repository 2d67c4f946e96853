"""Alternative readings of an imported log in which a row's levels and its title contradict each other."""

from collections.abc import Sequence
from dataclasses import replace

from ablate.analysis.results import StudyResults
from ablate.store.plan_document import ImpliedLevel


def other_readings(results: StudyResults) -> dict[str, StudyResults]:
    """Return {words for the change: results read so}: each ambiguity alone, then all of them together.

    Empty for a log without an ambiguity, and for a study that is not imported.
    """
    ambiguities = list(results.document.doubts)
    changes = {_words(ambiguity): [ambiguity] for ambiguity in ambiguities}
    if len(ambiguities) > 1:
        changes["all of these"] = ambiguities
    return {words: _read_as(results, of_words) for words, of_words in changes.items()}


def _words(ambiguity: ImpliedLevel) -> str:
    return f"row {ambiguity.row} with {ambiguity.factor} {ambiguity.implied}, not {ambiguity.listed}"


def _read_as(results: StudyResults, ambiguities: Sequence[ImpliedLevel]) -> StudyResults:
    """Return the same results, with the levels that the titles imply."""
    implied = {(one.row, one.factor): one.implied for one in ambiguities}
    rows = tuple(
        replace(row, levels={name: implied.get((row.number, name), level) for name, level in row.levels.items()})
        for row in results.rows
    )
    return replace(results, rows=rows)
