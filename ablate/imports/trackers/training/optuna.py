"""The reader of Optuna's storage: a SQLite database with studies, and their trials with parameters and values."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Any

from ablate.errors import SourceError
from ablate.imports.source import DONE, FAILED, RUNNING, ColumnRole, Request, Source
from ablate.imports.trackers.cells import Cell, cell, number
from ablate.imports.trackers.logged import LoggedRun, source_of
from ablate.imports.trackers.sqlite_files import database, has_tables, rows_of
from ablate.measurement import Direction
from ablate.text import plural

TABLES = {
    "studies": {"study_id", "study_name"},
    "trials": {"trial_id", "study_id", "state"},
    "trial_params": {"trial_id", "param_name", "param_value", "distribution_json"},
}
"""The tables and columns that every version has."""
STATES = {"COMPLETE": DONE, "FAIL": FAILED, "RUNNING": RUNNING}
"""{state of a trial: that of a run}. Trials that were pruned or wait have no result to compare."""
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


class OptunaReader:
    """Reads a database of Optuna. The parameters of a trial are its settings."""

    kind = "optuna"

    def recognise(self, path: Path) -> str:
        is_it = path.is_file() and has_tables(path, TABLES)
        return "it has the tables studies, trials and trial_params of Optuna" if is_it else ""

    def read(self, path: Path, request: Request) -> Source:
        with database(path) as connection:
            studies = _studies(connection)
            trials = _trials(connection, studies, path)
        used = [trial for trial in trials if trial.state in STATES]
        several = len({trial.study.name for trial in used}) > 1
        unused: list[str] = []
        left_out = Counter(trial.state for trial in trials if trial.state not in STATES)
        for state, count in left_out.items():
            unused.append(
                f"{plural(count, 'trial')} in the state {state}: stopped early or not begun, so without a result"
            )
        return source_of(
            self.kind,
            self.recognise(path),
            [_logged(trial, several) for trial in used],
            unused,
            directions=_directions(used, unused),
            roles={"study": ColumnRole.SETTING} if several else {},
        )


def _studies(connection: sqlite3.Connection) -> dict[object, OptunaStudy]:
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


def _trials(connection: sqlite3.Connection, studies: Mapping[object, OptunaStudy], path: Path) -> list[OptunaTrial]:
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
                faults.append(f"{_place(trial)}: {name}: {value!r} is no value of the distribution {shown}")
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


def _logged(trial: OptunaTrial, several: bool) -> LoggedRun:
    place = _place(trial) if several else f"trial {trial.number}"
    settings = {**({"study": trial.study.name} if several else {}), **trial.params}
    circumstances = {"trial": trial.number, "started": trial.start}
    return LoggedRun(place, settings, trial.values, circumstances, trial.notes, STATES[trial.state])


def _place(trial: OptunaTrial) -> str:
    return f"study {trial.study.name}, trial {trial.number}"


def _directions(trials: Sequence[OptunaTrial], unused: list[str]) -> dict[str, Direction]:
    said: dict[str, set[Direction]] = {}
    for study in {id(trial.study): trial.study for trial in trials}.values():
        for objective, direction in study.directions.items():
            said.setdefault(study.metric(objective), set()).add(direction)
    for metric in (metric for metric, ways in said.items() if len(ways) > 1):
        unused.append(f"the direction of {metric} is not used: studies differ in it; --where study=NAME chooses one")
    return {metric: next(iter(ways)) for metric, ways in said.items() if len(ways) == 1}


reader = OptunaReader()
