"""The runs of a folder or file as a table, each column with the role that its source gives it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan, nan
from typing import Any

import pandas as pd

from ablate.errors import SourceError
from ablate.imports.folders.sections import RunParts
from ablate.imports.folders.words import COUNTERS
from ablate.imports.source import DIVERGED, DONE, Cell, ColumnRole, Request, Source

MOST_CELLS = 20_000_000
"""The largest number of values of all runs together."""


def source_of(
    kind: str, why: str, parts: Sequence[RunParts], unused: Sequence[str], request: Request, seed: str = ""
) -> Source:
    """Return the runs as a source. `seed`: the column of seeds, if the source says it."""
    runs = _without_collisions(parts)
    groups = {
        ColumnRole.SETTING: _keys(run.settings for run in runs),
        ColumnRole.METRIC: _keys(run.metrics for run in runs),
        None: _keys(run.plain for run in runs),
        ColumnRole.CIRCUMSTANCE: _keys(run.circumstances for run in runs),
    }
    if sum(map(len, groups.values())) * len(runs) > MOST_CELLS:
        raise SourceError(
            f"the {len(runs):,} runs have {sum(map(len, groups.values())):,} different keys, too many for one table; "
            "give a folder with fewer runs"
        )
    columns: dict[str, Any] = {}
    roles: dict[str, ColumnRole] = {}
    for role, keys in groups.items():
        for key in keys:
            if key not in columns:
                columns[key] = _column(runs, key, role)
                roles |= {key: _role(key, role)} if role else {}
    roles |= {key: ColumnRole.CIRCUMSTANCE for key in groups[None] if _is_only_of_ended(runs, key)}
    roles |= {seed: ColumnRole.SEED} if seed in columns else {}
    frame = pd.DataFrame(columns, index=range(len(runs)))
    finite = {key for key in groups[ColumnRole.METRIC] if any(not isnan(run.metrics.get(key, nan)) for run in runs)}
    states = [_state(run, request.metrics[:1], finite) for run in runs]
    are_done = all(state == DONE for state in states)
    places = _places(runs)
    return Source(kind, why, frame, places, roles, states=() if are_done else states, unused=tuple(unused))


def _places(runs: Sequence[RunParts]) -> list[str]:
    """Return the place of each run, with a number if several runs have the same place."""
    counts: Counter[str] = Counter()
    places = []
    for run in runs:
        counts[run.place] += 1
        places.append(run.place if counts[run.place] == 1 else f"{run.place} ({counts[run.place]})")
    return places


def _is_only_of_ended(runs: Sequence[RunParts], key: str) -> bool:
    """Return True for a value that is the same in all runs but those without results, so that it is no setting."""
    values = {str(run.plain.get(key)) for run in runs if run.state == DONE}
    return len(values) == 1 and any(key not in run.plain for run in runs if run.state != DONE)


def _role(key: str, role: ColumnRole) -> ColumnRole:
    is_counter = role is ColumnRole.METRIC and key.rpartition(".")[2].lower() in COUNTERS
    return ColumnRole.CIRCUMSTANCE if is_counter else role


def _column(runs: Sequence[RunParts], key: str, role: ColumnRole | None) -> Any:
    if role is ColumnRole.METRIC:
        values = [run.metrics.get(key, nan) for run in runs]
        return pd.Series(values, dtype="float64")
    if role is None:
        return _typed([run.plain.get(key) for run in runs], is_gap_filled=True)
    if role is ColumnRole.CIRCUMSTANCE:
        return _typed([run.circumstances.get(key) for run in runs])
    return _typed([run.settings.get(key) for run in runs])


def _typed(values: Sequence[Cell], is_gap_filled: bool = False) -> Any:
    """Return a column of numbers, if all values are numbers. `is_gap_filled`: nan for missing values of those."""
    kept = [value for value in values if value is not None] if is_gap_filled else values
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in kept)
    if not kept or not are_numbers:
        return pd.Series(values, dtype=object)
    is_whole = all(isinstance(value, int) for value in values)
    return pd.Series([nan if value is None else value for value in values], dtype="int64" if is_whole else "float64")


def _state(run: RunParts, primary: Sequence[str], finite: set[str]) -> str:
    """Return the state of a run: diverged if its primary metric is nan, or half of its metrics, if none is named.

    `finite`: the metrics that are finite in any run.
    """
    if run.state != DONE:
        return run.state
    values = [value for name, value in run.metrics.items() if name in (primary or finite)]
    return DIVERGED if values and 2 * sum(map(isnan, values)) >= len(values) else DONE


def _keys(mappings: Any) -> list[str]:
    keys: dict[str, None] = {}
    for mapping in mappings:
        keys |= dict.fromkeys(mapping)
    return list(keys)


def _without_collisions(parts: Sequence[RunParts]) -> list[RunParts]:
    """Return the runs with each key in one part only.

    A result that repeats a setting is left out. A setting and a result of one name, such as `loss`, become
    `config.loss` and `loss`.
    """
    settings, metrics = set(_keys(run.settings for run in parts)), set(_keys(run.metrics for run in parts))
    plain = set(_keys(run.plain for run in parts))
    repeated = {key for key in settings & (metrics | plain) if all(_is_repeated(run, key) for run in parts)}
    renamed = (settings & (metrics | plain)) - repeated
    return [_run_without(run, repeated, renamed, metrics) for run in parts]


def _is_repeated(run: RunParts, key: str) -> bool:
    others = [values[key] for values in (run.metrics, run.plain) if key in values]
    return key not in run.settings or all(_is_same(run.settings[key], other) for other in others)


def _is_same(setting: Cell, other: Cell) -> bool:
    return setting == other or str(setting) == str(other)


def _run_without(run: RunParts, repeated: set[str], renamed: set[str], metrics: set[str]) -> RunParts:
    settings = {f"config.{key}" if key in renamed else key: value for key, value in run.settings.items()}
    own = {key: value for key, value in run.metrics.items() if key not in repeated}
    plain = {key: value for key, value in run.plain.items() if key not in repeated}
    own |= {key: _number(value) for key, value in plain.items() if key in metrics and key not in own}
    settings |= {key: run.plain[key] for key in repeated if key not in run.settings and key in run.plain}
    settings |= {key: run.metrics[key] for key in repeated if key not in settings and key in run.metrics}
    plain = {key: value for key, value in plain.items() if key not in metrics}
    return replace(run, settings=settings, metrics=own, plain=plain)


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else nan


def with_settings(run: RunParts, settings: Mapping[str, Cell]) -> RunParts:
    """Return a run with more settings, which do not replace those that it has."""
    return replace(run, settings={**settings, **run.settings})
