"""Sentences about equal results, the same on the screen during a run and in reports."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablate.study.wiring.outcomes import EqualResults
from ablate.text import listed, listed_in_part
from ablate.trainers.registry import DECLARED, declared_kind

MOST_NAMED = 4
"""Rows that a sentence names; of more it has the number."""
SEED = "seed"
"""The subject of sentences about seeds."""


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
    metrics: Sequence[str] = ()
    """The names of the metrics that are compared."""
    metric: str = ""
    """The metric of which a sentence gives a value."""
    values: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """{label: {seed: value of that metric}}, of the seeds that have one."""

    @property
    def equal(self) -> str:
        """The words for equal values, such as `equal acc and loss`."""
        return f"equal {listed_in_part(self.metrics, MOST_NAMED)}" if self.metrics else "equal values"

    def differing(self, labels: Sequence[str]) -> list[str]:
        """Return the factors in which these rows differ."""
        levels = [self.levels[label] for label in labels]
        names = dict.fromkeys(name for of_row in levels for name in of_row)
        return [name for name in names if len({repr(of_row.get(name)) for of_row in levels}) > 1]

    def example(self, labels: Sequence[str]) -> str:
        """Return ` (acc 0.9312 with seed 0)`, a value that these rows have; nothing without one."""
        for label in labels:
            for seed, value in self.values.get(label, {}).items():
                return f" ({self.metric} {value:.6g} with seed {seed})"
        return ""


def equality_sentences(equal: EqualResults, study: NamedStudy, so_far: str = "") -> Iterator[tuple[object, str]]:
    """Yield (subject, sentence) for each group of rows, and of seeds, with equal results that chance hardly explains.

    The subject is the same for all rows that differ in the same factors, and for all seeds. `so_far` follows the rows
    and seeds that are compared.
    """
    for groups, is_certain in ((equal.rows, True), (equal.likely_rows, False)):
        alike: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for labels in groups:
            alike.setdefault(tuple(study.differing(labels)), []).append(labels)
        for factors, of_factors in alike.items():
            yield factors or of_factors[0], _about_rows(of_factors, study, is_certain, so_far)
    for of_seeds, is_certain in ((equal.seeds, True), (equal.likely_seeds, False)):
        for seeds in of_seeds:
            yield SEED, _about_seeds(seeds, study, is_certain, so_far)
    for label, seeds in equal.seeds_of_rows:
        yield (SEED, label), _about_one_row(label, seeds, study)


def _about_rows(groups: Sequence[Sequence[str]], study: NamedStudy, is_certain: bool, so_far: str) -> str:
    """Return the sentence about groups of rows that differ in the same factors."""
    labels, more = groups[0], len(groups) - 1
    names = listed_in_part([study.rows[label] for label in labels], MOST_NAMED)
    factors = study.differing(labels)
    equal = "equal results, to the last bit," if is_certain else study.equal
    keys = [key for name in factors for key in study.keys.get(name, ())]
    where = f"in every seed{so_far}" + ("" if is_certain else study.example(labels))
    where += f", and so {'has' if more == 1 else 'have'} {more} more group{'s'[: more > 1]} of rows" if more else ""
    return f"rows {names} have {equal} {where}: {_no_reach(factors, is_certain)}{_advice(study, keys)}"


def _about_seeds(seeds: Sequence[int], study: NamedStudy, is_certain: bool, so_far: str) -> str:
    where = f"in every row{so_far}"
    if is_certain:
        reason = "the seed does not reach the trainer, or changes nothing, so they count as one seed"
        return f"{seeds_text(seeds)} have equal results, to the last bit, {where}: {reason}{_seed_advice(study)}"
    reason = "the seed probably does not reach the trainer, or changes nothing that they show"
    shown = study.example(list(study.rows))
    return f"{seeds_text(seeds)} have {study.equal} {where}{shown}: {reason}{_seed_advice(study)}"


def _about_one_row(label: str, seeds: Sequence[int], study: NamedStudy) -> str:
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
