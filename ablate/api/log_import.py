"""Importing an experiment log as a study."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ablate.analysis.loading import load
from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_write
from ablate.errors import AblateError, LogError
from ablate.filesystem import expanded
from ablate.report.formats import log as log_format
from ablate.store.imported_log import save_log
from ablate.study.logfile.parser import read_log
from ablate.study.logfile.rows import findings, named_rows


@dataclass(frozen=True)
class ImportedLog:
    """The study that a log has become."""

    study: str
    """Its name in the store."""
    rows: int
    values: int
    """The number of values of all rows. Rates are whole numbers over `examples`, or means of such rates."""
    examples: int
    """The number of examples; of several numbers, the largest; 0 if the log has no rates."""
    findings: Sequence[str]
    """Contradictions within the log, a sentence each."""
    replaced: str | None
    """The rows of another log that had the name before, in words; None if there was none."""
    seeds: int | None
    """The number of seeds of all rows together; None if the log has means only."""
    layout: str | None
    """The first difference of `ablate report --format log` from the log's bytes; None if they are the same."""


def import_log(
    path: Path | str, study: str, store: StoreOrUrl = DEFAULT_STORE, *, replace: bool = False
) -> ImportedLog:
    """Save the rows of an experiment log as a study of this name, and return what it contradicts itself in.

    `replace`: take the place of another log of this name. Raises LogError if the file does not have the form of such a
    log, and StoreError if the name belongs to another log or to a study that was run.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", study):
        raise AblateError(f"--study: found {study!r}; accepted: small letters, digits and dashes, like baseline-log")
    path = Path(expanded(str(path)))
    log = read_log(path)
    with _place(path):
        rows = named_rows(log)
        contradictions = findings(log, rows)
        opened = store_to_write(store)
        with opened.write(alone=True) as connection:
            replaced = save_log(connection, study, log, rows, contradictions, replace_other=replace)
    results = load(opened, study)
    measured = [named.row.measured for named in rows]
    values = sum(len(named.row.rates) for named in rows) + sum(len(one.values) for one in measured if one)
    seeds = None if log.study is None else sum(len(row.seeds) for row in (*results.rows, *results.references))
    layout = _layout_difference(path.read_bytes(), log_format.render(results).encode())
    every = [*contradictions, *results.impossible]
    return ImportedLog(study, len(rows), values, log.queries, every, replaced, seeds, layout)


@contextmanager
def _place(path: Path) -> Iterator[None]:
    """Put the path before each fault of a log that does not declare its rows as it should."""
    try:
        yield
    except LogError as error:
        raise LogError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def _layout_difference(read: bytes, written: bytes) -> str | None:
    """Return where the log format, written back, differs from the file; None if it does not."""
    if read == written:
        return None
    pairs = zip(read.splitlines(keepends=True), written.splitlines(keepends=True), strict=False)
    line = next((i for i, (a, b) in enumerate(pairs, start=1) if a != b), None)
    place = f"from line {line} on" if line else "at its end"
    return f"layout: `--format log` will not give back the same bytes; they differ {place}"
