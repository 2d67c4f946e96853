"""Importing an experiment log as a study."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ablate.analysis.loading import load
from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_write
from ablate.errors import AblateError, LogError
from ablate.filesystem import expanded
from ablate.report.formats import log as log_format
from ablate.store.imported_log import save_log
from ablate.study.logfile.parser import read_log
from ablate.study.logfile.rows import findings, named_rows
from ablate.study.metrics import UNDECLARED
from ablate.text import plural

EXAMPLES = UNDECLARED[0].display.examples
"""The word for the examples of a log."""
MOST_EXAMPLES = 10**12


@dataclass(frozen=True)
class ImportedLog:
    """The study that a log has become."""

    study: str
    """Its name in the store."""
    rows: int
    values: int
    """The number of values of all rows."""
    examples: int
    """The number of examples; 0 if it is not known. If rows differ in it, the largest."""
    inferred: bool
    """True if the number of examples was inferred from the decimals of the values."""
    why_unknown: str
    """Why the number of examples of a log without seeds is not known."""
    findings: Sequence[str]
    """Contradictions within the log, a sentence each."""
    replaced: str | None
    """The rows of another log that had the name before, in words; None if there was none."""
    seeds: int | None
    """The number of seeds of all rows together; None if the log has means only."""
    layout: str | None
    """The first difference of `ablate report --format log` from the log's bytes; None if they are the same."""

    @property
    def source(self) -> str:
        """The numbers of which the values are rates or means, in words."""
        of_examples = f" over {self.examples:,} {EXAMPLES}" if self.examples else ""
        if self.seeds is not None:
            return f"means of {plural(self.seeds, 'result')}{of_examples}"
        if self.inferred:
            return f"all whole numbers{of_examples}, which is inferred from their decimals; --examples N states it"
        if self.examples:
            return f"rates{of_examples}"
        return (
            f"the number of {EXAMPLES} is not known, as {self.why_unknown}: no intervals and no verdicts, unless "
            "--examples N gives it"
        )


def import_log(
    path: Path | str,
    study: str,
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    replace: bool = False,
    examples: int | None = None,
    dry_run: bool = False,
) -> ImportedLog:
    """Save the rows of an experiment log as a study of this name, and return what it contradicts itself in.

    `replace`: take the place of another log of this name. `examples`: the number of examples of which the log's values
    are rates; None if the log states it, if its decimals show it, or if it is not known. `dry_run`: save nothing in the
    store, and read nothing from it. Raises LogError if the file does not have the form of such a log, or has values
    that are no rates of that number, and StoreError if the name belongs to another log or to a study that was run.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", study):
        raise AblateError(f"--study: found {study!r}; accepted: small letters, digits and dashes, like baseline-log")
    if examples is not None and not 1 <= examples <= MOST_EXAMPLES:
        raise AblateError(f"--examples: found {examples}; accepted: a whole number from 1 to {MOST_EXAMPLES:,}")
    if dry_run:
        with TemporaryDirectory() as folder:
            return import_log(path, study, f"{folder}/dry-run.db", examples=examples)
    path = Path(expanded(str(path)))
    log = read_log(path, examples)
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
    number = log.queries, log.inferred, log.why_unknown
    return ImportedLog(study, len(rows), values, *number, every, replaced, seeds, layout)


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
