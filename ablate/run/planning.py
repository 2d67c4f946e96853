"""A study and its trials as the plan that the store keeps: what reports need to print them later."""

from collections.abc import Sequence
from typing import Any

from ablate.store.plans import Plan, PlannedRow
from ablate.study.design import Row
from ablate.study.factors import Factor, LevelName
from ablate.study.log import NOTE, Line
from ablate.study.study import Study
from ablate.study.trial import REFERENCE, ROW, Trial

NECK_NOTES = ("coarse-grained classification (cross entropy loss)", "fine-grained metric learning (triplet loss)")


def plan_of(study: Study, trials: Sequence[Trial], overrides: Sequence[str] = ()) -> Plan:
    """The plan of a study with all its rows and references; `overrides` are the options that changed the file."""
    cells: dict[str, dict[int, str]] = {}
    for trial in trials:
        cells.setdefault(trial.label, {})[trial.seed] = trial.key
    rows = [PlannedRow(row.label, ROW, _words(row), cells[row.label], row.title) for row in study.rows]
    rows += [PlannedRow(ref.label, REFERENCE, {}, cells[ref.label]) for ref in study.references]
    return Plan(study.name, study.profile, _document(study, trials, overrides), False, rows)


def _words(row: Row) -> dict[str, LevelName]:
    return {name: level.word for name, level in row.levels.items()}


def _document(study: Study, trials: Sequence[Trial], overrides: Sequence[str]) -> dict[str, Any]:
    first = trials[0]
    return {
        "question": study.question,
        "trainer": study.trainer,
        "primary": study.primary,
        "delta_pp": study.delta,
        "alpha": study.alpha,
        "seeds": list(study.seeds),
        "factors": [_factor(factor) for factor in study.factors],
        "config": first.config,
        "data": {"name": first.config.get("data", {}).get("name"), "fingerprint": first.training.data},
        "setting": [list(line) for line in _setting(study, trials)],
        "tight": True,
        "findings": [],
        "overrides": list(overrides),
    }


def _factor(factor: Factor) -> dict[str, Any]:
    levels = [level.word for level in factor.levels]
    return {"name": factor.name, "sets": list(factor.sets), "levels": levels, "baseline": factor.baseline.word}


def _setting(study: Study, trials: Sequence[Trial]) -> list[Line]:
    """The log format's `# setting`: what the rows share, in the seed log's words where it has them."""
    config = trials[0].config
    if study.trainer != "retrieval":
        return [("trainer", study.trainer)]
    baseline = next((factor.baseline.word for factor in study.factors if factor.name == "backbone"), None)
    size, schedule = config["data"]["size"], config["schedule"]
    return [
        ("backbone", str(baseline or config["model"]["backbone"])),
        ("data", f"{config['data']['name']}, {size[0]}×{size[1]}"),
        ("bn-neck", f"**{config['evaluate']['neck']}**."),
        *((NOTE, note) for note in NECK_NOTES),
        ("train num.", f"{schedule['steps']}, {list(schedule['milestones'])}"),
        ("lr", f"{schedule['lr']:.12g}"),
        ("use-amp", str(config["amp"] != "none")),
    ]
