"""What a command line asks of a study file: the study, its trials, and those that `--only` leaves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import typer

from ablate.cli.row_patterns import matching
from ablate.errors import AblateError
from ablate.study.config_keys import flattened, overlaps
from ablate.study.model import Study
from ablate.study.reading.nodes import yaml_text
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import REFERENCE, Trial, trials
from ablate.trainers.registry import TRAINERS

MOST_NAMED = 3
"""Rows that a fault names; of more it gives the number."""


@dataclass(frozen=True)
class Request:
    """A study with all its trials, and the selected ones."""

    study: Study
    trials: Sequence[Trial]
    selected: Sequence[Trial]


def read_request(
    path: Path, profile: str | None, settings: Sequence[str], only: Sequence[str] | None, prepare: bool = False
) -> Request:
    """Reads the file, prints its warnings, and resolves every trial; `prepare` packs a data set first."""
    study = read_study(path, profile, settings)
    if prepare:
        _prepare_data(study)
    wanted = trials(study)
    selected = _select(wanted, only)
    if prepare:
        _check_configs(study, selected)
    of_trainer = [*_study_warnings(study, wanted), *_row_warnings(study, selected)]
    for warning in [*study.warnings, *_overridden(study), *of_trainer]:
        _warn(warning)
    return Request(study, wanted, selected)


def _prepare_data(study: Study) -> None:
    """Prepare the data that rows and references name."""
    configs = chain(map(study.row_config, study.rows), map(study.reference_config, study.references))
    TRAINERS[study.trainer].prepare_data(configs, _warn)


def _check_configs(study: Study, selected: Sequence[Trial]) -> None:
    """Compare rows with their data before anything is queued.

    Raise one AblateError with every fault of every row, each with the rows that have it.
    """
    configs = {trial.label: trial.config for trial in selected}
    found = TRAINERS[study.trainer].faults(list(configs.values()))
    labels: dict[str, list[str]] = {}
    for label, faults in zip(configs, found, strict=True):
        for fault in faults:
            labels.setdefault(fault, []).append(label)
    if labels:
        raise AblateError("\n".join(f"{_named(rows)}: {fault}" for fault, rows in labels.items()))


def _select(wanted: Sequence[Trial], only: Sequence[str] | None) -> Sequence[Trial]:
    if not only:
        return wanted
    chosen = set(matching(dict.fromkeys(trial.label for trial in wanted), only, "--only"))
    return [trial for trial in wanted if trial.label in chosen]


def _overridden(study: Study) -> list[str]:
    """Config values that no trial has, because a factor sets the key: most often a `--set` that is in vain."""
    config = flattened(study.written)
    return [
        f"{'' if overlaps(key, 'runtime') else 'config.'}{key} {yaml_text(config[key])} has no effect: factor "
        f"{factor.name!r} sets {key}"
        for factor in study.factors
        for key, value in zip(factor.sets, factor.baseline.values, strict=True)
        if key in config and config[key] != value
    ]


def _study_warnings(study: Study, planned: Sequence[Trial]) -> Iterable[str]:
    """Return the trainer's warnings about all rows and references together."""
    configs = {trial.label: trial.config for trial in planned}
    searched = [key for dimension in study.search.dimensions for key in dimension.keys] if study.search else []
    return TRAINERS[study.trainer].study_warnings(list(configs.values()), searched)


def _row_warnings(study: Study, selected: Sequence[Trial]) -> list[str]:
    """Return the trainer's warnings about the selected rows, each with the number of rows that have it."""
    entry = TRAINERS[study.trainer]
    configs = {trial.label: trial.config for trial in selected if trial.kind != REFERENCE}
    labels: dict[str, list[str]] = {}
    for label, config in configs.items():
        for warning in entry.config_warnings(config):
            labels.setdefault(warning, []).append(label)
    return [f"{warning} ({_counted(rows)})" for warning, rows in labels.items()]


def _warn(text: str) -> None:
    typer.echo(f"warning: {text}", err=True)


def _named(labels: Sequence[str]) -> str:
    """Return `row 'plain'`; of many rows the first few, and how many more there are."""
    names = ", ".join(map(repr, labels[:MOST_NAMED]))
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return f"row{'s' if len(labels) > 1 else ''} {names}{more}"


def _counted(labels: Sequence[str]) -> str:
    return repr(labels[0]) if len(labels) == 1 else f"{len(labels)} rows"
