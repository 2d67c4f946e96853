"""Looks: which contrasts of a study are decided with the seeds there are, and which rows get more."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.analysis import analyse
from ablate.analysis.looks.history import Look, LookResult, Name, as_json, from_json, on_schedule
from ablate.analysis.looks.repeated_p_values import repeated, shares, touched
from ablate.analysis.looks.standing import FamilyMembers, ends, repeated_intervals, replay
from ablate.analysis.results import StudyResults

__all__ = ["Look", "LookResult", "as_json", "from_json", "rows_to_go_on", "take_look"]

Floats = NDArray[np.float64]


def take_look(results: StudyResults, looks: Sequence[int], earlier: Sequence[Look]) -> Look:
    """The next look at a study's family, after the `earlier` ones. `looks`: all that were declared, in seeds.

    A contrast with no more common seeds than it was looked at with before, or with fewer than two, is not looked at
    anew; the others are with the seeds there are, by the error that may be spent at those.
    """
    family = analyse(results).watched
    tested = _tested(earlier)
    now = [min(int(seeds), looks[-1]) for seeds in family.measured.seeds]
    paths = [_path(tested.get(name, []), seeds) for name, seeds in zip(family.names, now, strict=True)]
    paths = [None if mixed else path for path, mixed in zip(paths, family.confounded, strict=True)]
    fresh = _look_at(family, paths, looks, results.alpha, results.delta)
    evidence = replay(family.names, earlier).after(fresh[0], fresh[1], family.measured.effect)
    known = ~np.isnan(family.measured.effect) | ~np.isnan(evidence.effect)
    said = np.where(family.confounded, verdicts.CONFOUNDED, evidence.verdicts(known, results.alpha))
    planned = {row.label: len(row.seeds) + len(row.missing) for row in results.rows}
    seeds = max(planned.values())
    going = _touched(results, family, said) if seeds < looks[-1] else frozenset()
    return Look(
        len(earlier) + 1,
        seeds,
        *on_schedule(looks, seeds, results.alpha),
        tuple(_seen(family, fresh, k, str(verdict)) for k, verdict in enumerate(said)),
        tuple(row.label for row in results.rows if row.label in going),
        sum(planned.values()),
    )


def rows_to_go_on(results: StudyResults, look: Look) -> frozenset[str]:
    """The labels of the rows that a contrast touches which the look left undecided; none: all is decided."""
    family = analyse(results).watched
    said = [look.by_name[name].verdict if name in look.by_name else verdicts.UNDECIDED for name in family.names]
    return _touched(results, family, np.array(said, dtype=str))


def _touched(results: StudyResults, family: FamilyMembers, said: NDArray[np.str_]) -> frozenset[str]:
    rows = touched(said == verdicts.UNDECIDED, family.touches)
    return frozenset(row.label for row, goes_on in zip(results.rows, rows, strict=True) if goes_on)


def _tested(earlier: Sequence[Look]) -> dict[Name, list[int]]:
    """With how many seeds each contrast was looked at before."""
    found: dict[Name, list[int]] = {}
    for look in earlier:
        for seen in look.seen:
            if seen.p is not None:
                found.setdefault(seen.name, []).append(seen.seeds)
    return found


def _path(before: Sequence[int], now: int) -> tuple[int, ...] | None:
    """All the looks at a contrast, in seeds, with that of now; None if there is none now."""
    return (*before, now) if now > max(before, default=1) else None


def _look_at(
    family: FamilyMembers, paths: Sequence[tuple[int, ...] | None], looks: Sequence[int], alpha: float, delta: float
) -> Floats:
    """Repeated p's, two-sided and of equivalence, and the ends of both repeated intervals: shape (6, contrasts).

    `paths`: with how many seeds each contrast has been looked at, this look the last; None: nan, nothing new.
    """
    measured = family.measured
    p, small = measured.p, measured.p_equivalence(delta)
    found = np.full((6, len(paths)), np.nan)
    for path in dict.fromkeys(path for path in paths if path):
        at = [k for k, own in enumerate(paths) if own == path]
        found[:2, at] = repeated(p[at], small[at], shares(path, looks))
        intervals = repeated_intervals(measured, path, looks, alpha)
        found[2:, at] = [end[at] for interval in intervals for end in interval]
    return found


def _seen(family: FamilyMembers, fresh: Floats, k: int, verdict: str) -> LookResult:
    effect, p, small = (None if np.isnan(x) else float(x) for x in (family.measured.effect[k], *fresh[:2, k]))
    alone, together = (ends((fresh[at], fresh[at + 1]), k) for at in (2, 4))
    return LookResult(family.names[k], int(family.measured.seeds[k]), effect, p, small, verdict, alone, together)
