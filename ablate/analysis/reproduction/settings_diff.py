"""In what the settings of two studies differ, as far as it is known of both."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ablate.analysis.reproduction.alignment import level_word
from ablate.analysis.results import StudyResults
from ablate.store.plan_document import DataIdentity
from ablate.study.config_keys import flattened, overlaps
from ablate.study.factors import level_text
from ablate.study.logfile.parser import NOTE
from ablate.study.logfile.vocabulary import factor_of
from ablate.trainers.registry import TRAINERS

_PLAIN = re.compile(r"[^\W\d][\w./-]*")
"""Strings that need no quotes in YAML's flow style."""
_EMPHASISED = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class SettingDifference:
    """One thing that differs; None: not known of that study."""

    what: str
    ours: str | None
    theirs: str | None


def settings_apart(ours: StudyResults, theirs: StudyResults) -> tuple[SettingDifference, ...]:
    """What differs around the rows: data, trainer, settings, test queries, seeds, and what was declared beforehand."""
    found = [
        SettingDifference("data", *_data(ours, theirs)),
        SettingDifference("trainer", _trainer(ours), _trainer(theirs)),
        *_settings(ours, theirs),
        SettingDifference("test queries", _count(ours.queries), _count(theirs.queries)),
        SettingDifference("seeds a row", _seeds(ours), _seeds(theirs)),
        SettingDifference("delta, pp", f"{ours.delta:g}", f"{theirs.delta:g}"),
        SettingDifference("alpha", f"{ours.alpha:g}", f"{theirs.alpha:g}"),
    ]
    told = [apart for apart in found if apart.ours != apart.theirs]
    return tuple(apart for apart in told if apart.what == "data" or None not in (apart.ours, apart.theirs))


def _data(ours: StudyResults, theirs: StudyResults) -> tuple[str | None, str | None]:
    """Return the names of both data sets, with the start of their fingerprints if one name has two contents."""
    one, other = ours.document.data or DataIdentity(), theirs.document.data or DataIdentity()
    if one.name == other.name and one.fingerprint and other.fingerprint and one.fingerprint != other.fingerprint:
        return f"{one.name} (content {one.fingerprint[:8]})", f"{other.name} (content {other.fingerprint[:8]})"
    return one.name, other.name


def _trainer(results: StudyResults) -> str | None:
    return None if results.imported else results.document.trainer


def _settings(ours: StudyResults, theirs: StudyResults) -> Iterator[SettingDifference]:
    """Config keys of two runs; the lines of the log format where one is a log. What a factor sets is no setting."""
    of_logs = ours.imported or theirs.imported
    one, other = (_lines(ours), _lines(theirs)) if of_logs else (_config(ours), _config(theirs))
    factors = {*ours.factors, *theirs.factors}
    sets = [key for results in (ours, theirs) for factor in results.factors for key in results.sets(factor)]
    for key in [*one, *(key for key in other if key not in one)]:
        declared = (factor_of(key) in factors) if of_logs else any(overlaps(key, whole) for whole in sets)
        if not declared and key != "data":
            yield SettingDifference(key, one.get(key), other.get(key))


def _lines(results: StudyResults) -> dict[str, str]:
    """{key: value} of the log format's setting; of a value with a remark, what is emphasised."""
    found = {}
    for key, value in results.document.setting:
        emphasised = _EMPHASISED.match(value)
        if key != NOTE and key != "trainer":
            found[key] = level_word(emphasised[1] if emphasised else value)
    return found


def _config(results: StudyResults) -> dict[str, str]:
    """What shapes a result; the data's name is told beside it."""
    config = flattened(results.document.config or {})
    trainer = TRAINERS.get(results.document.trainer)
    data_name = trainer.data_name_key if trainer else None
    kept = {key: value for key, value in config.items() if key != data_name and not overlaps(key, "runtime")}
    return {
        key: _flow(value) if isinstance(value, dict | list | tuple) else level_word(value)
        for key, value in kept.items()
    }


def _flow(value: Any) -> str:
    """A value as a study file has it, in one line: `[{when: {erasing: on}, pp: 2.5}]`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        return json.dumps(value, ensure_ascii=False)
    return level_text(value)


def _count(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _seeds(results: StudyResults) -> str | None:
    counts = sorted({len(row.seeds) for row in results.rows if row.seeds})
    if not counts:
        return None
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
