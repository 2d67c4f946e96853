"""The reader of tables in files: CSV and its relatives, JSON lines, Parquet, Markdown and LaTeX."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ablate.errors import SourceError
from ablate.imports.source import ColumnRole, Request, Source, Spread
from ablate.imports.tables.choice import chosen, with_headings
from ablate.imports.tables.columns import read_columns
from ablate.imports.tables.formats import delimited, json_records, latex, markdown, parquet
from ablate.imports.tables.formats.files import archive
from ablate.imports.tables.grid import Grid, Places
from ablate.imports.tables.lines import without_other_lines
from ablate.imports.tables.spreads import Spreading, with_spreads
from ablate.imports.tables.transposed import with_a_line_for_each_run
from ablate.imports.tables.wide import SEED, Long, as_long


class Form(NamedTuple):
    """A form of files."""

    recognise: Callable[[Path], str]
    """Return why a file is of this form, as the end of a sentence; empty if it is not."""
    read: Callable[[Path], list[Grid]]
    """Return the tables of a file."""


FORMS = (
    Form(parquet.recognise, parquet.read),
    Form(json_records.recognise, json_records.read),
    Form(latex.recognise, latex.read),
    Form(markdown.recognise, markdown.read),
    Form(delimited.recognise, delimited.read),
)
"""The forms of files, in the order in which they are tried."""
BY_SUFFIX = {".json": FORMS[1], ".tex": FORMS[2], ".md": FORMS[3]}
"""{suffix: the form that a file is read as if no form recognises its content}"""
OTHER_FORMS = (".py", ".ipynb", ".yaml", ".yml", ".toml", ".html")
"""Suffixes of files that hold no results, even if a part of them looks like a table."""


class TableReader:
    """Reads a table in a file: a line, a column or a cell for each run."""

    kind = "table"

    def recognise(self, path: Path) -> str:
        """Return why the file has a table, as the end of a sentence; empty if it has none."""
        if not path.is_file() or path.suffix.lower() in OTHER_FORMS:
            return ""
        if name := archive(path):
            return f"it is {name}"
        return next((why for form in FORMS if (why := form.recognise(path))), "")

    def read(self, path: Path, request: Request) -> Source:
        """Return the runs of a table. SourceError with the faults if it cannot be read."""
        if not path.is_file():
            raise SourceError(f"{path}: a table is a file; for a folder name another kind with --from")
        if name := archive(path):
            raise SourceError(f"{path}: this is {name}, which is not read; unpack it, or save the table as CSV")
        other = BY_SUFFIX.get(path.suffix.lower(), FORMS[-1])
        form = next((form for form in FORMS if form.recognise(path)), other)
        why = form.recognise(path) or "--from names this kind"
        try:
            return self._source(why, chosen(form.read(path), request), request)
        except SourceError as error:
            lines = str(error).splitlines()
            raise SourceError("\n".join(line if str(path) in line else f"{path}: {line}" for line in lines)) from None

    def _source(self, why: str, grid: Grid, request: Request) -> Source:
        grid = without_other_lines(with_a_line_for_each_run(with_headings(grid), request))
        if not len(grid):
            raise SourceError("there is no line below the headings; a table has a line for each run")
        columns = read_columns(grid)
        spreading = with_spreads(columns, request)
        long = as_long(spreading.columns, request)
        of_columns = [sentence for column in columns for sentence in column.unused]
        unused = [*grid.unused, *spreading.unused, *long.unused, *of_columns]
        return Source(
            kind=self.kind,
            why="; ".join(part for part in (why, grid.layout, long.note) if part),
            runs=pd.DataFrame({column.name: column.values for column in long.columns}),
            places=Places(grid.unit, grid.lines[long.at], long.names),
            roles=_roles(long, request),
            directions={column.name: column.direction for column in long.columns if column.direction},
            percent=frozenset(column.name for column in long.columns if column.is_percent),
            spreads=_spreads(spreading, long),
            unused=unused,
        )


def _roles(long: Long, request: Request) -> dict[str, ColumnRole]:
    """Return the roles that the table itself says: by arrows, standard deviations and columns of a wide table."""
    metrics = [column.name for column in long.columns if column.direction or column.sd is not None]
    roles = dict.fromkeys([*metrics, *long.metrics], ColumnRole.METRIC)
    if long.metrics:
        roles[request.columns_are or SEED] = ColumnRole.SETTING if request.columns_are else ColumnRole.SEED
    return roles


def _spreads(spreading: Spreading, long: Long) -> dict[str, Spread]:
    spreads = {}
    for column in long.columns:
        if column.sd is None:
            continue
        seeds = np.full(len(long.at), column.seeds) if spreading.seeds is None else spreading.seeds[long.at]
        spreads[column.name] = Spread(column.sd, seeds.astype(np.int64))
    return spreads


reader = TableReader()
