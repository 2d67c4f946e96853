"""Sentences about equal results, the same on the screen during a run and in reports."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablate.study.wiring.outcomes import EqualResults
from ablate.text import listed, listed_in_part
from ablate.trainers.registry import DECLARED, declared_kind

MOST_NAMED = 4
"""Rows that a sentence names; of more it has the number."""
LIKELY = "equal values of every metric"


@dataclass(frozen=True)
class NamedStudy:
    """The names of a study's rows and factors, for sentences about its results."""

    rows: Mapping[str, str]
    """{label: name in sentences, such as `1 (plain)` or `'plain'`}."""
    levels: Mapping[str, Mapping[str, Any]]
    """{label: {factor: level}}."""
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """{factor: the config keys that it sets}."""
    trainer: str = ""
    """The name of the trainer, or the kind of a declared one."""

    def differing(self, labels: Sequence[str]) -> list[str]:
        """Return the factors in which these rows differ."""
        levels = [self.levels[label] for label in labels]
        names = dict.fromkeys(name for of_row in levels for name in of_row)
        return [name for name in names if len({repr(of_row.get(name)) for of_row in levels}) > 1]


def sentences(equal: EqualResults, study: NamedStudy) -> Iterator[str]:
    """Yield a sentence for each group of rows, and of seeds, with equal results that chance hardly explains."""
    for labels in equal.rows:
        yield about_rows(labels, study, is_certain=True)
    for labels in equal.likely_rows:
        yield about_rows(labels, study)
    for seeds in equal.seeds:
        yield about_seeds(seeds, study, is_certain=True)
    for seeds in equal.likely_seeds:
        yield about_seeds(seeds, study)
    for label, seeds in equal.seeds_of_rows:
        yield about_one_row(label, seeds, study)


def about_rows(labels: Sequence[str], study: NamedStudy, is_certain: bool = False, where: str = "every seed") -> str:
    """Return the sentence about rows with equal results. `where`: the seeds in which they are equal."""
    names = listed_in_part([study.rows[label] for label in labels], MOST_NAMED)
    factors = study.differing(labels)
    equal = "equal results, to the last bit," if is_certain else LIKELY
    keys = [key for name in factors for key in study.keys.get(name, ())]
    return f"rows {names} have {equal} in {where}: {_no_reach(factors, is_certain)}{_advice(study, keys)}"


def about_seeds(seeds: Sequence[int], study: NamedStudy, is_certain: bool = False, where: str = "every row") -> str:
    """Return the sentence about seeds with equal results. `where`: the rows in which they are equal."""
    if is_certain:
        reason = "the seed does not reach the trainer, or changes nothing, so they count as one seed"
        return f"{seeds_text(seeds)} have equal results, to the last bit, in {where}: {reason}{_seed_advice(study)}"
    reason = "the seed probably does not reach the trainer, or changes nothing that they show"
    return f"{seeds_text(seeds)} have {LIKELY} in {where}: {reason}{_seed_advice(study)}"


def about_one_row(label: str, seeds: Sequence[int], study: NamedStudy) -> str:
    """Return the sentence about seeds with equal results in one row only."""
    return (
        f"row {study.rows[label]}: {seeds_text(seeds)} have equal results, and those of other rows differ: in this row "
        "the seed changes nothing, or does not reach the trainer"
    )


def seeds_text(seeds: Sequence[int]) -> str:
    """Return text like `seed 0`, `seeds 0–2` or `seeds 0, 5`."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    in_line = list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return "seeds " + (f"{seeds[0]}–{seeds[-1]}" if in_line else ", ".join(map(str, seeds)))


def _no_reach(factors: Sequence[str], is_certain: bool) -> str:
    if not factors:
        return "they differ in no factor"
    does, changes = ("does", "changes") if len(factors) == 1 else ("do", "change")
    if is_certain:
        return f"{listed(factors)} {does} not reach the trainer, or {changes} nothing"
    return f"{listed(factors)} probably {does} not reach the trainer, or {changes} nothing that they show"


def _advice(study: NamedStudy, keys: Sequence[str]) -> str:
    """Return how a trainer of the user's own gets the values of config keys; nothing for other trainers."""
    if study.trainer not in DECLARED or not keys:
        return ""
    return f"; {declared_kind(study.trainer).key_advice.format(key=keys[0])}"


def _seed_advice(study: NamedStudy) -> str:
    return f"; {declared_kind(study.trainer).seed_advice}" if study.trainer in DECLARED else ""
