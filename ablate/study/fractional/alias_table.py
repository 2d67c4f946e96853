"""The effects that a fractional design can and cannot separate, as a table."""

from dataclasses import dataclass

ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII", 9: "IX", 10: "X"}

REGULAR, FULL = "regular fraction", "full factorial"
ARRAY, SUBSET = "orthogonal array", "optimal subset"


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
