"""What a command line asks of a study file: the study, its trials, and those that `--only` leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import typer

from ablate.cli.data_checks import check_on_data
from ablate.cli.row_patterns import matching
from ablate.study.config_keys import canonical, flattened
from ablate.study.model import Study
from ablate.study.reading.nodes import shown
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import REFERENCE, Trial, trials


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
        check_on_data(selected)
    for warning in [*study.warnings, *_overridden(study), *_unheard(study, wanted), *_warnings(selected)]:
        typer.echo(f"warning: {warning}", err=True)
    return Request(study, wanted, selected)


def _prepare_data(study: Study) -> None:
    """Packs the data sets that rows name; one that was packed without some of its images is used as it is."""
    if study.trainer != "retrieval":
        return
    from ablate.retrieval import data
    from ablate.retrieval.cli.packing_progress import watch_packing
    from ablate.retrieval.config.retrieval import Data
    from ablate.text import plural

    configs = chain(map(study.row_config, study.rows), map(study.reference_config, study.references))
    named = ((config.get("data", {}), config.get("evaluate", {}).get("detections")) for config in configs)
    warned = set()
    for raw, detections in {canonical(both): both for both in named}.values():
        section = Data.model_validate(raw)
        of = (section.name, section.root, section.size)
        with watch_packing(section.name) as watcher:
            record = data.prepare(*of, watcher=watcher)
            if detections is not None:
                data.prepare_detections(*of, detections, watcher=watcher)
        if record and record.skipped and record.fingerprint not in warned:
            warned.add(record.fingerprint)
            text = f"{section.name} is packed without {plural(len(record.skipped), 'image')} that could not be read"
            typer.echo(f"warning: {text}; its pack.json lists them", err=True)


def _select(wanted: Sequence[Trial], only: Sequence[str] | None) -> Sequence[Trial]:
    if not only:
        return wanted
    chosen = set(matching(dict.fromkeys(trial.label for trial in wanted), only, "--only"))
    return [trial for trial in wanted if trial.label in chosen]


def _overridden(study: Study) -> list[str]:
    """Config values that no trial has, because a factor sets the key: most often a `--set` that is in vain."""
    config = flattened(study.written)
    return [
        f"config.{key} {shown(config[key])} has no effect: factor {factor.name!r} sets {key}"
        for factor in study.factors
        for key, value in zip(factor.sets, factor.baseline.values, strict=True)
        if key in config and config[key] != value
    ]


def _unheard(study: Study, wanted: Sequence[Trial]) -> list[str]:
    """Effects of the simulated trainer that depend on a setting which nothing sets: most often a factor's name."""
    if study.trainer != "simulated":
        return []
    searched = [key.split(".") for each in study.search.dimensions for key in each.keys] if study.search else []
    known = {name for trial in wanted for name in trial.config["settings"]}
    known |= {inner[0] for section, *inner in searched if section == "settings" and inner}
    named = [name for effect in wanted[0].config["effects"] for name in (*effect["when"], *effect["peak"])]
    return [
        f"an effect depends on the setting {name!r}, which nothing sets; set are: {', '.join(sorted(known)) or 'none'}"
        for name in dict.fromkeys(named)
        if name not in known
    ]


def _warnings(wanted: Sequence[Trial]) -> list[str]:
    """What is valid and hardly meant: milestones or a warm-up beyond the last step."""
    found: dict[str, list[str]] = {}
    for trial in wanted:
        schedule = trial.config.get("schedule")
        if not schedule or trial.kind == REFERENCE:
            continue
        milestones = schedule["milestones"] if schedule["decay"] == "milestones" else []
        late = [milestone for milestone in milestones if milestone >= schedule["steps"]]
        if late:
            text = f"milestones {late} are never reached: training ends at step {schedule['steps']}"
            found.setdefault(text, []).append(trial.label)
        if schedule["warmup_steps"] > schedule["steps"]:
            text = f"a warm-up of {schedule['warmup_steps']} steps outlasts the {schedule['steps']} steps of training"
            found.setdefault(text, []).append(trial.label)
    return [f"{text} ({_rows(list(dict.fromkeys(labels)))})" for text, labels in found.items()]


def _rows(labels: Sequence[str]) -> str:
    return repr(labels[0]) if len(labels) == 1 else f"{len(labels)} rows"
