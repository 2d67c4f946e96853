"""What was seen at the looks of a study whose seeds end where its verdicts are: values, as the store keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Protocol

from ablate.analysis.stats.group_sequential import boundaries

Name = tuple[str, str]
"""Of a contrast the labels of its rows, from and to; of an effect its factor and `off -> on`."""
Ends = tuple[float, float]


class StoredLook(Protocol):
    """What the store keeps of a look; `asked`: {row: how many seeds it has from here on}."""

    @property
    def number(self) -> int: ...
    @property
    def seeds(self) -> int: ...
    @property
    def rules(self) -> Mapping[str, Any]: ...
    @property
    def seen(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def asked(self) -> Mapping[str, int]: ...


@dataclass(frozen=True)
class LookResult:
    """One contrast at one look, with so many seeds that both of its rows have; effects and intervals in pp.

    `p` of no effect and `p_equivalence` of one of delta or more are repeated p's of this look alone; None where
    there is nothing new to test. `interval` and `simultaneous`: its repeated confidence intervals, by itself and for
    the family. `verdict`: after this look, by the smallest p's so far.
    """

    name: Name
    seeds: int
    effect: float | None
    p: float | None
    p_equivalence: float | None
    verdict: str
    interval: Ends | None = None
    simultaneous: Ends | None = None


@dataclass(frozen=True)
class Look:
    """A look when rows should have `seeds` seeds.

    `bound`: the z beyond which a single contrast that is on schedule would cross; `spent`: the error that it would
    have spent, of alpha; `going`: rows that get more seeds; `trials`: how many the study has asked for so far.
    """

    number: int
    seeds: int
    bound: float
    spent: float
    seen: tuple[LookResult, ...]
    going: tuple[str, ...] = ()
    trials: int = 0

    @cached_property
    def by_name(self) -> Mapping[Name, LookResult]:
        return {seen.name: seen for seen in self.seen}


def on_schedule(looks: Sequence[int], seeds: int, alpha: float) -> Ends:
    """The bound of a contrast that was looked at as declared, up to this look, and the error spent by then."""
    path = [*(look for look in looks if look < seeds), min(seeds, looks[-1])]
    bounds = boundaries([*path, looks[-1]] if path[-1] < looks[-1] else path, alpha)
    return float(bounds[len(path) - 1]), alpha * (path[-1] / looks[-1]) ** 2


def as_json(look: Look) -> dict[str, Any]:
    """The look as plain values; the store's column `seen` keeps those of the key of this name."""
    return {"number": look.number, "seeds": look.seeds, "seen": [asdict(seen) for seen in look.seen]}


def from_json(kept: StoredLook) -> Look:
    """The look that a line of the store tells of."""
    bound, spent = on_schedule(kept.rules["looks"], kept.seeds, float(kept.rules["alpha"]))
    seen = tuple(LookResult(**{key: _value(value) for key, value in one.items()}) for one in kept.seen)
    going = tuple(label for label, seeds in kept.asked.items() if seeds > kept.seeds)
    trials = sum(min(seeds, kept.seeds) for seeds in kept.asked.values())
    return Look(kept.number, kept.seeds, bound, spent, seen, going, trials)


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value
