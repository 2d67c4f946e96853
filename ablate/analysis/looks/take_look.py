"""Take a look: find the contrasts of a study that are decided with its current seeds, and the rows that get more."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.analysis import analyse
from ablate.analysis.estimation.estimates import float_or_none, interval_or_none
from ablate.analysis.looks.history import Look, LookResult, Name, bound_and_spent
from ablate.analysis.looks.repeated_p_values import repeated, shares, touched
from ablate.analysis.looks.status import FamilyMembers, evidence_after, repeated_intervals
from ablate.analysis.results import StudyResults

Floats = NDArray[np.float64]


def take_look(results: StudyResults, schedule: Sequence[int], earlier: Sequence[Look]) -> Look:
    """Return the next look at a study's family, after the `earlier` ones.

    `schedule`: the numbers of seeds of all looks, as declared. A contrast is not tested again if it has no more common
    seeds than at its last look, or fewer than two. The others are tested with the seeds they have, by the error that
    may be spent at that number.
    """
    family = analyse(results).family_members
    tested_at = _seeds_tested_at(earlier)
    seeds_now = [min(int(seeds), schedule[-1]) for seeds in family.estimates.seeds]
    paths = [_path(tested_at.get(name, []), seeds) for name, seeds in zip(family.names, seeds_now, strict=True)]
    paths = [None if confounded else path for path, confounded in zip(paths, family.confounded, strict=True)]
    tests = _tests(family, paths, schedule, results.alpha, results.delta)
    evidence = evidence_after(earlier, family.names).after(tests[0], tests[1], family.estimates.effect)
    has_result = ~np.isnan(family.estimates.effect) | ~np.isnan(evidence.effect)
    verdict = np.where(
        family.confounded,
        verdicts.CONFOUNDED,
        evidence.verdicts(has_result, results.alpha, sign=results.metric.direction.sign),
    )
    planned = {row.label: len(row.seeds) + len(row.missing) for row in results.rows}
    seeds = max(planned.values())
    continuing = _undecided_rows(results, family, verdict) if seeds < schedule[-1] else frozenset()
    return Look(
        len(earlier) + 1,
        seeds,
        *bound_and_spent(schedule, seeds, results.alpha),
        tuple(_result(family, tests, k, str(of_contrast)) for k, of_contrast in enumerate(verdict)),
        tuple(row.label for row in results.rows if row.label in continuing),
        sum(planned.values()),
    )


def rows_to_go_on(results: StudyResults, look: Look) -> frozenset[str]:
    """Return the labels of the rows that a contrast touches which the look left undecided; empty if all is decided."""
    family = analyse(results).family_members
    verdict = [look.by_name[name].verdict if name in look.by_name else verdicts.UNDECIDED for name in family.names]
    return _undecided_rows(results, family, np.array(verdict, dtype=str))


def _undecided_rows(results: StudyResults, family: FamilyMembers, verdict: NDArray[np.str_]) -> frozenset[str]:
    rows = touched(verdict == verdicts.UNDECIDED, family.touches)
    return frozenset(row.label for row, goes_on in zip(results.rows, rows, strict=True) if goes_on)


def _seeds_tested_at(earlier: Sequence[Look]) -> dict[Name, list[int]]:
    """Return the numbers of seeds with which each contrast was tested before."""
    seeds: dict[Name, list[int]] = {}
    for look in earlier:
        for result in look.results:
            if result.p is not None:
                seeds.setdefault(result.name, []).append(result.seeds)
    return seeds


def _path(before: Sequence[int], now: int) -> tuple[int, ...] | None:
    """Return the numbers of seeds of all tests of a contrast, this look the last; None if it is not tested now."""
    return (*before, now) if now > max(before, default=1) else None


def _tests(
    family: FamilyMembers, paths: Sequence[tuple[int, ...] | None], schedule: Sequence[int], alpha: float, delta: float
) -> Floats:
    """Return the tests of this look, shape (6, contrasts); nan for contrasts that are not tested.

    Repeated p's of no effect and of equivalence, then the low and high ends of two repeated intervals: of each contrast
    by itself, and for the family. `paths`: see `_path`.
    """
    estimates = family.estimates
    p, p_equivalence = estimates.p, estimates.p_equivalence(delta)
    tests = np.full((6, len(paths)), np.nan)
    for path in dict.fromkeys(path for path in paths if path):
        at = [k for k, of_contrast in enumerate(paths) if of_contrast == path]
        tests[:2, at] = repeated(p[at], p_equivalence[at], shares(path, schedule))
        intervals = repeated_intervals(estimates, path, schedule, alpha)
        tests[2:, at] = [end[at] for interval in intervals for end in interval]
    return tests


def _result(family: FamilyMembers, tests: Floats, k: int, verdict: str) -> LookResult:
    return LookResult(
        name=family.names[k],
        seeds=int(family.estimates.seeds[k]),
        effect=float_or_none(family.estimates.effect[k]),
        p=float_or_none(tests[0, k]),
        p_equivalence=float_or_none(tests[1, k]),
        verdict=verdict,
        interval=interval_or_none((tests[2], tests[3]), k),
        simultaneous=interval_or_none((tests[4], tests[5]), k),
    )
