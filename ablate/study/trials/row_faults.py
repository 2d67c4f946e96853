"""The faults of rows whose config is not valid as a whole: every kind, with the first rows that have it."""

from pydantic import BaseModel, ValidationError

from ablate.errors import StudyError
from ablate.study.reading.nodes import Node, SourcePlace
from ablate.study.reading.problems import Problems

MOST_ROWS = 5
"""The largest number of rows that are listed for one kind of fault; a grid can have a hundred thousand."""

Kind = tuple[tuple[tuple[int | str, ...], str], ...]


class RowProblems:
    """Collects rows with values that are valid one by one, but not together."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        self.texts: dict[Kind, list[str]] = {}
        self.counts: dict[Kind, int] = {}

    def add(self, label: str, error: ValidationError) -> None:
        """Record a row whose config is not valid."""
        details = error.errors(include_url=False, include_context=False, include_input=False)
        kind = tuple((detail["loc"], detail["type"]) for detail in details)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= MOST_ROWS:
            self.texts.setdefault(kind, []).extend(self._row_texts(label, error))

    def check(self) -> None:
        """Raise StudyError if any row has faults."""
        faults: list[str] = []
        for kind, lines in self.texts.items():
            more = self.counts[kind] - MOST_ROWS
            if more > 0:
                lines[-1] += f" (and so in {more:,} more row{'s' if more > 1 else ''})"
            faults += lines
        if faults:
            raise StudyError(faults)

    def _row_texts(self, label: str, error: ValidationError) -> list[str]:
        collected = Problems(Node({}, SourcePlace(f"row {label!r}")))
        collected.invalid(error, self.model)
        try:
            collected.check()
        except StudyError as collected_error:
            return collected_error.faults
        return []
