"""The reader of Optuna's storage: a SQLite database with studies. The parameters of a trial are its settings."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ablate.imports.source import DONE, FAILED, RUNNING, ColumnRole, Request, Source
from ablate.imports.trackers.logged import LoggedRun, source_of
from ablate.imports.trackers.sqlite_files import database, has_tables
from ablate.imports.trackers.training.optuna_tables import TABLES, OptunaTrial, studies_of, trials_of
from ablate.measurement import Direction
from ablate.text import plural

STATES = {"COMPLETE": DONE, "FAIL": FAILED, "RUNNING": RUNNING}
"""{state of a trial: that of a run}. Trials that were pruned or wait have no result to compare."""


class OptunaReader:
    """Reads a database of Optuna."""

    kind = "optuna"

    def recognise(self, path: Path) -> str:
        is_it = path.is_file() and has_tables(path, TABLES)
        return "it has the tables studies, trials and trial_params of Optuna" if is_it else ""

    def read(self, path: Path, request: Request) -> Source:
        with database(path) as connection:
            studies = studies_of(connection)
            trials = trials_of(connection, studies, path)
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
            primary=request.metrics,
            directions=_directions(used, unused),
            roles={"study": ColumnRole.SETTING} if several else {},
        )


def _logged(trial: OptunaTrial, several: bool) -> LoggedRun:
    place = trial.place if several else f"trial {trial.number}"
    settings = {**({"study": trial.study.name} if several else {}), **trial.params}
    circumstances = {"trial": trial.number, "started": trial.start}
    return LoggedRun(place, settings, trial.values, circumstances, trial.notes, STATES[trial.state])


def _directions(trials: Sequence[OptunaTrial], unused: list[str]) -> dict[str, Direction]:
    said: dict[str, set[Direction]] = {}
    for study in {id(trial.study): trial.study for trial in trials}.values():
        for objective, direction in study.directions.items():
            said.setdefault(study.metric(objective), set()).add(direction)
    for metric in (metric for metric, ways in said.items() if len(ways) > 1):
        unused.append(f"the direction of {metric} is not used: studies differ in it; --where study=NAME chooses one")
    return {metric: next(iter(ways)) for metric, ways in said.items() if len(ways) == 1}


reader = OptunaReader()
