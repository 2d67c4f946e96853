"""Read a study's results from the store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ablate.analysis.equal_results import equal_results
from ablate.analysis.looks.history import from_json
from ablate.analysis.results import TESTED_ON, RowResult, SeedResult, StudyResults
from ablate.analysis.untested import EqualResults
from ablate.store import Store, plans, results
from ablate.store.looks import LookRow, is_unchanged, read_looks
from ablate.store.plan_document import changed_rules, rules
from ablate.store.plans import StoredPlan, StoredRow
from ablate.store.results import TrialResult
from ablate.study.plan.staleness_reasons import IdentityChange
from ablate.trainers.protocol import TEST_EXAMPLES

NOT_STORED = TrialResult("queued", None, {}, None)
"""A trial of a plan that was never run."""


def load(store: Store, study: str | None = None, profile: str | None = None, by_query: bool = False) -> StudyResults:
    """Return the results of a study's latest plan, or of its plan under a profile.

    Without `study`, this is the study that was run or imported last. The hits of single queries are read for seeds
    that some two rows have as their only common one, as those rows are compared query by query; with `by_query`, for
    all seeds.
    """
    with store.read() as connection:
        chosen = plans.choose(connection, study, profile, store.url)
        plan = plans.read_plan(connection, chosen.study, chosen.profile)
    return load_plan(store, plan, by_query)


def load_plan(store: Store, plan: StoredPlan, by_query: bool = False) -> StudyResults:
    """Return the results of a plan that need not be stored, as `load` does."""
    with store.read() as connection:
        keys = {key for row in plan.rows for key in row.cells.values()}
        loaded = _study_results(plan, results.read_trials(connection, keys))
        if loaded.imported:
            document = plan.document
            loaded = replace(loaded, equal=EqualResults(document.equal_rows, document.equal_seeds))
        else:
            equal = equal_results(loaded.rows, lambda trials: results.read_contents(connection, trials))
            loaded = replace(loaded, equal=equal)
        trials = _trials_to_read_by_query(loaded, by_query)
        hits = {key: one > 0 for key, one in results.read_examples(connection, trials, loaded.primary)}
        looks = read_looks(connection, plan.study, plan.profile) if loaded.schedule else []
    return replace(loaded, hits=hits, **_looks_of_family(plan, loaded, looks))


def _looks_of_family(plan: StoredPlan, loaded: StudyResults, looks: Sequence[LookRow]) -> dict[str, Any]:
    """Return the fields `looks` and `ended`: the looks of the current family, and why each earlier family ended.

    There are no looks if the study's rules, its rows or their results have changed since the last one.
    """
    reasons = {look.family: look.why for look in reversed(looks)}
    ended = tuple(why or "" for _, why in sorted(reasons.items()))[1:]
    last = [look for look in looks if look.family == max(reasons)]
    declared = rules(loaded.document)
    if any(changed_rules(look.rules, declared) for look in last):
        return {"ended": (*ended, "what it declared is no longer so")}
    if last and not _saw_these_results(plan, loaded, last[-1]):
        return {"ended": (*ended, "what it saw has changed; the next run begins another")}
    return {"looks": tuple(from_json(look) for look in last), "ended": ended}


def _saw_these_results(plan: StoredPlan, loaded: StudyResults, look: LookRow) -> bool:
    """Return True if a look saw the trials of the plan, with the results that they have now."""
    cells = {row.label: row.cells for row in plan.rows if row.kind == "row"}
    if look.trials and loaded.family.kind != "pairs" and look.trials.keys() != cells.keys():
        return False
    values = {row.label: {seed: result.values for seed, result in row.results.items()} for row in loaded.rows}
    return all(
        key == cells[label].get(int(seed), key)
        and (before is None or is_unchanged(before, values.get(label, {}).get(int(seed), {}), loaded.primary))
        for label, row in look.trials.items()
        if label in cells
        for seed, (key, before) in row["seeds"].items()
    )


def _trials_to_read_by_query(loaded: StudyResults, every: bool) -> set[str]:
    """Return the trial keys of each seed that some two rows have as their only common one; of all seeds if `every`."""
    if loaded.imported:
        return set()
    seeds = [seed for seed in loaded.seeds if seed not in loaded.equal.repeated_seeds]
    counts = np.array([[seed in row.results for seed in seeds] for row in loaded.rows])
    counts = counts.reshape(len(loaded.rows), -1)
    alone = counts.astype(np.float32) @ counts.T == 1
    np.fill_diagonal(alone, False)
    shared = [bool(every or np.any(alone[has_seed][:, has_seed])) for has_seed in counts.T]
    chosen = {seed for seed, is_shared in zip(seeds, shared, strict=True) if is_shared}
    return {key for row in loaded.rows for seed, key in row.trials.items() if seed in chosen}


def _study_results(plan: StoredPlan, trials: Mapping[str, TrialResult]) -> StudyResults:
    confidence = 1 - float(plan.document.alpha)
    rows = [row for row in plan.rows if row.kind == "row"]
    references = [row for row in plan.rows if row.kind != "row"]
    done = [trial for trial in trials.values() if trial.done]
    examples = _test_examples(trials)
    if any(row.changes for row in plan.rows):  # the changes name the data and code files, so the hashes add nothing
        trials = {key: replace(trial, data=None, code="") for key, trial in trials.items()}
    return StudyResults(
        study=plan.study,
        profile=plan.profile,
        imported=plan.imported,
        document=plan.document,
        rows=tuple(_row_result(i, row, trials, examples, confidence) for i, row in enumerate(rows, start=1)),
        references=tuple(
            _row_result(i, row, trials, examples, confidence) for i, row in enumerate(references, start=1)
        ),
        queries=_common(trial.sizes.get("queries") for trial in done),
        gallery=_common(trial.sizes.get("gallery") for trial in done),
    )


def _common(counts: Iterable[int | None]) -> int | None:
    """Return the number that all trials have; None if they differ."""
    different = set(counts)
    return different.pop() if len(different) == 1 else None


def _test_examples(trials: Mapping[str, TrialResult]) -> dict[str, str]:
    """Return {trial key: a text that is equal for trials that were tested on the same examples}.

    If no hash of them is on record for all trials, the content of the whole data set and the number of queries decide.
    """
    done = {key: trial for key, trial in trials.items() if trial.done}
    if all(TEST_EXAMPLES in trial.environment for trial in done.values()):
        return {key: trial.environment[TEST_EXAMPLES] for key, trial in done.items()}
    return {key: f"{trial.data}, {trial.sizes.get('queries')} queries" for key, trial in done.items()}


def _row_result(
    number: int, row: StoredRow, trials: Mapping[str, TrialResult], examples: Mapping[str, str], confidence: float
) -> RowResult:
    by_seed = {seed: trials.get(key, NOT_STORED) for seed, key in sorted(row.cells.items())}
    missing = [seed for seed, trial in by_seed.items() if not trial.done]
    return RowResult(
        number=number,
        label=row.label,
        title=row.title,
        levels=row.levels,
        lines=row.lines,
        results={
            seed: _seed_result(row.cells[seed], trial, examples, row.changes.get(seed, ()))
            for seed, trial in by_seed.items()
            if trial.done
        },
        failed=tuple(seed for seed in missing if by_seed[seed].state == "failed"),
        missing=tuple(missing),
        confidence=confidence,
    )


def _seed_result(key: str, trial: TrialResult, examples: Mapping[str, str], changes: Sequence[str]) -> SeedResult:
    recorded = {name: value for name, value in trial.environment.items() if name != TEST_EXAMPLES}
    identified = {"data": trial.data or "", "code": trial.code}
    return SeedResult(
        trial=key,
        training=trial.training,
        values=trial.values or {},
        sizes=trial.sizes,
        environment={
            **identified,
            **recorded,
            TESTED_ON: examples[key],
            **{IdentityChange.from_text(text).subject: text for text in changes},
        },
        data=trial.data,
        changes=tuple(changes),
    )
