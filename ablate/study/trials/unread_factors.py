"""The factors of which nothing reads the level in some rows of a study."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ablate.study.config_keys import overlaps
from ablate.study.factors import Factor, Level
from ablate.study.model import Study
from ablate.study.trials.identity import Trial
from ablate.trainers.unread import Unread, unread_reason


@dataclass(frozen=True)
class UnreadFactor:
    """A factor of which nothing reads the level in some rows, for one reason."""

    factor: str
    reason: str
    rows: tuple[str, ...]
    """The labels of these rows, in the order of the study."""
    changed: tuple[str, ...]
    """The labels of those of them that have another level than the baseline."""


def unread_factors(study: Study, trials: Iterable[Trial]) -> list[UnreadFactor]:
    """Return the factors that nothing reads, by factor and reason. `trials`: at least one of each row."""
    unread: Mapping[str, Unread] = {trial.label: trial.unread for trial in trials}
    keys = {key for of_row in {id(each): each for each in unread.values()}.values() for key in of_row}
    found: list[UnreadFactor] = []
    for factor in study.factors:
        if not any(overlaps(key, other) for key in factor.sets for other in keys):
            continue
        rows: dict[str, list[str]] = {}
        changed: dict[str, list[str]] = {}
        known: dict[tuple[int, int], str | None] = {}
        for row in study.rows:
            of_row, level = unread.get(row.label, {}), row.levels[factor.name]
            key = id(of_row), id(level)
            if key not in known:
                known[key] = _reason(factor, level, of_row)
            if (reason := known[key]) is not None:
                rows.setdefault(reason, []).append(row.label)
                if level is not factor.baseline:
                    changed.setdefault(reason, []).append(row.label)
        found += [
            UnreadFactor(factor.name, reason, tuple(labels), tuple(changed.get(reason, ())))
            for reason, labels in rows.items()
        ]
    return found


def _reason(factor: Factor, level: Level, unread: Unread) -> str | None:
    """Return why nothing reads any of the values that a level sets; None if something reads one."""
    if not unread or len(level.values) != len(factor.sets):
        return None
    values: Sequence[object] = level.values
    reasons = [unread_reason(key, value, unread) for key, value in zip(factor.sets, values, strict=True)]
    return None if None in reasons else "; ".join(dict.fromkeys(reason for reason in reasons if reason))
