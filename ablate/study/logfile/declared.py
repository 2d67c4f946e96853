"""The rows of a log with a `# study` section, which declares the factors: nothing is read from titles."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.errors import LogError, unknown_name
from ablate.measurement import Metric
from ablate.study.factors import LevelName, level_text
from ablate.study.logfile.parser import NOTE, ExperimentLog, LogRow
from ablate.study.logfile.quoting import is_key, quoted_level, unquoted
from ablate.study.metrics import UNDECLARED

DELTAS = ("delta_pp", "delta")
"""The keys of the smallest effect that counts: of a rate, and of any other metric. A section has one of them."""
NEEDED = ("primary", *DELTAS, "alpha", "factors")
"""The keys that every section `# study` has, of DELTAS only one."""
DOCUMENT_KEYS = (
    *("question", "primary", *DELTAS, "metrics", "alpha", "family", "looks", "excluded", "seeds", "factors", "data"),
    *("aliases", "fractions", "overrides", "steps", "limits", "unread", "hidden", "equal_rows", "equal_seeds", "alike"),
    *("unpaired", "summaries"),
)
"""The keys of a stored plan's document that a section `# study` has, unless there is nothing in them."""
LOOKS, ENDED = "looks_taken", "families_ended"
"""Its keys for the looks that were taken, and for why each earlier family of looks ended."""


def check_study(values: Mapping[str, Any]) -> list[str]:
    """Return the faults of a section `# study`: values without which, or with which, no result can be judged."""
    known = (*DOCUMENT_KEYS, LOOKS, ENDED)
    faults = [unknown_name("key", key, known) for key in values if key not in known]
    optional = DELTAS if values.keys() & set(DELTAS) else DELTAS[1:]
    faults += [f"has no `{key}:` line" for key in NEEDED if key not in (*values, *optional)]
    names = _metric_names(values.get("metrics"))
    if names is None:
        faults.append("found another form of `metrics:` than `--format log` writes")
    elif values.get("primary", names[0]) not in names:
        faults.append(unknown_name("primary metric", str(values["primary"]), names))
    if not _is_number(values.get("alpha", 0.05)) or not 0 < values.get("alpha", 0.05) < 1:
        faults.append(f"found {values['alpha']!r} for alpha; accepted: a number between 0 and 1")
    for key, accepted in zip(DELTAS, ("a number of percentage points from 0", "a number from 0"), strict=True):
        if not _is_number(values.get(key, 0.5)) or not values.get(key, 0.5) >= 0:
            faults.append(f"found {values[key]!r} for {key}; accepted: {accepted}")
    if not _is_family(values.get("family", "direct")):
        faults.append("found another form of `family:` than `--format log` writes")
    if not _are_factors(values.get("factors", [])):
        faults.append("found another form of `factors:` than `--format log` writes")
    if not isinstance(values.get("unpaired", ""), str):
        faults.append(f"found {values['unpaired']!r} for unpaired; accepted: why rows are not paired by seed, in words")
    if not _are_summaries(values.get("summaries", {})):
        faults.append("found another form of `summaries:` than `--format log` writes")
    return faults


def declared_levels(log: ExperimentLog, factors: Sequence[Mapping[str, Any]]) -> list[dict[str, LevelName]]:
    """Return the level of each factor in each row; LogError for a row that lacks one, or has an unknown one."""
    faults: list[str] = []
    levels = [_levels(row, factors, faults) for row in log.rows]
    if faults:
        raise LogError("\n".join(faults))
    return levels


def declared_labels(log: ExperimentLog, study: Mapping[str, Any]) -> list[str]:
    """Return the label of each row; LogError if two rows have the same, or if the family lists a row that is not there.

    `study` is the section `# study`, checked by `check_study`.
    """
    labels = [label_of(row) for row in log.rows]
    faults = [f"{count} rows have the label {label!r}; a label stands for one row" for label, count in _again(labels)]
    family = study.get("family", "direct")
    named = [] if isinstance(family, str) else [label for pair in family for label in pair]
    faults += [unknown_name("row in `family`", label, labels) for label in dict.fromkeys(named) if label not in labels]
    if faults:
        raise LogError("\n".join(faults))
    return labels


def _again(labels: Sequence[str]) -> list[tuple[str, int]]:
    return [(label, count) for label, count in Counter(labels).items() if count > 1]


def label_of(row: LogRow) -> str:
    """Return the row's label: its title, if the log does not give another."""
    label = row.measured.label if row.measured else None
    return row.title if label is None else label


def _levels(row: LogRow, factors: Sequence[Mapping[str, Any]], faults: list[str]) -> dict[str, LevelName]:
    if row.measured is not None and row.measured.kind == "reference":
        return {}
    lines = {unquoted(key, is_key): text for key, text in row.lines if key != NOTE}
    levels: dict[str, LevelName] = {}
    for factor in factors:
        name, named = factor["name"], {quoted_level(level): level for level in factor["levels"]}
        if name not in lines:
            faults.append(f"row {row.title!r} has no line `{name}: LEVEL`, which `factors:` in `# study` declares")
        elif lines[name] not in named:
            faults.append(f"row {row.title!r}: {unknown_name(f'level of {name}', lines[name], list(named))}")
        else:
            levels[name] = named[lines[name]]
    return levels


def _metric_names(values: Any) -> list[str] | None:
    """Return the names of the metrics of a section; None if they have another form than `--format log` writes."""
    if not values:
        return [metric.name for metric in UNDECLARED]
    try:
        return [Metric.from_json(stored).name for stored in values]
    except (KeyError, TypeError, ValueError):
        return None


def _are_factors(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get("sets"), list)
        and isinstance(one.get("levels"), list)
        and all(isinstance(level, bool | int | float | str) for level in [*one["levels"], one.get("baseline")])
        and level_text(one["baseline"]) in map(level_text, one["levels"])
        and isinstance(one.get("bundle", []), list)
        and all(isinstance(key, str) for key in one.get("bundle", []))
        for one in values
    )


def _are_summaries(values: Any) -> bool:
    """Return True for {row: {metric: {"sd": number or null, "seeds": whole number or null}}}."""
    if not isinstance(values, dict) or not all(isinstance(of_row, dict) for of_row in values.values()):
        return False
    return all(
        isinstance(one, dict)
        and one.keys() == {"sd", "seeds"}
        and (one["sd"] is None or (_is_number(one["sd"]) and one["sd"] >= 0))
        and (one["seeds"] is None or (type(one["seeds"]) is int and one["seeds"] > 0))
        for of_row in values.values()
        for one in of_row.values()
    )


def _is_family(value: Any) -> bool:
    if isinstance(value, list):
        return all(
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(e, str) for e in pair) for pair in value
        )
    return value in ("direct", "effects")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
