"""The course of a study from look to look: which were taken, whether they still hold, which seeds each row has next.

Needs no analysis, so that plans answer at once.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ablate.errors import AblateError
from ablate.store import Store, plans, staleness
from ablate.store.looks import LookRow, latest_family, read_looks, seeds_planned
from ablate.store.plan_document import rules
from ablate.study.model import Row, Study
from ablate.study.plan.plan import FAILED, STALE, PlannedTrial, resolve
from ablate.study.reading.seeds import DEFAULT_LOOKS
from ablate.study.trials.identity import Trial, trials

IN_A_FILE = {"looks": "seeds.looks", "delta_pp": "delta"}
"""What a rule is called in a study file, where that is not its own name."""

WHY_REFUSED = "the error is spent look by look under the rules that were declared before the first"
MOST_NAMED = 4
NOT_ESTIMABLE = "not_estimable"
"""`analysis.verdicts` has the word too, but takes long to import."""

REMEDY = (
    "put it back, or give the study another name (`study: ...`): its results are reused, "
    "and its claims are a family of their own"
)


@dataclass(frozen=True)
class LookSchedule:
    """The looks of a study's family so far.

    `study`: with its looks; `family`: the number of the family; `why`: why the one before it has ended, where no look
    of this one is taken yet; `begun`: the plan has seeds that no look has seen.
    """

    study: Study
    taken: tuple[LookRow, ...] = ()
    family: int = 1
    why: str | None = None
    begun: bool = False

    @property
    def number(self) -> int:
        """Of the next look."""
        return len(self.taken) + 1

    @property
    def is_over(self) -> bool:
        """No row goes on, or there is no further look."""
        return bool(self.taken) and (self.number > len(self.study.looks) or not self.going)

    @property
    def going(self) -> list[str]:
        """The rows that the last look has given more seeds."""
        return [label for label, seeds in self.taken[-1].asked.items() if seeds > self.taken[-1].seeds]

    def is_due(self, until_decided: bool) -> bool:
        """Whether this run is to end with a look: the first, one that has begun already, or all of them."""
        return not self.is_over and (until_decided or not self.taken or self.begun)

    def is_at(self, other: "LookSchedule") -> bool:
        """Whether no look has been taken since, nor a family begun."""
        return (self.taken, self.family, self.why) == (other.taken, other.family, other.why)

    def trials(self, due: bool) -> list[Trial]:
        """What is asked for by the next look, if it is due, and by those that were taken; references as first."""
        first = self.study.looks[0]
        asked = self.taken[-1].asked if self.taken else {}
        most = self.taken[-1].seeds if self.taken and not due else self.study.looks[-1]
        counts = {row.label: min(asked.get(row.label, first), most) for row in self.study.rows}
        every = replace(self.study, seeds=tuple(range(max(counts.values()))))
        return [trial for trial in trials(every) if trial.seed < counts.get(trial.label, first)]


def stand(
    store: Store, study: Study, where: object, until_decided: bool = False, accepting: Collection[str] = ()
) -> LookSchedule | None:
    """How a study with looks stands; None for one without. `where`: its file; `accepting`: rows kept although stale.

    A study without looks has the usual ones where they are asked for, or were when it was run before. AblateError if
    its rules have changed since its first look.
    """
    with store.read() as connection:
        taken = latest_family(found) if (found := read_looks(connection, study.name, study.profile)) else []
        planned = seeds_planned(connection, study.name, study.profile)
    if not study.looks and not taken and not until_decided:
        return None
    looked = study if study.looks else replace(study, looks=DEFAULT_LOOKS, seeds=tuple(range(DEFAULT_LOOKS[0])))
    if not taken:
        return LookSchedule(looked)
    _check_rules(where, taken[-1].rules, rules(looked), bool(study.looks))
    why = "; ".join(_changed(store, looked, taken[-1].trials, accepting))
    if why:
        return LookSchedule(looked, family=taken[-1].family + 1, why=why)
    begun = planned > taken[-1].seeds
    if len(taken) < len(looked.looks):
        asked = dict(taken[-1].asked) | dict.fromkeys(_found_since(store, taken[-1]), looked.looks[len(taken)])
        taken = [*taken[:-1], replace(taken[-1], asked=asked)]
    return LookSchedule(looked, tuple(taken), taken[-1].family, begun=begun)


def _found_since(store: Store, look: LookRow) -> set[str]:
    """The rows of contrasts that had no result at a look and have one now, as what had failed was run again.

    Of effects, which rest on many rows: all rows with a result, once one has its first.
    """
    without = [one["name"] for one in look.seen if one["verdict"] == NOT_ESTIMABLE]
    if not without:
        return set()
    cells = {label: row["seeds"] for label, row in look.trials.items()}
    with store.read() as connection:
        hits = plans.read_hits(connection, {key for seeds in cells.values() for key, _ in seeds.values()})
    has = {label: {seed for seed, (key, _) in seeds.items() if key in hits} for label, seeds in cells.items()}
    if look.rules["family"] == "effects":
        first = any(has[label] and all(count is None for _, count in seeds.values()) for label, seeds in cells.items())
        return {label for label, seeds in has.items() if first and seeds}
    return {label for pair in without if set.intersection(*(has.get(row, set()) for row in pair)) for label in pair}


def _check_rules(where: object, declared: Mapping[str, Any], now: Mapping[str, Any], has_looks: bool) -> None:
    changed = [
        f"{IN_A_FILE.get(name, name)} was {was} at the first look and is "
        + (f"{now[name]} now" if name != "looks" or has_looks else "not declared now")
        for name, was in declared.items()
        if now[name] != was
    ]
    if changed:
        raise AblateError(f"{where}: {'; '.join(changed)}: {WHY_REFUSED}; {REMEDY}")


def seen_of(row: Row, cells: Mapping[int, tuple[str, int | None]]) -> dict[str, Any]:
    """What a look saw of a row, as the store keeps it; `cells`: {seed: (trial, hits on the primary metric)}."""
    levels = {name: level.word for name, level in row.levels.items()}
    return {"levels": levels, "seeds": {str(seed): list(cell) for seed, cell in cells.items()}}


def _changed(store: Store, study: Study, seen: Mapping[str, Any], accepting: Collection[str]) -> Iterator[str]:
    """In what a study is not that of which these rows were seen."""
    listed = {label for pair in study.family.pairs for label in pair} if study.family.kind == "pairs" else None
    now = {row.label: row for row in study.rows if listed is None or row.label in listed}
    before = {label: row for label, row in seen.items() if listed is None or label in listed}
    if added := [label for label in now if label not in before]:
        yield f"rows added: {_named(added)}"
    if removed := [label for label in before if label not in now]:
        yield f"rows removed: {_named(removed)}"
    same = {label: row for label, row in now.items() if label in before}
    if moved := [label for label, row in same.items() if seen_of(row, {})["levels"] != before[label]["levels"]]:
        yield f"rows with other levels: {_named(moved)}"
    cells = {(label, int(seed)): cell for label in same for seed, cell in before[label]["seeds"].items()}
    yield from _changed_cells(store, study, cells, accepting)


def _changed_cells(
    store: Store, study: Study, seen: Mapping[tuple[str, int], Sequence[Any]], accepting: Collection[str]
) -> Iterator[str]:
    """`seen`: {(row, seed): (trial, hits)}. What has no result any more is not known to be otherwise."""
    seeds = tuple(sorted({seed for _, seed in seen}))
    wanted = [trial for trial in trials(replace(study, seeds=seeds)) if (trial.label, trial.seed) in seen]
    with store.read() as connection:
        planned = resolve(wanted, staleness.read_records(connection, wanted))
        keys = {(item.trial.label, item.trial.seed): _key(item, accepting) for item in planned}
        others = [item.trial for item in planned if _key(item, accepting) != seen[item.trial.label, item.trial.seed][0]]
        if others:
            labels = list(dict.fromkeys(trial.label for trial in others))
            changes = staleness.changed(connection, seen[others[0].label, others[0].seed][0], others[0])
            texts = [change.text for change in changes]
            yield f"other trials than were seen, of rows {_named(labels)}: {_named(texts)}"
        hits = plans.read_hits(connection, set(keys.values()))
    k = int(study.primary.removeprefix("top"))
    again = [
        cell
        for cell, (key, before) in seen.items()
        if before is not None and keys.get(cell) == key and hits.get(key, {}).get(k, before) != before
    ]
    if again:
        texts = [f"{label}, seed {seed}" for label, seed in again]
        yield f"run again, with other results than were seen: {_named(texts)}"


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _key(item: PlannedTrial, accepting: Collection[str]) -> str:
    """The trial whose result stands for this one, once what is stale and is to be accepted has been."""
    kept = item.trial.label in accepting and item.older and item.state in (STALE, FAILED)
    return item.older.key if kept and item.older else item.key
