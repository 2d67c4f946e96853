"""What a fractional design can tell and what it cannot, as data and as the lines that `ablate plan` prints."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from ablate.study.fractional.regular_fractions import LETTERS

ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII", 9: "IX", 10: "X"}

REGULAR, FULL = "regular fraction", "full factorial"
ARRAY, SUBSET = "orthogonal array", "optimal subset"

SHOWN = 0.005
"""Correlations below print as 0.00 and are left out of the lines."""


@dataclass(frozen=True)
class Term:
    """A main effect or an interaction, by its factors' names; `sign` is that within its chain."""

    factors: tuple[str, ...]
    sign: int = 1

    def __str__(self) -> str:
        return ("-" if self.sign < 0 else "") + " × ".join(self.factors)


@dataclass(frozen=True)
class Correlation:
    """How far a main effect and another effect share a direction: 0 to 1, and 1 cannot be told apart."""

    one: Term
    other: Term
    size: float


@dataclass(frozen=True)
class AliasTable:
    """One fractional design: `runs` rows of the `full` combinations, after `lost` rows that constraints rule out.

    `resolution` is None for a full factorial, in which nothing is aliased, and where it does not apply: for an
    optimal subset and for what constraints leave of a design. `relation` are words in letters, A the first of
    `factors`, all of them if there are at most 15 and else those of the generators; `words` is their number.
    `chains`: main effects and two-factor interactions that share a column of a regular fraction, exactly.
    `rank` of the model with effects of up to `order` factors, out of its `parameters`; `efficiency` is its
    D-efficiency, 1 if all are orthogonal. `lost_effects` are main effects that cannot be estimated.
    `correlations`: main effects with others and with two-factor interactions, for what is no regular fraction.
    """

    place: str
    kind: str
    factors: tuple[str, ...]
    runs: int
    full: int
    lost: int
    resolution: int | None
    relation: tuple[str, ...]
    words: int
    chains: tuple[tuple[Term, ...], ...]
    order: int
    rank: int
    parameters: int
    efficiency: float
    lost_effects: tuple[str, ...]
    correlations: tuple[Correlation, ...]

    @property
    def aliased(self) -> tuple[tuple[Term, ...], ...]:
        """The chains of more than one effect: what cannot be told apart."""
        return tuple(chain for chain in self.chains if len(chain) > 1)


def alias_lines(tables: Sequence[AliasTable]) -> list[str]:
    """Return the text of every table, in lines of at most 80 columns if the names allow it."""
    return [part for table in tables for line in _lines(table) for part in _wrapped(line, line[:2].isspace())]


def alias_sentences(tables: Sequence[AliasTable]) -> list[str]:
    """Return the same text for a page of any width."""
    return [line.strip() for table in tables for line in _lines(table)]


def _lines(table: AliasTable) -> list[str]:
    """Not wrapped; all but the first set in."""
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
    """`8 of 16 combinations, regular fraction of resolution IV`, and what is there to know beyond."""
    resolution = f" of resolution {ROMAN.get(table.resolution, str(table.resolution))}" if table.resolution else ""
    parts = [f"{table.runs:,} of {table.full:,} combinations, {table.kind}{resolution}"]
    if table.lost:
        parts = [f"{table.runs:,} of {table.full:,} combinations, what constraints leave of a {table.kind}"]
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
    """A line a main effect: what it is correlated with, the strongest first."""
    lines = []
    for name in table.factors:
        found = [(each.size, str(each.other)) for each in table.correlations if each.one.factors == (name,)]
        found += [(e.size, str(e.one)) for e in table.correlations if e.other.factors == (name,)]
        shown = [f"{other} {size:.2f}" for size, other in sorted(found, key=lambda each: -each[0]) if size >= SHOWN]
        if shown:
            lines.append(f"  {name} is correlated with {', '.join(shown)}")
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
