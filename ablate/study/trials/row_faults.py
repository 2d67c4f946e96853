"""Rows whose config is not valid as a whole: every kind of fault, with the first rows that have it."""

from pydantic import BaseModel, ValidationError

from ablate.errors import StudyError
from ablate.study.reading.nodes import Node, SourcePlace
from ablate.study.reading.problems import Problems

MOST_ROWS = 5
"""Rows listed with faults of one kind: a grid can have a hundred thousand of them."""

Kind = tuple[tuple[tuple[int | str, ...], str], ...]


class RowProblems:
    """Values that are fine one by one, and not together in some rows."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        self.found: dict[Kind, list[str]] = {}
        self.counts: dict[Kind, int] = {}

    def add(self, label: str, error: ValidationError) -> None:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        kind = tuple((detail["loc"], detail["type"]) for detail in details)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= MOST_ROWS:
            self.found.setdefault(kind, []).extend(self._of_row(label, error))

    def check(self) -> None:
        """Raises StudyError if any row has faults."""
        faults: list[str] = []
        for kind, lines in self.found.items():
            more = self.counts[kind] - MOST_ROWS
            if more > 0:
                lines[-1] += f" (and so in {more:,} more row{'s' if more > 1 else ''})"
            faults += lines
        if faults:
            raise StudyError(faults)

    def _of_row(self, label: str, error: ValidationError) -> list[str]:
        collected = Problems(Node({}, SourcePlace(f"row {label!r}")))
        collected.invalid(error, self.model)
        try:
            collected.check()
        except StudyError as found:
            return found.faults
        return []
