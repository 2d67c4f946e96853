"""Writing the results of a study for other programs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.api.plan import is_study_file, plan_study
from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_read
from ablate.errors import AblateError, unknown_name
from ablate.exports.folders import write_folder
from ablate.exports.formats import FILES, FOLDERS, FORMATS, TEXTS
from ablate.exports.trials import ExportedStudy, exported_study
from ablate.exports.writing import check_free, write_file
from ablate.filesystem import expanded
from ablate.run.preparation import plan_of
from ablate.store import Store, plans
from ablate.store.plans import StoredPlan

EXAMPLES = {"mlflow": "mlruns", "tensorboard": "logs"}
"""{format: the usual name of its folder}."""


@dataclass(frozen=True)
class ResultsExport:
    """Results that were exported."""

    study: str
    profile: str
    states: dict[str, int]
    """{state: number of trials}: done, failed, diverged, stale, running, queued."""
    text: str
    """The text of a format that is one; empty if it was written to a file."""
    path: Path | None
    """The file or folder that was written; None if the text was returned."""


def export_results(
    study: Path | str | None = None,
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    format: str = "csv",
    output: Path | str | None = None,
    profile: str | None = None,
    columns: Sequence[str] = (),
    force: bool = False,
) -> ResultsExport:
    """Write the trials of a study for other programs: a line for each row and seed, with levels and values.

    `study`: the name of a study in the store, or the path of a study file; by default the study that was last run or
    imported. `format`: csv, jsonl, parquet, mlflow or tensorboard. `output`: a file, or the folder of mlflow or
    tensorboard, which may hold other things; without it the text of csv and jsonl is returned. `profile`: a profile of
    the study. `columns`: costs, such as `seconds`, that are written too. `force`: take the place of a file that is
    there, or of the study's earlier export in the folder.

    Raises AblateError for names that the store does not have, and if the file is there or cannot be written.
    """
    if format not in FORMATS:
        raise AblateError(f"--format: {unknown_name('format', format, FORMATS)}")
    path = _path(output, format, force)
    opened = store_to_read(store)
    plan = _plan(opened, study, profile)
    with opened.read() as connection:
        exported = exported_study(connection, plan, columns)
    if path is None:
        return _outcome(exported, TEXTS[format](exported), None)
    if format in FOLDERS:
        path = write_folder(path, FOLDERS[format](exported, path), force)
    else:
        write_file(path, _content(exported, format))
    return _outcome(exported, "", path)


def _path(output: Path | str | None, format: str, force: bool) -> Path | None:
    """Return the path to write to, None for stdout. AblateError if the format needs one, or if a file is there."""
    if output is None:
        if format in TEXTS:
            return None
        example = EXAMPLES.get(format, f"results.{format}")
        raise AblateError(f"--output: {format} is no text; give the path to write to, like --output {example}")
    path = Path(expanded(str(output)))
    if format not in FOLDERS:
        check_free(path, force)
    return path


def _plan(store: Store, study: Path | str | None, profile: str | None) -> StoredPlan:
    """Return the plan of a study by its name or by its file."""
    if study is not None and is_study_file(study):
        planned = plan_study(study, store, profile=profile)
        return plan_of(planned.study, planned.trials)
    with store.read() as connection:
        name = plans.choose(connection, None if study is None else str(study), profile, store.url)
        return plans.read_plan(connection, name.study, name.profile)


def _content(exported: ExportedStudy, format: str) -> bytes:
    return FILES[format](exported) if format in FILES else TEXTS[format](exported).encode("utf-8", "backslashreplace")


def _outcome(exported: ExportedStudy, text: str, path: Path | None) -> ResultsExport:
    states = Counter(trial.state for trial in exported.trials)
    return ResultsExport(exported.study, exported.profile, dict(states), text, path)
