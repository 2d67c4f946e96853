"""The reader of the tables that `ablate export` writes, with a line for each trial."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablate.errors import SourceError
from ablate.imports.source import DONE, FAILED, RUNNING, ColumnRole, Request, Source, Spread
from ablate.imports.trackers.export_table import Column, columns, header, is_export
from ablate.text import fault_lines, plural
from ablate.trainers.costs import COST_NAMES

STALE, DIVERGED = "stale", "diverged"
STATES = (DONE, FAILED, DIVERGED, RUNNING)
"""The states that runs keep. Others, such as queued, are those of runs that have not ended."""
LARGEST = 500_000_000
"""Bytes of a file above which it is refused."""


class AblateExportReader:
    """Reads the tables that `ablate export` writes."""

    kind = "ablate"

    def recognise(self, path: Path) -> str:
        try:
            names = header(path) if path.is_file() else []
        except (OSError, ValueError, StopIteration, csv.Error):
            return ""
        return "it has the columns of `ablate export`, from study to trial" if names and is_export(names) else ""

    def read(self, path: Path, request: Request) -> Source:
        why = self.recognise(path)
        if not why:
            raise SourceError(f"{path}: does not have the columns of `ablate export`, from study to trial")
        if path.stat().st_size > LARGEST:
            raise SourceError(f"{path}: is larger than {LARGEST:,} bytes; add --from table")
        try:
            cells = columns(path)
        except (OSError, ValueError, csv.Error) as error:
            raise SourceError(f"{path}: cannot be read: {error}") from None
        table = ExportTable(cells)
        source = table.source(self.kind, why)
        if table.faults:
            raise SourceError(f"{path}: cannot be read:\n{fault_lines(table.faults)}")
        return source


@dataclass
class ExportTable:
    """The columns of an export, and the faults in their cells."""

    cells: Mapping[str, Column]
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = list(self.cells)
        kinds = self.cells.get("kind", ["row"] * len(self.cells["row"]))
        self.lines = [at for at, kind in enumerate(kinds) if kind == "row"]
        """The positions of the lines that are no references."""
        self.settings = names[names.index("row") + 1 : names.index("seed")]
        self.numbers = names[names.index("state") + 1 : -1]
        sds = {f"{name}_sd" for name in self.numbers} if "n_seeds" in self.numbers else set()
        counts = {f"{name}.n" for name in self.numbers}
        others = {"n", "n_seeds", *sds, *counts, *COST_NAMES}
        self.metrics = [name for name in self.numbers if name not in others]

    def source(self, kind: str, why: str) -> Source:
        """Return the runs. They cannot be used if there are faults."""
        texts = {name: self._of_lines(name) for name in ("row", *self.settings, "seed", "trial")}
        if all(seed is None for seed in texts["seed"]):
            del texts["seed"]
        values = {name: self._floats(name) for name in self.numbers if name in (*self.metrics, *COST_NAMES)}
        frame = {name: pd.Series(of, dtype=_dtype(of)) for name, of in texts.items()}
        return Source(
            kind=kind,
            why=why,
            runs=pd.DataFrame({**frame, **values}),
            places=[f"line {at + 2}" for at in self.lines],
            roles={name: self._role(name) for name in (*texts, *values)},
            states=self._states(values),
            spreads={name: self._spread(name) for name in self.metrics if self._has_spread(name)},
            counts={name: of_metric for name in self.metrics if (of_metric := self._counts(name))},
            unused=self._unused(),
        )

    def _of_lines(self, name: str) -> Column:
        return [self.cells[name][at] for at in self.lines]

    def _role(self, name: str) -> ColumnRole:
        if name in self.settings:
            return ColumnRole.SETTING
        if name in self.metrics:
            return ColumnRole.METRIC
        return ColumnRole.SEED if name == "seed" else ColumnRole.CIRCUMSTANCE

    def _floats(self, name: str) -> NDArray[np.float64]:
        values = []
        for at in self.lines:
            cell = self.cells[name][at]
            try:
                values.append(nan if cell is None else float(cell))
            except (TypeError, ValueError):
                values.append(nan)
                self.faults.append(f"line {at + 2}, {name}: found {str(cell)[:40]!r}; accepted: a number")
        return np.array(values, dtype=np.float64)

    def _states(self, values: Mapping[str, NDArray[np.float64]]) -> list[str]:
        """Return the states of the runs; a stale run whose result was accepted is done."""
        has_values = np.any([~np.isnan(values[name]) for name in self.metrics], axis=0) if self.metrics else []
        states = self._of_lines("state")
        accepted = [state == STALE and has for state, has in zip(states, has_values, strict=True)]
        known = [state if state in STATES else RUNNING for state in states]
        return [DONE if is_accepted else state for is_accepted, state in zip(accepted, known, strict=True)]

    def _counts(self, name: str) -> Sequence[int | None]:
        column = "n" if "n" in self.numbers else f"{name}.n"
        if column not in self.numbers:
            return []
        return [None if np.isnan(value) else int(value) for value in self._floats(column)]

    def _has_spread(self, name: str) -> bool:
        return "n_seeds" in self.numbers and f"{name}_sd" in self.numbers

    def _spread(self, name: str) -> Spread:
        return Spread(self._floats(f"{name}_sd"), np.nan_to_num(self._floats("n_seeds")).astype(np.int64))

    def _unused(self) -> list[str]:
        references = len(self.cells["row"]) - len(self.lines)
        return [f"{plural(references, 'reference')}: lines that are compared with none"] if references else []


def _dtype(cells: Column) -> str:
    """Return the type of a column: whole numbers and numbers if all of its cells are such."""
    if all(isinstance(cell, int) and not isinstance(cell, bool) and -(2**63) <= cell < 2**63 for cell in cells):
        return "int64" if cells else "object"
    return "object"


reader = AblateExportReader()
