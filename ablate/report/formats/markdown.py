"""The report as markdown: the rows in one wide table, then the rest of the outline."""

import re
from collections.abc import Iterable, Sequence

from ablate.analysis.analysis import Analysis
from ablate.report.outline import wide_outline
from ablate.report.sections import summary
from ablate.report.tables import Cell, ReportSection

SPECIAL = re.compile(r"[\\`*<|~$]|(?<![^\W_])_|_(?![^\W_])|(?<=\])(?=\()")
MOST_CONTRASTS = 200
RULES = {"l": ":--", "c": ":-:", "r": "--:"}


def render(analysis: Analysis) -> str:
    """Return the whole report."""
    results = analysis.results
    parts = [f"# {escaped(results.heading)}", escaped(results.document.question)]
    parts += [escaped(line) for line in summary.summary(analysis)]
    for block in wide_outline(analysis, MOST_CONTRASTS):
        if not block.empty:
            parts += _block(block)
    parts += ["---", *(escaped(line) for line in summary.footer(analysis))]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Return text in one line, escaped so that markdown prints it unchanged."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def _block(block: ReportSection) -> list[str]:
    notes = [escaped(note) for note in block.notes]
    below = ["\n".join(f"- {note}" for note in notes)] if block.items else notes
    return [f"## {escaped(block.title)}" if block.title else "", "\n".join(_table(block)), *below]


def _table(block: ReportSection) -> Iterable[str]:
    if block.rows:
        yield _line([escaped(column.name) for column in block.columns])
        yield _line([RULES[column.align] for column in block.columns])
        yield from (_line([_cell(cell) for cell in row]) for row in block.rows)


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    return f"**{text}**" if cell.bold and text else text


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
