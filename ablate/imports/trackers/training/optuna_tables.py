"""The tables of Optuna's storage: studies, and their trials with parameters and values.

The forms are those of `optuna/storages/_rdb/models.py`, and of versions before 2.4.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Any

from ablate.errors import SourceError
from ablate.imports.source import Cell
from ablate.imports.trackers.cells import cell, number
from ablate.imports.trackers.sqlite_files import rows_of
from ablate.measurement import Direction

TABLES = {
    "studies": {"study_id", "study_name"},
    "trials": {"trial_id", "study_id", "state"},
    "trial_params": {"trial_id", "param_name", "param_value", "distribution_json"},
}
"""The tables and columns that every version has."""
METRIC_NAMES = "study:metric_names"
"""The key under which `Study.set_metric_names` keeps the names of a study's values."""
VALUE = "value"
"""The name of a value without one, as in Optuna's own tables."""


@dataclass(frozen=True)
class OptunaStudy:
    name: str
    directions: dict[int, Direction] = field(default_factory=dict)
    """{number of the objective: its direction}."""
    metrics: list[str] = field(default_factory=list)
    """The names of the objectives; empty if the program gave none."""

    def metric(self, objective: int) -> str:
        if objective < len(self.metrics):
            return self.metrics[objective]
        return f"{VALUE}s_{objective}" if len(self.directions) > 1 else VALUE


@dataclass(frozen=True)
class OptunaTrial:
    study: OptunaStudy
    number: int
    state: str
    """The state in Optuna's words."""
    start: Cell
    params: dict[str, Cell] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Cell] = field(default_factory=dict)
    """The attributes that a program set with `set_user_attr`."""

    @property
    def place(self) -> str:
        return f"study {self.study.name}, trial {self.number}"


def studies_of(connection: sqlite3.Connection) -> dict[object, OptunaStudy]:
    """Return {id: study}. Versions before 2.4 have one direction, in the table of the studies."""
    studies: dict[object, OptunaStudy] = {}
    for key, name, direction in rows_of(connection, "studies", ("study_id", "study_name", "direction")):
        studies[key] = OptunaStudy(str(name), _direction(0, direction))
    for key, objective, direction in rows_of(connection, "study_directions", ("study_id", "objective", "direction")):
        if key in studies and isinstance(objective, int):
            studies[key].directions.update(_direction(objective, direction))
    for key, name, text in rows_of(connection, "study_system_attributes", ("study_id", "key", "value_json")):
        if key in studies and name == METRIC_NAMES:
            names = _json(text)
            studies[key].metrics.extend(map(str, names) if isinstance(names, list) else [])
    return studies


def _direction(objective: int, word: object) -> dict[int, Direction]:
    direction = {"MAXIMIZE": Direction.MAXIMIZE, "MINIMIZE": Direction.MINIMIZE}.get(str(word))
    return {objective: direction} if direction else {}


def trials_of(connection: sqlite3.Connection, studies: Mapping[object, OptunaStudy], path: Path) -> list[OptunaTrial]:
    trials: dict[object, OptunaTrial] = {}
    columns = ("trial_id", "number", "study_id", "state", "datetime_start", "value")
    for key, ordinal, study, state, start, value in rows_of(connection, "trials", columns):
        if study in studies:
            at = (
                ordinal if isinstance(ordinal, int) else sum(trial.study is studies[study] for trial in trials.values())
            )
            trials[key] = OptunaTrial(studies[study], at, str(state), cell(start))
            if (parsed := number(value)) is not None:
                trials[key].values[studies[study].metric(0)] = parsed
    _add_values(connection, trials)
    faults = list(_add_params(connection, trials))
    for key, name, text in rows_of(connection, "trial_user_attributes", ("trial_id", "key", "value_json")):
        if key in trials:
            trials[key].notes[str(name)] = cell(_json(text))
    if faults:
        raise SourceError("\n".join(f"{path}: {fault}" for fault in faults))
    return list(trials.values())


def _add_values(connection: sqlite3.Connection, trials: Mapping[object, OptunaTrial]) -> None:
    """Add the values of each objective. In versions before 2.4 the table has those of steps, which are not read."""
    columns = ("trial_id", "objective", "value", "value_type")
    for key, objective, value, kind in rows_of(connection, "trial_values", columns):
        if key in trials and isinstance(objective, int):
            parsed = number(value) if kind in (None, "FINITE") else nan
            trials[key].values[trials[key].study.metric(objective)] = nan if parsed is None else parsed


def _add_params(connection: sqlite3.Connection, trials: Mapping[object, OptunaTrial]) -> Sequence[str]:
    """Add the parameters, and return a fault for each that cannot be read."""
    faults = []
    columns = ("trial_id", "param_name", "param_value", "distribution_json")
    for key, name, value, distribution in rows_of(connection, "trial_params", columns):
        if key in trials:
            trial = trials[key]
            try:
                trial.params[str(name)] = parameter(value, _json(distribution))
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
                shown = str(distribution)[:60]
                faults.append(f"{trial.place}: {name}: {value!r} is no value of the distribution {shown}")
    return faults


def parameter(value: Any, distribution: Any) -> Cell:
    """Return a parameter's value: stored are the index of a choice, or a number.

    Some versions write a distribution as `{"name": ..., "attributes": ...}`, others as `{"type": ..., ...}`.
    """
    name = str(distribution.get("name", distribution.get("type"))).lower()
    if name.startswith("categorical"):
        choices = distribution.get("attributes", distribution)["choices"]
        choice = choices[int(value)]
        return "None" if choice is None else cell(choice)
    return int(value) if name.startswith("int") else float(value)


def _json(text: object) -> Any:
    """Return the content of a text in JSON; None if it is none."""
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError):
        return None
