"""The tables of a report in LaTeX, for a paper: plain ASCII that needs the package booktabs only."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from ablate.analysis.analysis import Analysis
from ablate.report.outline import outline
from ablate.report.sections import summary
from ablate.report.tables import Cell, Column, ReportSection
from ablate.text import visible

MOST_ROWS = 40
MOST_CONTRASTS = 25
WRAPPED = r"\providecommand{\wrapped}{\raggedright\let\\\tabularnewline}"
PAGE = 0.965
"""The share of the line for a table. All widths are such shares, for footnote size on a line of 345 points."""
NEW_LINE = r"\\"
GAP = 0.0175
LEAST_SHARE = 0.1
LETTER = 0.0118
WIDE, NARROW = dict.fromkeys("−+×→✓MWmw", 0.02), dict.fromkeys(" .,:;[]()|!'ijlt", 0.0078)

DASHES = re.compile("-(?=-)")
"""Places between two hyphens, which LaTeX would join to one dash; an empty group is put there."""
MEANS = {
    "\0": "{}",
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_\allowbreak{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$",
    "|": "$|$", "[": "{[}", "]": "{]}", "*": "{*}", '"': r"\char34{}", "`": r"\char96{}", "'": r"\char39{}",
    "✓": "on", "✗": "--", "−": "$-$", "–": "--", "—": "---", "→": r"$\to$", "×": r"$\times$", "±": r"$\pm$",
    "≤": r"$\le$", "≥": r"$\ge$", "·": r"$\cdot$", "…": r"\dots{}", "•": r"$\bullet$", "’": "'", "“": "``", "”": "''",
    "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "ł": r"\l{}", "Ł": r"\L{}",
    "ı": r"\i{}", "µ": r"$\mu$", "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$",
    "ε": r"$\epsilon$", "η": r"$\eta$", "λ": r"$\lambda$", "μ": r"$\mu$", "ρ": r"$\rho$", "σ": r"$\sigma$",
    "τ": r"$\tau$", "ω": r"$\omega$", "Δ": r"$\Delta$", "Ω": r"$\Omega$",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip


def render(analysis: Analysis) -> str:
    """Return a fragment: the summary as comments, then one `table` for each table."""
    results = analysis.results
    comments = [
        results.heading,
        results.document.question,
        *summary.summary(analysis),
        *summary.footer(analysis),
    ]
    parts = [r"% \usepackage{booktabs}", WRAPPED, *(f"% {_ascii(line)}" for line in comments if line)]
    first = [*summary.summary(analysis), *summary.footer(analysis)]  # printed below the first table
    for block in outline(analysis, MOST_ROWS, MOST_CONTRASTS):
        if block.rows:
            parts.append("\n".join(_table(_fitting(block.narrow), first)))
            first = []
        elif block.notes:
            parts.append("\n".join(_paragraphs(block)))
    return "\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return ASCII that prints as the text; a letter that needs another font is printed as `[U+65E5]`."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(_letter(letter) for letter in DASHES.sub("-\0", line))


def _letter(letter: str) -> str:
    if letter in MEANS:
        return MEANS[letter]
    if letter.isascii() and letter.isprintable():
        return letter
    parts = unicodedata.normalize("NFD", letter)
    if parts[0].isascii() and len(parts) == 2 and parts[1] in ACCENTS:
        return rf"\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"{{[}}U+{ord(letter):04X}{{]}}\\allowbreak{{}}"


def _ascii(text: str) -> str:
    """Return text for a comment, which LaTeX does not read."""
    plain = visible(" ".join(text.split())).replace("−", "-").replace("–", "-").replace("→", "->").replace("·", "|")
    return plain.encode("ascii", "backslashreplace").decode()


def _table(block: ReportSection, opening: Sequence[str]) -> Iterable[str]:
    yield ""
    yield r"\begin{table}[htbp]"
    yield r"\centering\footnotesize\setlength{\tabcolsep}{3pt}"
    yield rf"\caption{{{escaped(block.title)}}}"
    yield rf"\begin{{tabular}}{{@{{}}{''.join(_spec(block))}@{{}}}}"
    yield r"\toprule"
    yield " & ".join(_heading(column) for column in block.columns) + r" \\"
    yield r"\midrule"
    for row in block.rows:
        cells = (_cell(cell, column) for cell, column in zip(row, block.columns, strict=True))
        yield " & ".join(cells) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"
    if notes := [*block.notes, *opening]:
        yield r"\par\smallskip"
        below = r"\par ".join(map(escaped, notes))
        yield rf"\parbox{{\linewidth}}{{\scriptsize\raggedright {below}}}"
    yield r"\end{table}"


def _fitting(block: ReportSection) -> ReportSection:
    """Return the section, with columns below one another if a word would be wider than its column."""
    words = [
        (share, [*column.name.split(), *(word for row in block.rows for word in row[at].text.split())])
        for at, (column, share) in enumerate(zip(block.columns, _shares(block), strict=True))
        if column.flex
    ]
    return block.stacked if any(max(map(_width, texts)) > share for share, texts in words) else block


def _spec(block: ReportSection) -> Iterable[str]:
    for column, share in zip(block.columns, _shares(block), strict=True):
        yield rf"p{{{share:.3f}\linewidth}}" if column.flex else column.align


def _shares(block: ReportSection) -> list[float]:
    """Return the width of each column; columns that wrap share the space that the others leave."""
    texts = [
        [*column.name.replace("_", "\n").split("\n"), *(part for row in block.rows for part in _parts(row[at]))]
        for at, column in enumerate(block.columns)
    ]
    own = [0.0 if column.flex else max(map(_width, lines)) for column, lines in zip(block.columns, texts, strict=True)]
    left = PAGE - sum(own) - GAP * (len(block.columns) - 1)
    every = max(sum(column.flex for column in block.columns), 1)
    return [
        max(LEAST_SHARE, left * column.flex / every) if column.flex else width
        for column, width in zip(block.columns, own, strict=True)
    ]


def _parts(cell: Cell) -> list[str]:
    """Return the lines of a cell, longer if they are bold, for measuring."""
    return [line + "MM" * cell.bold for line in cell.text.split("\n")]


def _width(text: str) -> float:
    return sum(WIDE.get(letter, NARROW.get(letter, LETTER)) for letter in text)


def _heading(column: Column) -> str:
    name = column.name.replace("_", "\n") if column.align == "c" else column.name
    return _lines(name, column)


def _cell(cell: Cell, column: Column) -> str:
    text = _lines(cell.text, column)
    if cell.bold and text:
        text = rf"\textbf{{{text}}}"
    return rf"\wrapped {text}" if column.flex else text


def _lines(text: str, column: Column) -> str:
    parts = [escaped(part) for part in text.split("\n")]
    if len(parts) == 1 or column.flex:
        return r"\newline ".join(parts)
    return rf"\shortstack[{column.align}]{{{NEW_LINE.join(parts)}}}"


def _paragraphs(block: ReportSection) -> Iterable[str]:
    """Return a section without a table: a paragraph, or a list of items."""
    yield ""
    yield rf"\paragraph{{{escaped(block.title)}}}" if block.title else r"\par"
    if block.items:
        yield r"\begin{itemize}\footnotesize"
        yield from (rf"\item {escaped(note)}" for note in block.notes)
        yield r"\end{itemize}"
    else:
        yield from (escaped(note) for note in block.notes)
