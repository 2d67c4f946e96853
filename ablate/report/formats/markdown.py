"""The report as markdown: the rows in one wide table, then the rest of the outline."""

from collections.abc import Iterable, Sequence

from ablate.analysis.analysis import Analysis
from ablate.report.escapes import as_markdown_line, in_markdown
from ablate.report.outline import wide_outline
from ablate.report.sections import summary
from ablate.report.tables import Cell, ReportSection

MOST_CONTRASTS = 200
RULES = {"l": ":--", "c": ":-:", "r": "--:"}


def render(analysis: Analysis) -> str:
    """Return the whole report."""
    results = analysis.results
    parts = [f"# {in_markdown(results.heading)}", as_markdown_line(results.document.question)]
    parts += [as_markdown_line(line) for line in summary.summary(analysis)]
    for block in wide_outline(analysis, MOST_CONTRASTS):
        if not block.empty:
            parts += _block(block)
    parts += ["---", *(as_markdown_line(line) for line in summary.footer(analysis))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: ReportSection) -> list[str]:
    notes = [as_markdown_line(note) for note in block.notes]
    below = ["\n".join(f"- {note}" for note in notes)] if block.items else notes
    return [f"## {in_markdown(block.title)}" if block.title else "", "\n".join(_table(block)), *below]


def _table(block: ReportSection) -> Iterable[str]:
    if block.rows:
        yield _line([in_markdown(column.name) for column in block.columns])
        yield _line([RULES[column.align] for column in block.columns])
        yield from (_line([_cell(cell) for cell in row]) for row in block.rows)


def _cell(cell: Cell) -> str:
    text = in_markdown(cell.text)
    return f"**{text}**" if cell.bold and text else text


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
