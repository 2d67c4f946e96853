"""The effects that fractional designs can and cannot separate, as text for `ablate plan` and for reports."""

import textwrap
from collections.abc import Sequence

from ablate.study.fractional.alias_table import ARRAY, FULL, ROMAN, SUBSET, AliasTable
from ablate.study.fractional.regular_fractions import LETTERS

SHOWN = 0.005
"""The smallest correlation that the lines include. A smaller one would print as 0.00."""


def alias_lines(tables: Sequence[AliasTable]) -> list[str]:
    """Return the text of every table, in lines of at most 80 columns if the names allow it."""
    return [part for table in tables for line in _lines(table) for part in _wrapped(line, line[:2].isspace())]


def alias_sentences(tables: Sequence[AliasTable]) -> list[str]:
    """Return the same text for a page of any width."""
    return [line.strip() for table in tables for line in _lines(table)]


def _lines(table: AliasTable) -> list[str]:
    """Return the lines of a table, not wrapped. All except the first are indented."""
    lines = [f"{table.place}: {_summary(table)}"]
    if table.relation:
        lines.append(f"  {_letters(table.factors)}")
        more = f" and {table.words - len(table.relation):,} more words" if table.words > len(table.relation) else ""
        lines.append(f"  I = {' = '.join(table.relation)}{more}")
    for chain in table.aliased:
        lines.append(f"  {' = '.join(map(str, chain))}")
    if table.lost_effects:
        lines.append(f"  cannot be estimated: {', '.join(table.lost_effects)}")
    return lines + _correlation_lines(table)


def _summary(table: AliasTable) -> str:
    """Return the first line, like `8 of 16 combinations, regular fraction of resolution IV; main effects are ...`."""
    resolution = f" of resolution {ROMAN.get(table.resolution, str(table.resolution))}" if table.resolution else ""
    parts = [f"{table.runs:,} of {table.full:,} combinations, {table.kind}{resolution}"]
    if table.lost:
        parts = [f"{table.runs:,} of {table.full:,} combinations, the part of a {table.kind} that constraints leave"]
        parts.append(f"ruled out: {table.lost:,} of its {table.lost + table.runs:,} runs")
    if table.kind in (ARRAY, SUBSET) or table.lost:
        model = "main effects" if table.order == 1 else "main effects and two-factor interactions"
        parts.append(f"rank {table.rank} of {table.parameters} for {model}, D-efficiency {table.efficiency:.2f}")
    if table.resolution == 4:
        parts.append("main effects are clear of two-factor interactions")
    if table.kind == FULL and not table.lost:
        parts.append("nothing is aliased")
    elif table.resolution and table.resolution >= 5:
        parts.append("main effects and two-factor interactions are clear of one another")
    return "; ".join(parts)


def _letters(factors: Sequence[str]) -> str:
    return ", ".join(f"{letter} {name}" for letter, name in zip(LETTERS, factors, strict=False))


def _correlation_lines(table: AliasTable) -> list[str]:
    """Return a line for each main effect with the effects that it is correlated with, the strongest first."""
    lines = []
    for name in table.factors:
        others = [(each.size, str(each.other)) for each in table.correlations if each.one.factors == (name,)]
        others += [(e.size, str(e.one)) for e in table.correlations if e.other.factors == (name,)]
        texts = [f"{other} {size:.2f}" for size, other in sorted(others, key=lambda each: -each[0]) if size >= SHOWN]
        if texts:
            lines.append(f"  {name} is correlated with {', '.join(texts)}")
    return lines


def _wrapped(line: str, inner: bool) -> list[str]:
    first, then = ("  ", "    ") if inner else ("", "  ")
    return textwrap.wrap(
        line.strip(),
        80,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
