"""The trials as a log folder of TensorBoard: an event file for each row and seed, with its values and hyperparameters.

The files are written by hand: the few messages are simple, and no package is needed. Values have 32 bits, as
TensorBoard keeps them.
"""

from collections.abc import Sequence
from pathlib import Path

from ablate.exports import event_records
from ablate.exports.columns import ExportColumn, settings
from ablate.exports.folders import ExportFolder
from ablate.exports.trials import ExportedStudy, ExportedTrial, run_name
from ablate.filesystem import file_word
from ablate.store.schema import DONE, STALE

VERSION = "brain.Event:2"
FILE = "events.out.tfevents.{seconds}.ablate"
"""The name of an event file; TensorBoard takes every name with `tfevents` in it."""


def tensorboard_folder(study: ExportedStudy, root: Path) -> ExportFolder:
    """Return the folder of the study below `root`, which is the folder that `tensorboard --logdir` takes.

    A run lies in `STUDY-PROFILE/NUMBER-ROW/seed-N`. It has the values at step 0, and the levels and the seed as
    hyperparameters.
    """
    numbers = {row: at for at, row in enumerate(dict.fromkeys(trial.row for trial in study.trials), start=1)}
    width = len(str(len(numbers)))
    files = {}
    chosen = settings(study)
    for trial in study.trials:
        row = f"{numbers[trial.row]:0{width}}-{file_word(trial.row)}"
        seconds = round(_started(study, trial))
        place = f"{row}/{'seed' if study.are_paired else 'run'}-{trial.seed}/{FILE.format(seconds=seconds)}"
        files[place] = _events(study, trial, chosen)
    return ExportFolder(f"{file_word(study.study)}-{file_word(study.profile)}", files)


def _events(study: ExportedStudy, trial: ExportedTrial, chosen: Sequence[ExportColumn]) -> bytes:
    """Return the event file of a trial. One without values has its hyperparameters only, and has failed."""
    started = _started(study, trial)
    ended = trial.ended if trial.ended is not None else started
    cells = {setting.name: setting.cell(trial) for setting in chosen}
    given = {name: _setting(cell) for name, cell in cells.items() if cell is not None}
    if study.are_paired:
        given["seed"] = trial.seed
    values = {metric.name: trial.values[metric.name].value for metric in study.metrics if metric.name in trial.values}
    is_done = trial.state == DONE or (trial.state == STALE and bool(values))
    summaries = [
        event_records.hyperparameters(given, run_name(study, trial), started),
        *(event_records.scalar(name, value) for name, value in values.items()),
        event_records.end_of_run(ended, is_done),
    ]
    first = event_records.event(started, version=VERSION)
    return event_records.records([first, *(event_records.event(ended, summary=summary) for summary in summaries)])


def _started(study: ExportedStudy, trial: ExportedTrial) -> float:
    return study.planned if trial.started is None else trial.started


def _setting(level: object) -> str | float:
    return level if isinstance(level, int | float) and not isinstance(level, bool) else str(level)
