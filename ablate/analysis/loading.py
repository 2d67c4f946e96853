"""Read a study's results from the store."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.equal_results import equal_results
from ablate.analysis.looks.history import from_json
from ablate.analysis.results import TESTED_ON, RowResult, SeedResult, StudyResults, common
from ablate.errors import AblateError, unknown_name
from ablate.measurement import COST, Metric
from ablate.store import Connection, Store, plans, results
from ablate.store.examples import Examples, read_contents, read_example_set, read_examples
from ablate.store.looks import LookRow, is_unchanged, read_looks
from ablate.store.plan_document import changed_rules, rules
from ablate.store.plans import StoredPlan, StoredRow
from ablate.store.results import StoredValue, TrialResult, read_repeats
from ablate.store.schema import DIVERGED, FAILED, QUEUED
from ablate.study.metrics import split_of
from ablate.study.plan.staleness_reasons import IdentityChange
from ablate.study.wiring.compared import compared_metrics, is_of_machine
from ablate.trainers.declared.reasons import without_log
from ablate.trainers.protocol import TEST_EXAMPLES

NOT_STORED = TrialResult(QUEUED, None, {}, None)
"""A trial of a plan that was never run."""


def load(
    store: Store,
    study: str | None = None,
    profile: str | None = None,
    by_example: bool = False,
    about: str = "",
    every_metric: bool = False,
    columns: Sequence[str] = (),
) -> StudyResults:
    """Return the results of a study's latest plan, or of its plan under a profile.

    Without `study`, this is the study that was run or imported last. The values of single examples are read for seeds
    that some two rows have as their only common one, as those rows are compared example by example; with `by_example`,
    for all seeds. They are read on the metric that the analysis is `about` (by default the primary one), or on every
    metric. `columns`: metrics that reports show; costs are among the values of rows if they are one of these, or if the
    analysis is about them. AblateError for a metric that the study does not have.
    """
    with store.read() as connection:
        chosen = plans.choose(connection, study, profile, store.url)
        plan = plans.read_plan(connection, chosen.study, chosen.profile)
    return load_plan(store, plan, by_example, about, every_metric, columns)


def load_plan(
    store: Store,
    plan: StoredPlan,
    by_example: bool = False,
    about: str = "",
    every_metric: bool = False,
    columns: Sequence[str] = (),
) -> StudyResults:
    """Return the results of a plan that need not be stored, as `load` does."""
    _check_names(plan.document.metrics, about, columns)
    judged = about or plan.document.primary
    with store.read() as connection:
        keys = {key for row in plan.rows for key in row.cells.values()}
        trials = results.with_reasons(connection, results.read_trials(connection, keys))
        costs = results.read_values(connection, {key for key, trial in trials.items() if trial.done}, COST)
        trials = _with_costs(trials, costs, {judged, *columns})
        sets = _example_sets(connection, trials)
        tested = _test_examples(trials, sets, judged)
        loaded = replace(_study_results(plan, trials, costs, tested), about=about)
        loaded = _with_wiring(connection, loaded)
        has_examples = bool(sets) or not loaded.imported
        chosen = _trials_to_read_by_example(loaded, by_example) if has_examples else set()
        names = list(loaded.metrics) if every_metric else [loaded.metric.name]
        examples = {name: dict(read_examples(connection, chosen, name)) for name in names if chosen}
        looks = read_looks(connection, plan.study, plan.profile) if loaded.schedule else []
    judged_sets = _sets_of(trials, chosen, loaded.metric.name, sets)
    return replace(
        loaded,
        examples={
            name: _in_common_order(values, _sets_of(trials, chosen, name, sets), judged_sets)
            for name, values in examples.items()
        },
        clusters={key: one.clusters for key, one in judged_sets.items() if one.clusters is not None},
        **_looks_of_family(plan, loaded, looks),
    )


def _with_wiring(connection: Connection, loaded: StudyResults) -> StudyResults:
    """Return the results with those that are equal, and with the trials that had another result before."""
    document = loaded.document
    if loaded.imported:
        known = replace(document.alike, rows=document.equal_rows, seeds=document.equal_seeds)
        return replace(loaded, equal=known)
    done = {trial for row in (*loaded.rows, *loaded.references) for trial in row.trials.values()}
    repeats = read_repeats(connection, done, compared_metrics(document.metrics))
    if is_of_machine(loaded.metric):  # trainings of equal results need not take the same time
        return replace(loaded, repeats=repeats)
    equal = equal_results(loaded.rows, lambda trials: read_contents(connection, trials))
    return replace(loaded, equal=equal, repeats=repeats)


@dataclass(frozen=True)
class ExampleSet:
    """The names and clusters of the examples of a metric, in one order for all trials with these names."""

    digest: str
    """Equal for trials with the same examples in the same clusters, in whatever order."""
    has_names: bool
    """False if only the clusters of examples are known, which are paired by position."""
    order: NDArray[np.int64]
    """The positions of the examples, as a trial has them, in the common order; shape (examples,)."""
    clusters: NDArray[np.int64] | None
    """A number for each example in the common order; None if all are independent."""


def _example_sets(connection: Connection, trials: Mapping[str, TrialResult]) -> dict[str | None, ExampleSet]:
    """Return {key: set of examples} of all metrics of the trials that have one."""
    sets: dict[str | None, ExampleSet] = {}
    values = (value for trial in trials.values() for value in (trial.values or {}).values())
    for key in sorted({value.example_set for value in values if value.example_set}):
        ids, clusters = read_example_set(connection, key)
        size = len(ids) if ids is not None else len(clusters) if clusters is not None else 0
        order = np.argsort(np.array(ids), kind="stable") if ids is not None else np.arange(size)
        if clusters is not None:
            clusters = np.unique(clusters[order], return_inverse=True)[1].astype(np.int64).reshape(-1)
        names = [] if ids is None else sorted(ids)
        content = repr((names, None if clusters is None else clusters.tolist())).encode("utf-8", "surrogatepass")
        sets[key] = ExampleSet(blake2b(content, digest_size=8).hexdigest(), ids is not None, order, clusters)
    return sets


def _set_of(trial: TrialResult, metric: str, sets: Mapping[str | None, ExampleSet]) -> ExampleSet | None:
    """Return the examples of a metric of a trial; None if they are known by position only."""
    value = (trial.values or {}).get(metric)
    return None if value is None else sets.get(value.example_set)


def _sets_of(
    trials: Mapping[str, TrialResult], chosen: Iterable[str], metric: str, sets: Mapping[str | None, ExampleSet]
) -> dict[str, ExampleSet]:
    """Return {trial key: names and clusters of the examples of a metric}, for chosen trials that have them."""
    of_trials = {key: _set_of(trials[key], metric, sets) for key in chosen}
    return {key: one for key, one in of_trials.items() if one is not None}


def _in_common_order(
    examples: Mapping[str, Examples],
    sets: Mapping[str, ExampleSet],
    judged_sets: Mapping[str, ExampleSet],
) -> dict[str, Examples]:
    """Return {trial key: value of each example} in an order that trials with the same examples share.

    `sets`: {trial key: names and clusters of its examples}, for trials that have them; `judged_sets`: the same of the
    metric that verdicts are about. The clusters are those of that metric, so values in other clusters are left out.
    """
    return {
        key: values[sets[key].order] if key in sets else values
        for key, values in examples.items()
        if _same_clusters(sets.get(key), judged_sets.get(key))
    }


def _same_clusters(one: ExampleSet | None, other: ExampleSet | None) -> bool:
    mine, theirs = (None if each is None else each.clusters for each in (one, other))
    return mine is theirs or (mine is not None and theirs is not None and np.array_equal(mine, theirs))


def _check_names(metrics: Sequence[Metric], about: str, columns: Sequence[str]) -> None:
    """Raise AblateError if the study does not have some metric."""
    known = [metric.name for metric in metrics]
    wrong = [("--metric", about)] if about else []
    wrong += [("--columns", name) for name in columns]
    faults = [f"{option}: {unknown_name('metric', name, known)}" for option, name in wrong if name not in known]
    if faults:
        raise AblateError("\n".join(faults))


def _with_costs(
    trials: dict[str, TrialResult], costs: Mapping[str, Mapping[str, StoredValue]], names: Set[str]
) -> dict[str, TrialResult]:
    """Return the results with these costs of their trainings, out of {trial key: {cost: value}}, among their values."""
    chosen = {name for name in names if split_of(name) == COST}
    if not chosen:
        return trials
    shown = {key: {name: value for name, value in own.items() if name in chosen} for key, own in costs.items()}
    return {
        key: replace(trial, values={**(trial.values or {}), **shown[key]}) if shown.get(key) else trial
        for key, trial in trials.items()
    }


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
    return {"looks": tuple(from_json(look, loaded.metric) for look in last), "ended": ended}


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


def _trials_to_read_by_example(loaded: StudyResults, every: bool) -> set[str]:
    """Return the trial keys of each seed that some two rows have as their only common one; of all seeds if `every`."""
    seeds = [seed for seed in loaded.seeds if seed not in loaded.equal.repeated_seeds]
    counts = np.array([[row.has_value(seed, loaded.metric.name) for seed in seeds] for row in loaded.rows])
    counts = counts.reshape(len(loaded.rows), -1)
    alone = counts.astype(np.float32) @ counts.T == 1
    np.fill_diagonal(alone, False)
    shared = [bool(every or np.any(alone[has_seed][:, has_seed])) for has_seed in counts.T]
    chosen = {seed for seed, is_shared in zip(seeds, shared, strict=True) if is_shared}
    rows = (*loaded.rows, *loaded.references)
    return {key for row in rows for seed, key in row.trials.items() if seed in chosen}


def _study_results(
    plan: StoredPlan,
    trials: Mapping[str, TrialResult],
    costs: Mapping[str, Mapping[str, StoredValue]],
    examples: Mapping[str, str],
) -> StudyResults:
    """Return the results of a plan. `examples`: {trial key: a text that names the examples that it was tested on}."""
    metrics = {metric.name: metric for metric in plan.document.metrics}
    rows = [row for row in plan.rows if row.kind == "row"]
    references = [row for row in plan.rows if row.kind != "row"]
    done = [trial for trial in trials.values() if trial.done]
    words = dict.fromkeys(word for trial in done for word in trial.sizes)
    if any(row.changes for row in plan.rows):  # the changes name the data and code files, so the hashes add nothing
        trials = {key: replace(trial, data=None, code="") for key, trial in trials.items()}
    return StudyResults(
        study=plan.study,
        profile=plan.profile,
        imported=plan.imported,
        document=plan.document,
        rows=tuple(_row_result(i, row, trials, costs, examples, metrics) for i, row in enumerate(rows, start=1)),
        references=tuple(
            _row_result(i, row, trials, costs, examples, metrics) for i, row in enumerate(references, start=1)
        ),
        sizes={word: common(trial.sizes.get(word) for trial in done) for word in words},
    )


def _test_examples(
    trials: Mapping[str, TrialResult], sets: Mapping[str | None, ExampleSet], metric: str
) -> dict[str, str]:
    """Return {trial key: a text that is equal for trials in which a metric was tested on the same examples}.

    If no hash of them is on record for all trials, their names decide; without names the content of the whole data set
    and the number of examples. A trial without the metric is taken as tested like most other trials on the same data.
    """
    done = {key: trial for key, trial in trials.items() if trial.done}
    if all(TEST_EXAMPLES in trial.environment for trial in done.values()):
        return {key: trial.environment[TEST_EXAMPLES] for key, trial in done.items()}
    with_metric = {key: trial for key, trial in done.items() if metric in (trial.values or {})}
    texts = {key: _test_text(trial, metric, _set_of(trial, metric, sets)) for key, trial in with_metric.items()}
    of_data: dict[str | None, list[str]] = {}
    for key, text in texts.items():
        of_data.setdefault(done[key].data, []).append(text)
    usual = {data: Counter(of).most_common(1)[0][0] for data, of in of_data.items()}
    without = {key: usual.get(trial.data, str(trial.data)) for key, trial in done.items() if key not in texts}
    return texts | without


def _test_text(trial: TrialResult, metric: str, examples: ExampleSet | None) -> str:
    if examples is not None and examples.has_names:
        return examples.digest
    by_position = f"{trial.data}, n = {_examples_of(trial, metric)}"
    return by_position if examples is None else f"{by_position}, clusters {examples.digest}"


def _examples_of(trial: TrialResult, metric: str) -> int | None:
    """Return the number of examples of a metric; of all metrics the largest, if the metric has none."""
    value = (trial.values or {}).get(metric)
    return trial.n if value is None or value.n is None else value.n


def _row_result(
    number: int,
    row: StoredRow,
    trials: Mapping[str, TrialResult],
    costs: Mapping[str, Mapping[str, StoredValue]],
    examples: Mapping[str, str],
    metrics: Mapping[str, Metric],
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
            seed: _seed_result(row.cells[seed], trial, costs, examples, row.changes.get(seed, ()))
            for seed, trial in by_seed.items()
            if trial.done
        },
        failed=tuple(seed for seed in missing if by_seed[seed].state == FAILED),
        missing=tuple(missing),
        metrics=metrics,
        diverged=tuple(seed for seed in missing if by_seed[seed].state == DIVERGED),
        reasons={seed: without_log(by_seed[seed].reason) for seed in missing if by_seed[seed].reason},
    )


def _seed_result(
    key: str,
    trial: TrialResult,
    costs: Mapping[str, Mapping[str, StoredValue]],
    examples: Mapping[str, str],
    changes: Sequence[str],
) -> SeedResult:
    recorded = {name: value for name, value in trial.environment.items() if name != TEST_EXAMPLES}
    identified = {"data": trial.data or "", "code": trial.code}
    return SeedResult(
        trial=key,
        training=trial.training,
        values=trial.values or {},
        costs=costs.get(key, {}),
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
