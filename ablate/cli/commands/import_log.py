"""`ablate import`: a log becomes a study in the store."""

import re
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.errors import AblateError


@guarded
def import_log(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A log like studies/reference/baseline-log.md.")],
    study: Annotated[str, typer.Option("--study", metavar="NAME", help="What the study is called in the store.")],
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Import an experiment log, and say what does not agree within it."""
    from ablate.analysis.loading import load
    from ablate.report.formats import log as log_report
    from ablate.store import open_store
    from ablate.store.imported_log import save_log
    from ablate.study.logfile.parser import read_log
    from ablate.study.logfile.rows import findings, named_rows

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", study):
        raise AblateError(f"--study: found {study!r}; accepted: small letters, digits and dashes, like baseline-log")
    log = read_log(path)
    rows = named_rows(log)
    noticed = findings(log, rows)
    opened = open_store(store)
    with opened.write(alone=True) as connection:
        save_log(connection, study, log, rows, noticed)
    values = sum(len(named.row.rates) for named in rows)
    typer.echo(f"{study}: {len(rows)} rows, {values} values, all whole numbers over {log.queries:,} queries")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    for finding in noticed:
        typer.echo(textwrap.fill(finding, width, initial_indent="- ", subsequent_indent="  "))
    if difference := _first_difference(path.read_bytes(), log_report.render(load(opened, study)).encode()):
        typer.echo(f"- {difference}")
    typer.echo(f"next: ablate report {study}", err=True)


def _first_difference(read: bytes, written: bytes) -> str | None:
    """Where the log format, written back, is not what was read: a layout of its own."""
    if read == written:
        return None
    pairs = zip(read.splitlines(keepends=True), written.splitlines(keepends=True), strict=False)
    line = next((i for i, (a, b) in enumerate(pairs, start=1) if a != b), None)
    where = f"from line {line} on" if line else "at its end"
    return f"layout: `--format log` will not give back the same bytes; they differ {where}"
