"""The trials of a plan with their states and values, from which every export is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ablate.errors import AblateError, unknown_name
from ablate.measurement import COST, Metric
from ablate.store import Connection
from ablate.store.plan_document import PlanDocument, Summary
from ablate.store.plans import StoredPlan, StoredRow
from ablate.store.results import StoredValue, TrialResult, read_attempt_times, read_trials, read_values
from ablate.store.schema import DONE, PRUNED, QUEUED, STALE
from ablate.study.metrics import split_of


@dataclass(frozen=True)
class ExportedTrial:
    """One row with one seed."""

    kind: str
    """`row`, or `reference`: printed next to the rows and compared with none."""
    row: str
    """The label of the row."""
    levels: Mapping[str, Any]
    """{factor: level}, as reports name the level."""
    seed: int
    state: str
    """Done, failed, diverged, running, queued, or stale: its result is older than the settings, data or code."""
    values: Mapping[str, StoredValue]
    """{metric: value} in the metric's own unit, costs included. A stale trial has values if its result was accepted."""
    spreads: Mapping[str, Summary]
    """{metric: spread} of a row of an imported study of which only the mean is known."""
    key: str
    """The key of the trial in the store."""
    started: float | None = None
    """The start of the attempt that has the result, or of the latest one, in seconds since the epoch; None if there is
    none."""
    ended: float | None = None
    """The end of that attempt."""
    undeclared: Mapping[str, str] = field(default_factory=dict)
    """{setting: value} of a run of an imported study, for settings that vary and are no factors."""


@dataclass(frozen=True)
class ExportedStudy:
    """A plan with its trials."""

    study: str
    profile: str
    document: PlanDocument
    trials: Sequence[ExportedTrial]
    """Row after row in the order of the study, the references last, each with its seeds in ascending order."""
    columns: Sequence[str] = ()
    """Metrics and costs that were requested by name."""
    planned: float = 0.0
    """When the plan was saved, in seconds since the epoch; 0 if it is not stored."""

    @property
    def factors(self) -> list[str]:
        """The names of the factors."""
        return [factor.name for factor in self.document.factors]

    @cached_property
    def metrics(self) -> list[Metric]:
        """The primary metric, those that some trial has, and those that were requested; costs only if requested."""
        measured = {name for trial in self.trials for name in trial.values if split_of(name) != COST}
        chosen = {self.document.primary, *measured, *self.columns}
        return [metric for metric in self.document.metrics if metric.name in chosen]

    @property
    def are_paired(self) -> bool:
        """False if the seeds only number the replicates of each row, as in a source without seeds."""
        return not self.document.unpaired


def run_name(study: ExportedStudy, trial: ExportedTrial) -> str:
    """Return the name of a trial in trackers: `lr=0.1, seed 0`, or `lr=0.1, run 0` if its source has no seeds."""
    return f"{trial.row}, {'seed' if study.are_paired else 'run'} {trial.seed}"


def exported_study(connection: Connection, plan: StoredPlan, columns: Sequence[str] = ()) -> ExportedStudy:
    """Return the trials of a plan. `columns`: names of metrics and costs; AblateError if the study has no such one."""
    known = [metric.name for metric in plan.document.metrics]
    faults = [f"--columns: {unknown_name('metric', name, known)}" for name in columns if name not in known]
    if faults:
        raise AblateError("\n".join(faults))
    keys = {key for row in plan.rows for key in row.cells.values()}
    results = read_trials(connection, keys)
    costs = read_values(connection, {key for key, result in results.items() if result.done}, COST)
    times = read_attempt_times(connection, keys)
    rows = sorted(plan.rows, key=lambda row: row.kind != "row")
    trials = tuple(
        _trial(row, seed, plan, results.get(key), costs.get(key, {}), times.get(key, (None, None)))
        for row in rows
        for seed, key in sorted(row.cells.items())
    )
    return ExportedStudy(plan.study, plan.profile, plan.document, trials, tuple(columns), plan.updated)


def _trial(
    row: StoredRow,
    seed: int,
    plan: StoredPlan,
    result: TrialResult | None,
    costs: Mapping[str, StoredValue],
    times: tuple[float | None, float | None],
) -> ExportedTrial:
    values = {**(result.values or {}), **costs} if result else {}
    spreads = plan.document.summaries.get(row.label, {})
    state = _state(row, seed, result)
    undeclared = result.environment if result and plan.imported else {}
    own = (row.kind, row.label, row.levels, seed, state, values, spreads, row.cells[seed])
    return ExportedTrial(*own, *times, undeclared)


def _state(row: StoredRow, seed: int, result: TrialResult | None) -> str:
    """Return the state of a row and seed as `ablate status` counts it; stale also if an older result was accepted."""
    if result is not None and result.done:
        return STALE if row.changes.get(seed) else DONE
    if result is not None and result.state not in (DONE, QUEUED, PRUNED):
        return result.state
    return STALE if seed in row.stale else QUEUED
