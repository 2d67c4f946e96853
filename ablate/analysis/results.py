"""A study's finished trials as values: what every table, figure and contrast is made from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.looks.history import Look, from_json
from ablate.analysis.stats.proportions import wilson
from ablate.store import Store, plans, results
from ablate.store.looks import LookRow, read_looks
from ablate.store.plans import StoredPlan, StoredRow
from ablate.study.model import Family
from ablate.study.plan.staleness_reasons import subject

MOST_NAMED = 4
KS = {"top1": 1, "top5": 5, "top10": 10}
PRECISIONS = ("map", "map_at_r")


@dataclass(frozen=True)
class Metric:
    """A rate of one row: `hits` a seed, parallel to the row's `seeds`, of `n` queries each."""

    hits: Sequence[int]
    n: int
    confidence: float

    @property
    def values(self) -> list[float]:
        return [count / self.n for count in self.hits]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the mean rate over the n queries; more seeds do not narrow it."""
        low, high = wilson(fmean(self.hits), self.n, self.confidence)
        return float(low), float(high)


@dataclass(frozen=True)
class MeanPrecision:
    """A mean of one row over all queries, in [0, 1]: mAP or mAP@R. `values` are parallel to the row's `seeds`."""

    values: Sequence[float]

    @property
    def mean(self) -> float:
        return fmean(self.values)


@dataclass(frozen=True)
class RowResult:
    """A row with what its seeds gave. `seeds` have a result, `failed` failed last, `missing` have none yet.

    `accepted`: seeds whose result was kept although stale, with what has changed since; `trials`: {seed: trial key};
    `trainings`: {seed: training key}, which rows share that differ in the evaluation only. `precisions`: {map,
    map_at_r: ...}, as far as they are known of all `seeds`: a mean over some would be another thing than the rates'.
    """

    number: int
    label: str
    title: str | None
    levels: Mapping[str, Any]
    lines: Sequence[tuple[str, str]] | None
    seeds: tuple[int, ...]
    failed: tuple[int, ...]
    missing: tuple[int, ...]
    metrics: Mapping[str, Metric]
    rates: Mapping[int, float]
    environments: Mapping[int, Mapping[str, str]]
    accepted: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    trials: Mapping[int, str] = field(default_factory=dict)
    trainings: Mapping[int, str] = field(default_factory=dict)
    precisions: Mapping[str, MeanPrecision] = field(default_factory=dict)


@dataclass(frozen=True)
class StudyResults:
    """The plan that a store keeps of a study, with results on the test split.

    `hits`: {trial key: whether each query is a hit on the primary metric}, of the trials that need to be compared
    query by query. `looks`: those of the current family; `ended`: why each family before it ended.
    """

    study: str
    profile: str
    imported: bool
    document: Mapping[str, Any]
    rows: tuple[RowResult, ...]
    references: tuple[RowResult, ...]
    queries: int | None
    gallery: int | None
    hits: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()
    ended: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """What was run: study, profile, and the options that changed the file."""
        overrides = ", ".join(self.document.get("overrides", []))
        return f"{self.study} ({self.profile}{', with ' + overrides if overrides else ''})"

    @property
    def primary(self) -> str:
        return str(self.document["primary"])

    @property
    def alpha(self) -> float:
        return float(self.document["alpha"])

    @property
    def delta(self) -> float:
        """The smallest effect worth acting on, in percentage points."""
        return float(self.document["delta_pp"])

    @property
    def family(self) -> Family:
        """The contrasts that share the study's error."""
        return Family.from_json(self.document.get("family", "direct"))

    @property
    def schedule(self) -> tuple[int, ...]:
        """With how many seeds a study that spends them where verdicts are open is looked at; empty for others."""
        return tuple(self.document.get("looks") or ())

    @property
    def baseline(self) -> RowResult:
        """The row that has every factor at its baseline; without one, the first."""
        usual = {factor["name"]: factor["baseline"] for factor in self.document["factors"]}
        return next((row for row in self.rows if dict(row.levels) == usual), self.rows[0])

    @property
    def factors(self) -> list[str]:
        return [factor["name"] for factor in self.document["factors"]]

    @property
    def precisions(self) -> list[str]:
        """Of map and map_at_r, those that some row or reference has."""
        rows = (*self.rows, *self.references)
        return [name for name in PRECISIONS if any(name in row.precisions for row in rows)]

    @property
    def seeds(self) -> list[int]:
        """Every seed that some row has a result of."""
        return sorted({seed for row in self.rows for seed in row.seeds})

    @property
    def findings(self) -> list[str]:
        """What was noticed when the study was made or imported, and which results were kept although stale."""
        return [*self.document.get("findings", []), *self.kept_although_stale]

    @property
    def kept_although_stale(self) -> list[str]:
        """A sentence for each reason: `row plain, seeds 0–2: results kept although stale: schedule.lr: 0.1 -> 0.2`."""
        found: dict[tuple[str, ...], dict[str, list[int]]] = {}
        for row in (*self.rows, *self.references):
            for seed, changes in row.accepted.items():
                found.setdefault(changes, {}).setdefault(row.label, []).append(seed)
        return [f"{_named(seeds)}: results kept although stale: {'; '.join(why)}" for why, seeds in found.items()]

    def sets(self, factor: str) -> list[str]:
        """The config keys that a factor sets; none are known of an imported log's."""
        return next(list(known["sets"]) for known in self.document["factors"] if known["name"] == factor)


def load(store: Store, study: str | None = None, profile: str | None = None, by_query: bool = False) -> StudyResults:
    """The results of a study's latest plan, or of a profile's; with no study, of the one last run or imported.

    Hits of every query are read where rows have one seed in common, which is compared query by query; or of all,
    `by_query`.
    """
    with store.read() as connection:
        chosen = plans.choose(connection, study, profile, store.url)
        plan = plans.read_plan(connection, chosen.study, chosen.profile)
        keys = {key for row in plan.rows for key in row.cells.values()}
        found = _results(plan, results.read_trials(connection, keys))
        wanted = _to_compare_by_query(found, by_query)
        hits = dict(results.read_hits_of_queries(connection, wanted, KS[found.primary])) if wanted else {}
        looks = read_looks(connection, chosen.study, chosen.profile) if found.schedule else []
    return replace(found, hits=hits, **_of_family(plan, found, looks))


def _of_family(plan: StoredPlan, found: StudyResults, looks: Sequence[LookRow]) -> dict[str, Any]:
    """The looks of the current family and why earlier ones ended; none if what they declared is no longer so."""
    begun = {look.family: look.why for look in reversed(looks)}
    ended = tuple(why or "" for _, why in sorted(begun.items()))[1:]
    last = [look for look in looks if look.family == max(begun)]
    if any(_rules(found.document, look.rules) != look.rules for look in last):
        return {"ended": (*ended, "what it declared is no longer so")}
    if last and not _is_of(plan, found, last[-1]):
        return {"ended": (*ended, "what it saw has changed; the next run begins another")}
    return {"looks": tuple(from_json(look) for look in last), "ended": ended}


def _is_of(plan: StoredPlan, found: StudyResults, look: LookRow) -> bool:
    """Whether a look saw the plan's trials, with the results that they have."""
    cells = {row.label: row.cells for row in plan.rows if row.kind == "row"}
    if look.trials and found.family.kind != "pairs" and look.trials.keys() != cells.keys():
        return False
    hits = {
        row.label: dict(zip(row.seeds, row.metrics[found.primary].hits, strict=True)) for row in found.rows if row.seeds
    }
    return all(
        key == cells[label].get(int(seed), key) and count in (None, hits.get(label, {}).get(int(seed), count))
        for label, row in look.trials.items()
        if label in cells
        for seed, (key, count) in row["seeds"].items()
    )


def _rules(document: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """What a plan declares of these, as looks keep it."""
    declared = {"family": "direct", **document}
    return {key: declared.get(key) for key in keys}


def _to_compare_by_query(found: StudyResults, everything: bool) -> set[str]:
    """Trials of the seeds that are the only one which some two rows have in common."""
    if found.imported:
        return set()
    seeds = found.seeds
    counts = np.array([[seed in row.trials for seed in seeds] for row in found.rows]).reshape(len(found.rows), -1)
    alone = counts.astype(np.float32) @ counts.T == 1
    np.fill_diagonal(alone, False)
    shared = [bool(everything or np.any(alone[of_seed][:, of_seed])) for of_seed in counts.T]
    chosen = {seed for seed, is_alone in zip(seeds, shared, strict=True) if is_alone}
    return {key for row in found.rows for seed, key in row.trials.items() if seed in chosen}


def _results(plan: StoredPlan, found: Mapping[str, results.TrialResult]) -> StudyResults:
    confidence = 1 - float(plan.document["alpha"])
    rows = [row for row in plan.rows if row.kind == "row"]
    references = [row for row in plan.rows if row.kind != "row"]
    done = next((reading for reading in found.values() if reading.done), None)
    if any(row.changes for row in plan.rows):  # what was accepted says in words what has changed
        found = {key: replace(reading, data=None, code="") for key, reading in found.items()}
    return StudyResults(
        study=plan.study,
        profile=plan.profile,
        imported=plan.imported,
        document=plan.document,
        rows=tuple(_row(i, row, found, confidence) for i, row in enumerate(rows, start=1)),
        references=tuple(_row(i, row, found, confidence) for i, row in enumerate(references, start=1)),
        queries=done.queries if done else None,
        gallery=done.gallery if done else None,
    )


def _row(number: int, row: StoredRow, found: Mapping[str, results.TrialResult], confidence: float) -> RowResult:
    by_seed = {seed: found[key] for seed, key in sorted(row.cells.items())}
    done = {seed: reading for seed, reading in by_seed.items() if reading.done}
    metrics = {
        name: Metric([reading.hits[k] for reading in done.values()], reading_n(done), confidence)
        for name, k in KS.items()
        if done and all(k in reading.hits for reading in done.values())
    }
    precisions = {
        name: MeanPrecision([reading.precisions[name] for reading in done.values()])
        for name in PRECISIONS
        if done and all(name in reading.precisions for reading in done.values())
    }
    ks = set.intersection(*(set(reading.hits) for reading in done.values())) if done else set()
    return RowResult(
        number=number,
        label=row.label,
        title=row.title,
        levels=row.levels,
        lines=row.lines,
        seeds=tuple(done),
        failed=tuple(seed for seed, reading in by_seed.items() if not reading.done and reading.state == "failed"),
        missing=tuple(seed for seed, reading in by_seed.items() if not reading.done),
        metrics=metrics,
        rates={k: fmean(reading.hits[k] for reading in done.values()) / reading_n(done) for k in sorted(ks)},
        environments={seed: _circumstances(reading, row.changes.get(seed, ())) for seed, reading in done.items()},
        accepted={seed: tuple(row.changes[seed]) for seed in done if seed in row.changes},
        trials={seed: row.cells[seed] for seed in done},
        trainings={seed: reading.training for seed, reading in done.items()},
        precisions=precisions,
    )


def _circumstances(reading: results.TrialResult, changes: Sequence[str]) -> Mapping[str, str]:
    """What was recorded of a run, and what has changed since then: of two rows, that differs as the rest may."""
    identified = {"data": reading.data or "", "code": reading.code}
    return {**identified, **reading.environment, **{subject(change): change for change in changes}}


def _named(seeds_of: Mapping[str, Sequence[int]]) -> str:
    """`row plain, seeds 0–2`; of many rows, the first and how many more."""
    shown = [f"row {label}, {_seeds(seeds)}" for label, seeds in list(seeds_of.items())[:MOST_NAMED]]
    more = len(seeds_of) - len(shown)
    return "; ".join(shown) + (f"; and {more} more row{'s' if more > 1 else ''}" if more else "")


def _seeds(seeds: Sequence[int]) -> str:
    """`seed 0`, `seeds 0–2`, `seeds 0, 5`."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    in_line = list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return "seeds " + (f"{seeds[0]}–{seeds[-1]}" if in_line else ", ".join(map(str, seeds)))


def reading_n(done: Mapping[int, results.TrialResult]) -> int:
    """The number of queries of a row's results: one data set, so one number."""
    return next(iter(done.values())).queries or 0
