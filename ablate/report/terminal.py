"""The report in a terminal, readable at 80 columns: what each row has, what it reached, what each step changes."""

import io
import shutil
import textwrap

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablate.analysis.contrasts import DIRECT, Contrast, steps
from ablate.analysis.results import RowResult, StudyResults
from ablate.report import words


def render(results: StudyResults, colour: bool = False, width: int | None = None) -> str:
    """The whole report; `colour` where stdout is a terminal."""
    width = width or shutil.get_terminal_size((80, 24)).columns
    kept = io.StringIO()
    console = Console(file=kept, force_terminal=colour, width=width, highlight=False, no_color=not colour)
    console.print(Text(results.heading, style="bold"))
    if question := results.document.get("question"):
        console.print(Text(question))
    for line in words.summary(results):
        console.print(Text(line))
    console.print()
    for title, table in (_rates(results), _factors(results), _steps(results)):
        if table.row_count:
            console.print(Text(title, style="bold"))
            console.print(table)
    if noticed := results.findings:
        console.print(Text("Noticed", style="bold"))
        for finding in noticed:
            console.print(Text(textwrap.fill(finding, width - 1, initial_indent="• ", subsequent_indent="  ")))
    return "\n".join(line.rstrip() for line in kept.getvalue().splitlines()) + "\n"


def _rates(results: StudyResults) -> tuple[str, Table]:
    table = _table()
    table.add_column("#", justify="right")
    table.add_column("row", ratio=1, overflow="fold")
    primary = words.METRIC_NAMES[results.primary]
    table.add_column(f"{primary}, interval", justify="right", no_wrap=True)
    others = [name for name in words.METRIC_NAMES if name != results.primary]
    for name in others:
        table.add_column(words.METRIC_NAMES[name], justify="right", no_wrap=True)
    for row in results.rows:
        table.add_row(
            str(row.number), Text(row.label), _primary(row, results.primary), *(_rate(row, n) for n in others)
        )
    for row in results.references:
        label = Text(f"{row.label} (reference)", style="dim")
        table.add_row("", label, _primary(row, results.primary), *(_rate(row, n) for n in others))
    return "Rows: rates on the test split, %", table


def _factors(results: StudyResults) -> tuple[str, Table]:
    factors = words.varying(results.rows, results.factors)
    same = ", ".join(f"{name} {level}" for name, level in words.constant(results).items())
    title = "What each row has" + (f" (all rows: {same})" if same else "")
    table = _table()
    if not factors:
        return title, table
    table.add_column("#", justify="right")
    for name in factors:
        table.add_column(name.replace("_", "\n"), justify="center", no_wrap=True)
    for row in results.rows:
        table.add_row(str(row.number), *(words.mark(row.levels.get(name)) for name in factors))
    return title, table


def _steps(results: StudyResults) -> tuple[str, Table]:
    table = _table()
    table.add_column("rows", no_wrap=True)
    table.add_column("change, interval", justify="right", no_wrap=True)
    table.add_column("what differs", ratio=1, overflow="fold")
    for step in steps(results):
        table.add_row(f"{step.before.number} → {step.after.number}", words.change(step), _differing(step))
    return f"Steps: change of {words.METRIC_NAMES[results.primary]} against the row above, pp", table


def _differing(step: Contrast) -> Text:
    return Text(words.differing(step), style="" if step.identified == DIRECT else "bold yellow")


def _primary(row: RowResult, primary: str) -> str:
    if primary not in row.metrics:
        return "–"
    low, high = row.metrics[primary].interval
    return f"{words.rate(row.metrics[primary].mean)} [{words.rate(low)}, {words.rate(high)}]"


def _rate(row: RowResult, name: str) -> str:
    return words.rate(row.metrics[name].mean) if name in row.metrics else "–"


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
