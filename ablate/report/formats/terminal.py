"""The report for a terminal of 80 columns, in the order of the outline."""

import io
import shutil
from collections.abc import Iterable

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablate.analysis.analysis import Analysis
from ablate.report.outline import outline
from ablate.report.sections import summary
from ablate.report.tables import Cell, ReportSection
from ablate.text import visible

NARROW = 72
"""Columns of a terminal below which a table that does not fit becomes sentences."""

MOST_ROWS = 60
MOST_CONTRASTS = 20
WIDEST_CHOICE = 16
"""Letters of a centred column, such as the levels of a factor, before it is folded."""


def render(analysis: Analysis, colour: bool = False, width: int | None = None) -> str:
    """Return the whole report, at most `width` columns wide, with `colour` if stdout is a terminal."""
    width = width or shutil.get_terminal_size((80, 24)).columns
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=colour, width=width, highlight=False, no_color=not colour)
    console.print(Text(visible(analysis.results.heading), style="bold"))
    _print_lines(console, [line for line in [analysis.results.document.question] if line])
    _print_lines(console, summary.summary(analysis))
    console.print()
    for block in outline(analysis, MOST_ROWS, MOST_CONTRASTS, on_screen=True):
        if not block.empty:
            _print_block(console, block.on_screen.stacked)
    _print_lines(console, summary.footer(analysis), "dim")
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _print_block(console: Console, block: ReportSection) -> None:
    _print_lines(console, [block.title] if block.title else [], "bold")
    if block.rows and console.width < NARROW and _least_width(block) > console.width:
        _print_records(console, block)
    elif block.rows:
        console.print(_table(block))
    for note in block.notes:
        _print_lines(console, [note], bullet="• " if block.items else "")
    if block.notes:
        console.print()


def _least_width(block: ReportSection) -> int:
    """Return the columns below which a table loses letters: those of its cells and the space around them."""
    total = 1
    for at, column in enumerate(block.columns):
        texts = [column.name, *(row[at].text for row in block.rows)]
        is_folded = column.flex or column.align == "c"
        parts = [part for text in texts for part in (text.split() if is_folded else text.split("\n"))]
        total += 2 + max((cell_len(part) for part in parts), default=0)
    return total


def _print_records(console: Console, block: ReportSection) -> None:
    """Print each row of a table as a sentence of its cells, for a terminal that is too narrow for the table."""
    names = [" ".join(column.name.split()) for column in block.columns]
    for row in block.rows:
        cells = [(name, " ".join(cell.text.split())) for name, cell in zip(names, row, strict=True)]
        words = [f"{name}: {text}" if name not in ("", "#", "row", "rows") else text for name, text in cells if text]
        _print_lines(console, ["; ".join(words)], bullet="• ")
    console.print()


def _print_lines(console: Console, lines: Iterable[str], style: str = "", bullet: str = "") -> None:
    for line in lines:
        for at, part in enumerate(Text(visible(line), style=style).wrap(console, console.width - 1 - len(bullet))):
            console.print(Text(" " * len(bullet) if at else bullet) + part, soft_wrap=True)


def _table(block: ReportSection) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in block.columns:
        justify = {"l": "left", "c": "center", "r": "right"}[column.align]
        if column.flex:
            table.add_column(Text(visible(column.name)), ratio=column.flex, overflow="fold")
        elif column.align == "c":
            name = visible(column.name).replace("_", "\n")
            table.add_column(Text(name), justify="center", overflow="fold", max_width=WIDEST_CHOICE)
        else:
            table.add_column(Text(visible(column.name)), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in block.rows:
        table.add_row(*(_text(cell) for cell in row))
    return table


def _text(cell: Cell) -> Text:
    return Text(visible(cell.text), style="bold" if cell.bold else "yellow" if cell.doubtful else "")
