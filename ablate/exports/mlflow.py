"""The trials as a folder `mlruns/` of MLflow: an experiment for the study, and a run for each row and seed.

The layout is that of MLflow's `FileStore`, which is frozen: `meta.yaml`, a file for each parameter and tag, and one for
each metric with lines `time value step`. MLflow itself is not needed.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from posixpath import normpath

import yaml

from ablate.errors import AblateError
from ablate.exports.columns import ExportColumn, settings
from ablate.exports.folders import ExportFolder
from ablate.exports.trials import ExportedStudy, ExportedTrial, run_name
from ablate.store.schema import DIVERGED, DONE, FAILED, RUNNING

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The dumper of YAML: that in C is ten times as fast, and not everywhere."""
SCHEDULED = 2
STATUS = {RUNNING: 1, DONE: 3, FAILED: 4, DIVERGED: 4}
"""{state: number of MLflow's `RunStatus`}. All others are scheduled, except that a stale trial with values is done."""
NOT_IN_NAMES = re.compile(r"[^/\w.\- ]")
"""Letters that a parameter or a metric of MLflow cannot have in its name, on any system."""
LONGEST_NAME = 250
DIGITS = 18
"""Digits of an experiment's id, as MLflow makes it."""


def mlflow_folder(study: ExportedStudy, root: Path) -> ExportFolder:
    """Return the folder of the study's experiment below `root`, which is the folder `mlruns`.

    A run has the levels and the seed as parameters, the values as metrics, and row, state, key of the trial and numbers
    of examples as tags. Its id is always the same, and so is that of the experiment.
    """
    name = experiment_name(study)
    number = str(int(blake2b(name.encode(), digest_size=8).hexdigest(), 16) % 10**DIGITS).zfill(DIGITS)
    _check_name(root, number, name)
    place = (root / number).absolute().as_uri()
    planned = round(study.planned * 1000)
    about = {
        "artifact_location": place,
        "creation_time": planned,
        "experiment_id": number,
        "last_update_time": planned,
        "lifecycle_stage": "active",
        "name": name,
    }
    files = {"meta.yaml": _yaml(about)}
    chosen = settings(study)
    paths = _names([setting.name for setting in chosen], taken=("seed",))
    params = [ExportColumn(paths[setting.name], setting.cell) for setting in chosen]
    metrics = _names([metric.name for metric in study.metrics])
    for trial in study.trials:
        run = blake2b(repr((name, trial.row, trial.seed)).encode(), digest_size=16).hexdigest()
        of_run = {
            "meta.yaml": _yaml(_run(study, trial, run, number, f"{place}/{run}/artifacts")),
            **{f"params/{path}": text for path, text in _params(study, trial, params).items()},
            **{f"metrics/{path}": text for path, text in _metrics(study, trial, metrics).items()},
            **{f"tags/{path}": text for path, text in _tags(study, trial, metrics).items()},
        }
        files |= {f"{run}/{path}": text for path, text in of_run.items()}
    return ExportFolder(number, {path: text.encode("utf-8", "backslashreplace") for path, text in files.items()})


def _check_name(root: Path, number: str, name: str) -> None:
    """Raise AblateError if another experiment has the name: MLflow would find either of them by it."""
    for meta in sorted(root.glob("*/meta.yaml")):
        try:
            about = yaml.safe_load(meta.read_bytes())
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if meta.parent.name != number and isinstance(about, dict) and about.get("name") == name:
            raise AblateError(f"{meta.parent}: is another experiment with the name {name!r}; name another --output")


def experiment_name(study: ExportedStudy) -> str:
    """Return the name of the experiment: the study, and its profile if that is not the usual one."""
    return study.study if study.profile in ("base", "imported") else f"{study.study} ({study.profile})"


def _run(study: ExportedStudy, trial: ExportedTrial, run: str, experiment: str, artifacts: str) -> dict[str, object]:
    start, end = _times(study, trial)
    return {
        "artifact_uri": artifacts,
        "end_time": end,
        "entry_point_name": "",
        "experiment_id": experiment,
        "lifecycle_stage": "active",
        "run_id": run,
        "run_name": run_name(study, trial),
        "source_name": "",
        "source_type": 4,
        "source_version": "",
        "start_time": start,
        "status": STATUS.get(trial.state, STATUS[DONE] if trial.values else SCHEDULED),
        "tags": [],
        "user_id": "",
    }


def _times(study: ExportedStudy, trial: ExportedTrial) -> tuple[int, int | None]:
    """Return start and end of a run in milliseconds. A trial that has not started has the time of its plan."""
    if trial.started is None:
        return round(study.planned * 1000), None
    return round(trial.started * 1000), None if trial.ended is None else round(trial.ended * 1000)


def _params(study: ExportedStudy, trial: ExportedTrial, params: Sequence[ExportColumn]) -> dict[str, str]:
    cells = {param.name: param.cell(trial) for param in params}
    levels = {name: str(cell) for name, cell in cells.items() if cell is not None}
    return {**levels, "seed": str(trial.seed)} if study.are_paired else levels


def _metrics(study: ExportedStudy, trial: ExportedTrial, names: Mapping[str, str]) -> dict[str, str]:
    """Return {name: its one line}, `time value step` with step 0, of the metrics that the trial has."""
    start, end = _times(study, trial)
    time = start if end is None else end
    return {path: f"{time} {trial.values[name].value!r} 0\n" for name, path in names.items() if name in trial.values}


def _tags(study: ExportedStudy, trial: ExportedTrial, names: Mapping[str, str]) -> dict[str, str]:
    """Return {name: text} of the facts of a run that are neither settings nor results."""
    own = {"study": study.study, "profile": study.profile, "row": trial.row, "state": trial.state, "trial": trial.key}
    counts = {path: trial.values[name].n for name, path in names.items() if name in trial.values}
    known = {f"n.{path}": str(n) for path, n in counts.items() if n is not None}
    return {
        "mlflow.runName": run_name(study, trial),
        **{f"ablate.{name}": text for name, text in (own | known).items()},
    }


def _names(names: Sequence[str], taken: Sequence[str] = ()) -> dict[str, str]:
    """Return {name: name in MLflow}, each once. There a name is also a path: `val/loss` stays, `a:b` becomes `a_b`.

    No name is the folder of another one: of `a` and `a/b` the second becomes `a_b`, and so do all names with a slash.
    """
    paths = [_path(name) for name in names]
    folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    paths = [path.replace("/", "_") for path in paths] if folders & {*paths, *taken} else paths
    chosen: list[str] = []
    for path in paths:
        while path in (*taken, *chosen):
            path += "_"
        chosen.append(path)
    return dict(zip(names, chosen, strict=True))


def _path(name: str) -> str:
    path = normpath(NOT_IN_NAMES.sub("_", name)).lstrip("/")[:LONGEST_NAME]
    return path if path.strip(". ") and not path.startswith(".") else f"_{path.lstrip('./')}"


def _yaml(values: Mapping[str, object]) -> str:
    return str(yaml.dump(dict(values), Dumper=DUMPER, allow_unicode=True))
