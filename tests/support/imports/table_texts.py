"""Tables read from text, and small ones written in many layouts and forms."""

import json
from collections.abc import Sequence
from pathlib import Path

from ablate.imports.source import Request, Source
from ablate.imports.tables.table import reader

Row = Sequence[object]


def read_text(folder: Path, text: str | bytes, name: str = "results.csv", **request: object) -> Source:
    """Write a text to a file, and return what the reader of tables makes of it."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return reader.read(path, Request(**request))  # type: ignore[arg-type]


def delimited(rows: Sequence[Row], delimiter: str = ",", end: str = "\n") -> str:
    """Return rows as lines with a delimiter; a cell that holds it is in quotes."""
    return "".join(delimiter.join(_quoted(str(cell), delimiter) for cell in row) + end for row in rows)


def markdown(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table; the first one has the headings."""
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"


def latex(rows: Sequence[Row]) -> str:
    """Return rows as a LaTeX table; the first one has the headings."""
    lines = [" & ".join(str(cell).replace("%", r"\%").replace("_", r"\_") for cell in row) + r" \\" for row in rows]
    body = "\n".join([lines[0], r"\midrule", *lines[1:]])
    return f"\\begin{{tabular}}{{{'l' * len(rows[0])}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"


def json_lines(rows: Sequence[Row]) -> str:
    """Return rows as JSON lines; the first one has the names."""
    return "".join(json.dumps(dict(zip(map(str, rows[0]), row, strict=True))) + "\n" for row in rows[1:])


def _quoted(cell: str, delimiter: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if delimiter in cell or '"' in cell or "\n" in cell else cell
