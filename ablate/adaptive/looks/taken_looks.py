"""The looks of a study: which were taken, whether they still hold, and which seeds each row has next.

Imports no analysis, so that plans start fast.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ablate.errors import AblateError
from ablate.measurement import Direction
from ablate.store import Store, plans, trial_records
from ablate.store.looks import LookRow, is_unchanged, latest_family, read_looks, seeds_planned
from ablate.store.plan_document import changed_rules, rules
from ablate.store.results import read_values
from ablate.study.metrics import split_of
from ablate.study.model import Row, Study
from ablate.study.plan.trial_states import FAILED, STALE, PlannedTrial, resolve
from ablate.study.reading.seeds_and_looks import DEFAULT_LOOKS
from ablate.study.trials.identity import Trial, trials

NAMES_IN_FILE = {"looks": "seeds.looks", "direction": "better"}
"""{rule: its key in a study file}, if the two differ."""
WORDS_IN_FILE = {str(direction): direction.better for direction in Direction}
"""{value of a rule: the word for it in a study file}, if the two differ."""
OF_PRIMARY = ("direction", "scale")
"""Rules that another primary metric may change."""

WHY_REFUSED = "the error rate is spent look by look under the rules that were declared before the first look"
MOST_NAMED = 4
NOT_ESTIMABLE = "not_estimable"
"""The verdict of `analysis.verdicts`, whose import takes long."""

REMEDY = (
    "put it back, or give the study another name (`study: ...`): its results are reused, "
    "and its claims are a family of their own"
)


@dataclass(frozen=True)
class LookSchedule:
    """The looks of a study's current family, and what the next run does."""

    study: Study
    """The study, with the looks that it declares or that are usual."""
    taken: tuple[LookRow, ...] = ()
    """The looks of this family so far."""
    family: int = 1
    """The number of the family, from 1."""
    why: str | None = None
    """Why the family before this one has ended; None unless no look of this one is taken yet."""
    begun: bool = False
    """True if the stored plan has seeds that no look has seen."""

    @property
    def number(self) -> int:
        """The number of the next look, from 1."""
        return len(self.taken) + 1

    @property
    def is_over(self) -> bool:
        """True if there is no further look, or no row that needs one."""
        return bool(self.taken) and (self.number > len(self.study.looks) or not self.continued_rows)

    @property
    def continued_rows(self) -> list[str]:
        """The rows that get more seeds after the last look."""
        return [label for label, seeds in self.taken[-1].asked.items() if seeds > self.taken[-1].seeds]

    def is_due(self, until_decided: bool) -> bool:
        """Return True if this run ends with a look: the first one, one that has begun, or any if `until_decided`."""
        return not self.is_over and (until_decided or not self.taken or self.begun)

    def is_at(self, other: "LookSchedule") -> bool:
        """Return True if both have the same looks and the same family."""
        return (self.taken, self.family, self.why) == (other.taken, other.family, other.why)

    def trials(self, due: bool) -> list[Trial]:
        """Return the trials of all taken looks, and of the next one if it is `due`.

        References have the seeds of the first look.
        """
        first = self.study.looks[0]
        requested = self.taken[-1].asked if self.taken else {}
        most = self.taken[-1].seeds if self.taken and not due else self.study.looks[-1]
        counts = {row.label: min(requested.get(row.label, first), most) for row in self.study.rows}
        with_all_seeds = replace(self.study, seeds=tuple(range(max(counts.values()))))
        return [trial for trial in trials(with_all_seeds) if trial.seed < counts.get(trial.label, first)]


def study_with_looks(store: Store, study: Study, until_decided: bool = False) -> Study | None:
    """Return the study with its looks, or None if it has none.

    A study that declares none has the usual ones if they are requested by `until_decided`, or were taken before.
    """
    if study.looks:
        return study
    with store.read() as connection:
        has_taken = bool(read_looks(connection, study.name, study.profile))
    if not has_taken and not until_decided:
        return None
    return replace(study, looks=DEFAULT_LOOKS, seeds=tuple(range(DEFAULT_LOOKS[0])))


def check_seeds(study: Study, seeds: str | int | None) -> None:
    """Raise AblateError for a number of seeds that was requested although looks decide about seeds.

    `study` has looks, by its file or because some were taken.
    """
    if seeds is not None and not study.looks:
        raise AblateError(
            f"--seeds {seeds}: looks were taken at {study.name} ({study.profile}), and decide which seeds each row "
            "has; leave out --seeds, or give the study another name (`--set study=...`), which reuses its results"
        )


def read_schedule(
    store: Store, study: Study, place: object, *, are_declared: bool, accepting: Collection[str] = ()
) -> LookSchedule:
    """Return the looks of a study so far.

    `study` is a result of `study_with_looks`; `place` is its file, for messages; `are_declared`: its file declares
    looks; `accepting`: labels of rows whose stale results are kept. Raises AblateError if the rules that claims go by
    have changed since the first look.
    """
    with store.read() as connection:
        rows = read_looks(connection, study.name, study.profile)
        taken = latest_family(rows) if rows else []
        planned_seeds = seeds_planned(connection, study.name, study.profile)
    if not taken:
        return LookSchedule(study)
    last = taken[-1]
    _check_rules(place, last.rules, rules(study), are_declared)
    if why := "; ".join(_changes(store, study, last.trials, accepting)):
        return LookSchedule(study, family=last.family + 1, why=why)
    if len(taken) < len(study.looks):
        revived = dict.fromkeys(_rows_with_first_results(store, last), study.looks[len(taken)])
        taken = [*taken[:-1], replace(last, asked={**last.asked, **revived})]
    return LookSchedule(study, tuple(taken), last.family, begun=planned_seeds > last.seeds)


def _rows_with_first_results(store: Store, look: LookRow) -> set[str]:
    """Return the rows that continue because a contrast without results at the look has some now.

    That happens if failed trials were run again. A contrast that had results at the look, and no estimate because they
    show nothing, does not count. An effect rests on many rows: once a row has its first result, all rows with results
    continue.
    """
    untested = [contrast["name"] for contrast in look.seen if contrast["verdict"] == NOT_ESTIMABLE]
    if not untested:
        return set()
    cells = {label: row["seeds"] for label, row in look.trials.items()}  # {row: {seed: (trial, value at the look)}}
    with store.read() as connection:
        done = plans.finished(connection, {key for seeds in cells.values() for key, _ in seeds.values()})
    finished = {label: {seed for seed, (key, _) in seeds.items() if key in done} for label, seeds in cells.items()}
    if look.rules["family"] == "effects":
        is_first = any(
            finished[label] and all(value is None for _, value in seeds.values()) for label, seeds in cells.items()
        )
        return {label for label, seeds in finished.items() if is_first and seeds}
    before = {
        label: {seed for seed, (_, value) in seeds.items() if value is not None} for label, seeds in cells.items()
    }
    tested = [pair for pair in untested if _in_common(finished, pair) and not _in_common(before, pair)]
    return {label for pair in tested for label in pair}


def _in_common(seeds: Mapping[str, set[str]], rows: Sequence[str]) -> set[str]:
    """Return the seeds that all these rows have."""
    return set.intersection(*(seeds.get(row, set()) for row in rows))


def _check_rules(place: object, declared: Mapping[str, Any], now: Mapping[str, Any], has_looks: bool) -> None:
    rules_now = changed_rules(declared, now)
    changed = [
        f"{NAMES_IN_FILE.get(name, name)} was {WORDS_IN_FILE.get(str(was), was)} at the first look and is "
        + (f"{WORDS_IN_FILE.get(str(is_now), is_now)} now" if name != "looks" or has_looks else "not declared now")
        for name, (was, is_now) in rules_now.items()
        if name not in OF_PRIMARY or "primary" not in rules_now
    ]
    if changed:
        raise AblateError(f"{place}: {'; '.join(changed)}: {WHY_REFUSED}; {REMEDY}")


def row_at_look(row: Row, cells: Mapping[int, tuple[str, float | str | None]]) -> dict[str, Any]:
    """Return a row as a look saw it, in the form that the store keeps.

    `cells` is {seed: (trial key, value of the primary metric as `seen_value` gives it, None without a result)}.
    """
    levels = {name: level.word for name, level in row.levels.items()}
    return {"levels": levels, "seeds": {str(seed): list(cell) for seed, cell in cells.items()}}


def _changes(store: Store, study: Study, rows: Mapping[str, Any], accepting: Collection[str]) -> Iterator[str]:
    """Yield the differences between a study and the `rows` of its last look. If the family is a list of pairs, only
    rows of these pairs count.
    """
    listed = {label for pair in study.family.pairs for label in pair} if study.family.kind == "pairs" else None
    now = {row.label: row for row in study.rows if listed is None or row.label in listed}
    before = {label: row for label, row in rows.items() if listed is None or label in listed}
    if added := [label for label in now if label not in before]:
        yield f"rows added: {_named(added)}"
    if removed := [label for label in before if label not in now]:
        yield f"rows removed: {_named(removed)}"
    same = {label: row for label, row in now.items() if label in before}
    if moved := [label for label, row in same.items() if row_at_look(row, {})["levels"] != before[label]["levels"]]:
        yield f"rows with other levels: {_named(moved)}"
    cells = {(label, int(seed)): cell for label in same for seed, cell in before[label]["seeds"].items()}
    yield from _changed_cells(store, study, cells, accepting)


def _changed_cells(
    store: Store, study: Study, cells: Mapping[tuple[str, int], Sequence[Any]], accepting: Collection[str]
) -> Iterator[str]:
    """Yield the trials and the results that differ from the last look's `cells`: {(row, seed): (trial key, value)}.

    A trial without a result now counts as unchanged.
    """
    seeds = tuple(sorted({seed for _, seed in cells}))
    planned = [trial for trial in trials(replace(study, seeds=seeds)) if (trial.label, trial.seed) in cells]
    with store.read() as connection:
        resolved = resolve(planned, trial_records.read_records(connection, planned))
        keys = {_cell(item): _key(item, accepting) for item in resolved}
        others = [item.trial for item in resolved if keys[_cell(item)] != cells[_cell(item)][0]]
        if others:
            labels = list(dict.fromkeys(trial.label for trial in others))
            changes = trial_records.changed(connection, cells[others[0].label, others[0].seed][0], others[0])
            texts = [change.text for change in changes]
            yield f"other trials than at the last look, of rows {_named(labels)}: {_named(texts)}"
        values = read_values(connection, set(keys.values()), split_of(study.primary))
    repeated = [
        cell
        for cell, (key, before) in cells.items()
        if before is not None and keys.get(cell) == key and not is_unchanged(before, values.get(key, {}), study.primary)
    ]
    if repeated:
        texts = [f"{label}, seed {seed}" for label, seed in repeated]
        yield f"run again, with other results than at the last look: {_named(texts)}"


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _cell(item: PlannedTrial) -> tuple[str, int]:
    """Return the row and the seed of a trial."""
    return item.trial.label, item.trial.seed


def _key(item: PlannedTrial, accepting: Collection[str]) -> str:
    """Return the key of the trial whose result counts for this one, once stale results of `accepting` are kept."""
    is_kept = item.trial.label in accepting and item.state in (STALE, FAILED)
    return item.older.key if is_kept and item.older else item.key
