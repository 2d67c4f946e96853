"""The effects that a fractional design can and cannot separate: as a table, and as lines that `ablate plan` prints."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from ablate.study.fractional.regular_fractions import LETTERS

ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII", 9: "IX", 10: "X"}

REGULAR, FULL = "regular fraction", "full factorial"
ARRAY, SUBSET = "orthogonal array", "optimal subset"

SHOWN = 0.005
"""The smallest correlation that the lines include. A smaller one would print as 0.00."""


@dataclass(frozen=True)
class Term:
    """A main effect or an interaction."""

    factors: tuple[str, ...]
    """The names of its factors: one for a main effect."""
    sign: int = 1
    """Its sign within its chain: 1 or -1."""

    def __str__(self) -> str:
        return ("-" if self.sign < 0 else "") + " × ".join(self.factors)


@dataclass(frozen=True)
class Correlation:
    """The correlation of a main effect with another effect."""

    one: Term
    """The main effect."""
    other: Term
    size: float
    """From 0 to 1. At 1 the two effects cannot be separated."""


@dataclass(frozen=True)
class AliasTable:
    """The properties of one fractional design, after constraints."""

    place: str
    """The design's place in the study file, like `design[0].fractional`."""
    kind: str
    """One of REGULAR, FULL, ARRAY, SUBSET."""
    factors: tuple[str, ...]
    """The names of the factors that it varies."""
    runs: int
    """The number of its rows."""
    full: int
    """The number of all combinations of its factors' levels."""
    lost: int
    """The number of rows that constraints rule out."""
    resolution: int | None
    """None for a full factorial, in which nothing is aliased, for an optimal subset, and if constraints take rows."""
    relation: tuple[str, ...]
    """Words of the defining relation in letters, A for the first factor: all up to 15, else those of the generators."""
    words: int
    """The number of all words of the defining relation."""
    chains: tuple[tuple[Term, ...], ...]
    """Main effects and two-factor interactions that share a column of a regular fraction exactly."""
    order: int
    """The model's largest effects: 1 for main effects, 2 for two-factor interactions as well."""
    rank: int
    """The rank of the model: the number of its parameters that can be estimated together."""
    parameters: int
    """The number of the model's parameters."""
    efficiency: float
    """The model's D-efficiency, from 0 to 1; 1 if all effects are orthogonal."""
    lost_effects: tuple[str, ...]
    """The factors whose main effect cannot be estimated."""
    correlations: tuple[Correlation, ...]
    """Main effects with each other and with two-factor interactions; empty for a whole regular fraction."""

    @property
    def aliased(self) -> tuple[tuple[Term, ...], ...]:
        """The chains of more than one effect: effects that cannot be separated."""
        return tuple(chain for chain in self.chains if len(chain) > 1)


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
