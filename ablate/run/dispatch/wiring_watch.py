"""Wiring checks during a run: a warning as soon as equal results show that a seed or a factor may not arrive."""

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ablate.errors import StoreError
from ablate.store import Connection, Store
from ablate.store.examples import read_contents
from ablate.store.plans import StoredPlan, StoredRow
from ablate.store.results import read_repeats, read_values
from ablate.study.wiring.coincidence import DURING_A_RUN, IN_REPORTS, Caution
from ablate.study.wiring.compared import compared_metrics, is_of_machine
from ablate.study.wiring.equality import equal_results
from ablate.study.wiring.outcomes import Contents, Outcome, RowOutcomes
from ablate.study.wiring.repeats import repeat_sentences
from ablate.study.wiring.words import NamedStudy, equality_sentences

LARGEST_SHARE = 0.05
"""The part of the time of a run that the checks take at most. The last one is made in any case."""


@dataclass
class WiringWatch:
    """Compares the results of a plan's rows while they come in, and reports each finding once."""

    store: Store
    plan: StoredPlan
    reported: set[object] = field(default_factory=set)
    """The findings that were reported. The watches of one session share them."""

    def __post_init__(self) -> None:
        document = self.plan.document
        self.rows = [row for row in self.plan.rows if row.kind == "row"]
        self.metrics = compared_metrics(document.metrics)
        self.outcomes: dict[str, Outcome] = {}
        self.contents: dict[str, Contents] = {}
        self.unread: set[str] | None = None  # None: all that are stored
        self.trained: set[str] = set()
        self.next_check = 0.0
        keys = {factor.name: factor.sets for factor in document.factors}
        levels = {row.label: row.levels for row in self.rows}
        names = {row.label: repr(row.label) for row in self.rows}
        self.study = NamedStudy(names, levels, keys, document.trainer, metric=document.primary)

    def ended(self, keys: Collection[str]) -> list[str]:
        """Return new findings after these trials have got results; none if the checks take too much time."""
        self.trained.update(keys)
        if self.unread is not None:
            self.unread.update(keys)
        if time.monotonic() < self.next_check:
            return []
        began = time.monotonic()
        with suppress(StoreError), self.store.read() as connection:
            found = self._equal(connection, DURING_A_RUN)
            self.next_check = time.monotonic() + (time.monotonic() - began) / LARGEST_SHARE
            return found
        return []

    def over(self) -> list[str]:
        """Return new findings from all results that are stored, after the last training has ended; none without one."""
        with suppress(StoreError), self.store.read() as connection:
            self.unread = None
            if not self.trained:
                return []
            return [*self._equal(connection, IN_REPORTS), *self._repeats(connection)]
        return []

    def _equal(self, connection: Connection, caution: Caution) -> list[str]:
        document = self.plan.document
        if is_of_machine(document.metric(document.primary)):  # trainings of equal results need not take the same time
            return []
        self._read(connection)
        rows = [RowOutcomes(row.label, row.levels, self._of_row(row)) for row in self.rows]
        equal = equal_results(rows, lambda keys: self._read_contents(connection, keys), caution)
        is_over = all(row.cells.keys() == self._of_row(row).keys() for row in self.rows)
        sentences = equality_sentences(equal, self._named(rows), "" if is_over else " so far")
        return [text for key, text in sentences if self._is_new(key)]

    def _named(self, rows: Sequence[RowOutcomes]) -> NamedStudy:
        """Return the names of the study, with the metrics and values that its results have so far."""
        primary = self.plan.document.primary
        values = {
            row.label: {seed: one.values[primary] for seed, one in row.outcomes.items() if primary in one.values}
            for row in rows
        }
        measured = {name for row in rows for one in row.outcomes.values() for name in one.values}
        titles = [metric.title for metric in self.plan.document.metrics if metric.name in measured]
        return replace(self.study, metrics=titles, values=values)

    def _repeats(self, connection: Connection) -> list[str]:
        """Return the trials that this run has trained again, with another result."""
        names = {
            key: f"row {row.label!r}, seed {seed}"
            for row in self.plan.rows
            for seed, key in row.cells.items()
            if key in self.trained
        }
        repeats = read_repeats(connection, names.keys(), self.metrics)
        return repeat_sentences({names[key]: repeats[key] for key in names if key in repeats and self._is_new(key)})

    def _read(self, connection: Connection) -> None:
        """Read the results that are new: at first, and at last, all that are stored."""
        every = {key for row in self.rows for key in row.cells.values()}
        missing = (every if self.unread is None else self.unread) - self.outcomes.keys()
        self.unread = set()
        for key, values in read_values(connection, missing).items() if missing else ():
            compared = {name: one.value for name, one in values.items() if name in self.metrics}
            if compared:
                self.outcomes[key] = Outcome(key, compared)

    def _of_row(self, row: StoredRow) -> dict[int, Outcome]:
        return {seed: self.outcomes[key] for seed, key in row.cells.items() if key in self.outcomes}

    def _read_contents(self, connection: Connection, keys: Collection[str]) -> Mapping[str, Contents]:
        new = set(keys) - self.contents.keys()
        self.contents |= read_contents(connection, new) if new else {}
        return {key: self.contents[key] for key in keys if key in self.contents}

    def _is_new(self, key: object) -> bool:
        is_new = key not in self.reported
        self.reported.add(key)
        return is_new
