"""Differences between the settings of two studies, as far as the settings of both are known."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ablate.analysis.reproduction.alignment import level_word
from ablate.analysis.results import StudyResults
from ablate.measurement import Metric, Scale
from ablate.store.plan_document import DataIdentity
from ablate.study.config_keys import flattened, overlaps
from ablate.study.factors import level_text
from ablate.study.logfile.parser import NOTE
from ablate.study.logfile.vocabulary import factor_of
from ablate.trainers.registry import TRAINERS

_PLAIN = re.compile(r"[^\W\d][\w./-]*")
"""A pattern of strings that need no quotes in YAML's flow style."""
_EMPHASISED = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class SettingDifference:
    """One setting that differs."""

    what: str
    """The setting's name: a config key, or a phrase such as "seeds a row"."""
    ours: str | None
    """None if it is not known."""
    theirs: str | None
    """None if it is not known."""


def setting_differences(ours: StudyResults, theirs: StudyResults) -> tuple[SettingDifference, ...]:
    """Return the differences outside the factors: data, trainer, settings, test examples, seeds, delta and alpha."""
    settings = [
        SettingDifference("data", *_data(ours, theirs)),
        SettingDifference("trainer", _trainer(ours), _trainer(theirs)),
        *_settings(ours, theirs),
        SettingDifference(f"test {ours.metric.display.examples}", _count(ours.n), _count(theirs.n)),
        SettingDifference("seeds a row", _seeds(ours), _seeds(theirs)),
        SettingDifference(_delta(ours.metric), f"{ours.document.delta:g}", f"{theirs.document.delta:g}"),
        SettingDifference("alpha", f"{ours.alpha:g}", f"{theirs.alpha:g}"),
    ]
    different = [one for one in settings if one.ours != one.theirs]
    return tuple(one for one in different if one.what == "data" or None not in (one.ours, one.theirs))


def _data(ours: StudyResults, theirs: StudyResults) -> tuple[str | None, str | None]:
    """Return the names of both data sets.

    If two data sets of one name have different content, with the first digits of their fingerprints.
    """
    one, other = ours.common_data or DataIdentity(), theirs.common_data or DataIdentity()
    if one.name == other.name and one.fingerprint and other.fingerprint and one.fingerprint != other.fingerprint:
        return f"{one.name} (content {one.fingerprint[:8]})", f"{other.name} (content {other.fingerprint[:8]})"
    return one.name, other.name


def _trainer(results: StudyResults) -> str | None:
    return None if results.imported else results.document.trainer


def _settings(ours: StudyResults, theirs: StudyResults) -> Iterator[SettingDifference]:
    """Return the config keys of both, or the lines of the log format if one is an imported log.

    Keys that a factor sets are left out.
    """
    of_logs = ours.imported or theirs.imported
    one, other = (_lines(ours), _lines(theirs)) if of_logs else (_config(ours), _config(theirs))
    factors = {*ours.factors, *theirs.factors}
    sets = [key for results in (ours, theirs) for factor in results.factors for key in results.sets(factor)]
    for key in [*one, *(key for key in other if key not in one)]:
        declared = (factor_of(key) in factors) if of_logs else any(overlaps(key, whole) for whole in sets)
        if not declared and key != "data":
            yield SettingDifference(key, one.get(key), other.get(key))


def _lines(results: StudyResults) -> dict[str, str]:
    """Return {key: value} of the setting in the log format; of a value with a remark, its emphasised part."""
    lines = {}
    for key, value in results.document.setting:
        emphasised = _EMPHASISED.match(value)
        if key != NOTE and key != "trainer":
            lines[key] = level_word(emphasised[1] if emphasised else value)
    return lines


def _config(results: StudyResults) -> dict[str, str]:
    """Return the config keys that affect a result, except the data's name, which `_data` returns."""
    config = flattened(results.document.config or {})
    trainer = TRAINERS.get(results.document.trainer)
    data_name = trainer.data_name_key if trainer else None
    kept = {key: value for key, value in config.items() if key != data_name and not overlaps(key, "runtime")}
    return {
        key: _flow(value) if isinstance(value, dict | list | tuple) else level_word(value)
        for key, value in kept.items()
    }


def _flow(value: Any) -> str:
    """Return a value as a study file writes it, on one line: `[{when: {erasing: on}, pp: 2.5}]`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        return json.dumps(value, ensure_ascii=False)
    return level_text(value)


def _delta(metric: Metric) -> str:
    unit = "" if metric.scale is Scale.LOG else metric.display.difference_unit or metric.unit
    return f"delta, {unit}" if unit else "delta"


def _count(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _seeds(results: StudyResults) -> str | None:
    counts = sorted({len(row.seeds) for row in results.rows if row.seeds})
    if not counts:
        return None
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
