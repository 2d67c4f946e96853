"""The work that a call or a command line requests: a study, its trials, and the rows that are selected."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import AblateError
from ablate.run.candidate_faults import candidate_faults
from ablate.study.config_keys import Config, flattened, overlaps
from ablate.study.model import Study
from ablate.study.plan.limits import RowLimits, limit_faults, limit_warnings, row_limits
from ablate.study.plan.unread_warnings import search_warnings, unread_warnings
from ablate.study.reading.nodes import yaml_text
from ablate.study.reading.study_reader import read_study
from ablate.study.row_patterns import matching
from ablate.study.trials.identity import REFERENCE, Trial, trials
from ablate.study.trials.local_paths import PathFinder
from ablate.text import rows_in_words


@dataclass(frozen=True)
class StudySource:
    """A study, and where it was read from."""

    study: Study
    place: str
    """The path of its file as messages name it; the study's name if it was not read from a file."""
    overrides: tuple[str, ...] = ()
    """The `KEY=VALUE` settings that changed the file; reports print them."""
    searching: bool = False
    """True if the validation split is used too, because the study's search is requested."""


@dataclass(frozen=True)
class StudyRequest:
    """A study with all its trials, and the selected ones."""

    source: StudySource
    study: Study
    """The study of `source`; if looks were taken, with the seeds that they gave each row."""
    trials: Sequence[Trial]
    selected: Sequence[Trial]
    """The trials of the selected rows; `trials` itself if no row was named."""
    warnings: tuple[str, ...] = ()
    """Values that are valid but hardly meant, a sentence each."""
    limits: tuple[RowLimits, ...] = ()
    """The limits of the tests of the selected rows, as far as the trainer knows them."""

    @property
    def unprepared(self) -> list[str]:
        """Why the content of the selected rows' data is not known yet, and what prepares them; each reason once."""
        return list(dict.fromkeys(trial.unprepared for trial in self.selected if trial.unprepared))

    @property
    def selected_rows(self) -> set[str] | None:
        """The labels of the selected rows; None if no row was named, which means all rows."""
        return None if self.selected is self.trials else {trial.label for trial in self.selected}


def read_source(
    study: Study | Path | str, profile: str | None = None, settings: Sequence[str] = (), seeds: str | int | None = None
) -> StudySource:
    """Read the study of a file under a profile, `KEY=VALUE` settings and a number of seeds.

    A Study that was read before is taken as it is. Raises StudyError with every fault of the file.
    """
    overrides = (*settings, *([f"seeds={seeds}"] if seeds is not None else []))
    if not isinstance(study, Study):
        return StudySource(read_study(Path(study), profile, settings, seeds), str(study), overrides)
    if profile is not None or overrides:
        raise AblateError(
            f"study {study.name}: profile, settings and seeds are applied when a file is read: "
            "pass the path of the file, or use read_study(path, profile, settings)"
        )
    return StudySource(study, study.name)


def checked_request(source: StudySource, only: Sequence[str] = (), running: bool = False) -> StudyRequest:
    """Resolve every trial of a study, select the rows whose labels match `only`, and refuse what cannot run.

    Plans and runs decide here what is refused. Nothing is prepared, and data need not be. `running`: False if this
    machine need not have the libraries that trainings need, as for a plan. Raises AblateError with every fault.
    """
    request = resolve_request(source, only)
    missing = missing_libraries(source) if running else ()
    if faults := [*missing, *row_faults(request)]:
        raise AblateError("\n".join(faults))
    return request


def missing_libraries(source: StudySource) -> tuple[str, ...]:
    """Return the libraries that are needed and not installed here, as faults of the study file."""
    return (*source.study.lacks, *(source.study.search_lacks if source.searching else ()))


def resolve_request(source: StudySource, only: Sequence[str] = ()) -> StudyRequest:
    """Resolve every trial of a study, and select the rows whose labels match `only`; all if it is empty."""
    study = source.study
    planned = trials(study, allow_unprepared=True)
    selected = _select(planned, only)
    limits = row_limits(study.entry, _configs(selected))
    of_trainer = [*_study_warnings(study, planned), *_row_warnings(source, selected, limits)]
    if study.search and not source.searching:
        known = {fault for shared in limits for fault in limit_faults(study, shared, searching=True)}
        of_trainer += [f"{fault}; until then `ablate search` is refused" for fault in candidate_faults(study, known)]
        of_trainer += [f"{fault}; until then `ablate search` is refused" for fault in study.search_lacks]
        of_trainer += search_warnings(study)
    of_trainer += unread_warnings(study, planned)
    of_trainer += [f"{fault}; until then `ablate run` is refused" for fault in study.lacks]
    warnings = (*study.warnings, *PathFinder(study).notes(), *_overridden(study), *of_trainer)
    return StudyRequest(source, study, planned, selected, warnings, limits)


def request_to_run(source: StudySource, only: Sequence[str], report: Callable[[str], None]) -> StudyRequest:
    """Resolve and check the trials of a study, prepare its data, and check what could not be known before.

    `report` receives each warning. Raises AblateError with every fault, before anything is queued.
    """
    request = checked_request(source, only, running=True)
    prepare_data(request, lambda text: report(f"warning: {text}"))
    if request.study.entry.data_name_key:  # preparing may have changed the content of the data
        request = checked_request(source, only)
    for warning in request.warnings:
        report(f"warning: {warning}")
    return request


def prepare_data(request: StudyRequest, warn: Callable[[str], None]) -> None:
    """Prepare the data that rows and references name, by the trainer's hook; `warn` receives each warning."""
    request.study.entry.prepare_data(_configs(request.trials).values(), warn)


def row_faults(request: StudyRequest) -> list[str]:
    """Compare the selected rows with their data and this machine, and require tests that can show something.

    Return every fault of every row, each with the rows that have it.
    """
    configs = _configs(request.selected)
    faults_of_rows = request.study.entry.faults(list(configs.values()))
    labels: dict[str, list[str]] = {}
    for label, faults in zip(configs, faults_of_rows, strict=True):
        for fault in faults:
            labels.setdefault(fault, []).append(label)
    for limits in request.limits:
        for fault in limit_faults(request.study, limits, request.source.searching):
            labels.setdefault(fault, []).extend(limits.rows)
    of_rows = [f"{rows_in_words(rows)}: {fault}" for fault, rows in labels.items()]
    of_candidates = candidate_faults(request.study, labels) if request.source.searching else ()
    return [*of_rows, *of_candidates]


def _select(planned: Sequence[Trial], only: Sequence[str]) -> Sequence[Trial]:
    if not only:
        return planned
    labels = set(matching(dict.fromkeys(trial.label for trial in planned), only, "--only"))
    return [trial for trial in planned if trial.label in labels]


def _overridden(study: Study) -> list[str]:
    """Return a warning for each config value that no trial has because a factor sets its key.

    Most often it is a `--set` without effect.
    """
    config = flattened(study.written)
    return [
        f"{'' if overlaps(key, 'runtime') else 'config.'}{key} {yaml_text(config[key])} has no effect: factor "
        f"{factor.name!r} sets {key}, to {yaml_text(value)} in the baseline"
        for factor in study.factors
        for key, value in zip(factor.sets, factor.baseline.values, strict=True)
        if key in config and config[key] != value
    ]


def _study_warnings(study: Study, planned: Sequence[Trial]) -> Iterable[str]:
    """Return the trainer's warnings about all rows and references together."""
    searched = [key for dimension in study.search.dimensions for key in dimension.keys] if study.search else []
    return study.entry.study_warnings(list(_configs(planned).values()), searched)


def _row_warnings(source: StudySource, selected: Sequence[Trial], limits: Sequence[RowLimits]) -> list[str]:
    """Return the warnings about the selected rows, each with the row or the number of rows that have it.

    They are those of the trainer, and those about the `limits` of the rows' tests.
    """
    entry = source.study.entry
    labels: dict[str, list[str]] = {}
    for label, config in _configs([trial for trial in selected if trial.kind != REFERENCE]).items():
        for warning in entry.config_warnings(config):
            labels.setdefault(warning, []).append(label)
    for shared in limits:
        for warning in limit_warnings(source.study, shared, source.searching):
            labels.setdefault(warning, []).extend(shared.rows)
    return [f"{warning} ({_counted(rows)})" for warning, rows in labels.items()]


def _configs(selected: Sequence[Trial]) -> Mapping[str, Config]:
    """Return {label: config}."""
    return {trial.label: trial.config for trial in selected}


def _counted(labels: Sequence[str]) -> str:
    return repr(labels[0]) if len(labels) == 1 else f"{len(labels)} rows"
