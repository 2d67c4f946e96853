"""The settings in the names of runs that have configurations too, and runs that are ensembles of others."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ablate.imports.folders.frames import with_settings
from ablate.imports.folders.names.forms import form_settings
from ablate.imports.folders.names.parts import NameSettings, all_settings, are_seeds, keyed_settings
from ablate.imports.folders.names.tokens import SEED
from ablate.imports.folders.sections import RunParts
from ablate.imports.folders.words import is_seed
from ablate.imports.source import Cell, Request
from ablate.text import listed_in_part


def without_ensembles(parts: Sequence[RunParts]) -> tuple[list[RunParts], list[str]]:
    """Return the runs without ensembles whose settings have other keys, and a sentence about those."""
    ensembles = [run for run in parts if _is_ensemble(run)]
    singles = [run for run in parts if not _is_ensemble(run)]
    usual = Counter(frozenset(run.settings) for run in singles).most_common(1)
    are_numbered = all(_has_digit(run) for run in singles)
    left = [
        run
        for run in ensembles
        if usual and (frozenset(run.settings) != usual[0][0] or (are_numbered and not _has_digit(run)))
    ]
    if not left:
        return list(parts), []
    names = listed_in_part([run.place for run in left], 3)
    return [run for run in parts if run not in left], [
        f"{names}: ensembles, which have other settings than single runs"
    ]


def _has_digit(run: RunParts) -> bool:
    """Return True if the last part of a run's name has a digit, as those of single runs with their seeds have."""
    return any(letter.isdigit() for letter in run.name.rpartition("/")[2])


def _is_ensemble(run: RunParts) -> bool:
    texts = [run.name, *(f"{key}={value}" for key, value in {**run.settings, **run.plain}.items())]
    return any("ensemble" in text.lower() and not text.lower().endswith(("=false", "=none", "=0")) for text in texts)


def with_names(parts: Sequence[RunParts], request: Request) -> tuple[list[RunParts], str]:
    """Return the runs with settings of their names, and the column of seeds if the names have one.

    Without configurations, all parts of the names are settings. With them, only those whose keys are not there.
    """
    names = [run.name for run in parts]
    if request.names:
        settings = form_settings(request.names, names)
        return [with_settings(run, each) for run, each in zip(parts, settings, strict=True)], _seed_in(settings)
    if any(run.settings or _has_texts(run) for run in parts):
        found = _beside_settings(parts, keyed_settings(names))
    elif len(parts) > 1:
        found = all_settings(names)
    else:
        found = keyed_settings(names)
    runs = [
        with_settings(replace(run, circumstances={**ids, **run.circumstances}), each)
        for run, each, ids in zip(parts, found.settings, found.ids, strict=True)
    ]
    runs = [_with_metrics(run) for run in runs] if _are_only_numbers(parts, found) else runs
    return runs, _seed_in(found.settings)


def _seed_in(settings: Sequence[Mapping[str, Cell]]) -> str:
    return SEED if any(SEED in each for each in settings) else ""


def _has_texts(run: RunParts) -> bool:
    return any(isinstance(value, str | bool) for value in run.plain.values())


def _are_only_numbers(parts: Sequence[RunParts], found: NameSettings) -> bool:
    """Return True if the settings are all in the names, so that the numbers in the files are metrics."""
    return any(found.settings) and not any(run.settings or run.metrics or _has_texts(run) for run in parts)


def _with_metrics(run: RunParts) -> RunParts:
    numbers = {
        key: float(value) for key, value in run.plain.items() if isinstance(value, int | float) and not is_seed(key)
    }
    return replace(run, metrics=numbers, plain={key: value for key, value in run.plain.items() if key not in numbers})


def _beside_settings(parts: Sequence[RunParts], found: NameSettings) -> NameSettings:
    """Return the settings of names that the configurations lack.

    Parts without a key are used only if runs have the same settings: then they hold the setting that differs. A last
    part that is a number is the seed, if the configurations have none.
    """
    written = {key.rpartition(".")[2].lower() for run in parts for key in (*run.settings, *run.plain)}
    has_seed = bool(written & {"seed"}) or any(is_seed(key) for run in parts for key in (*run.settings, *run.plain))
    settings = [
        {key: value for key, value in each.items() if key.lower() not in written and not (has_seed and key == SEED)}
        for each in found.settings
    ]
    seeds = [{key: value for key, value in each.items() if key == SEED} for each in settings]
    if _are_different(rows := _rows(parts, seeds)):
        return NameSettings(seeds, found.ids, found.keyless)
    if _are_different(rows := _rows(parts, settings)) or len(set(map(len, found.keyless))) != 1:
        return NameSettings(settings, found.ids, found.keyless)
    return NameSettings(_with_keyless(settings, rows, found.keyless, has_seed), found.ids, found.keyless)


def _rows(parts: Sequence[RunParts], more: Sequence[Mapping[str, Cell]]) -> list[object]:
    """Return the settings of each run as one value, with those values of files without sections that repeat."""
    repeated = _repeated(parts)
    return [
        tuple(
            sorted((key, str(value)) for key, value in {**each, **_kept(run.plain, repeated), **run.settings}.items())
        )
        for run, each in zip(parts, more, strict=True)
    ]


def _repeated(parts: Sequence[RunParts]) -> set[str]:
    """Return the keys without a role whose values are those of two runs or more on average: no result does that."""
    values: dict[str, set[str]] = {}
    for run in parts:
        for key, value in run.plain.items():
            values.setdefault(key, set()).add(str(value))
    return {key for key, each in values.items() if 2 * len(each) <= len(parts) or is_seed(key)}


def _kept(values: Mapping[str, Cell], keys: set[str]) -> dict[str, Cell]:
    return {key: value for key, value in values.items() if key in keys}


def _are_different(rows: Sequence[object]) -> bool:
    return len(set(rows)) == len(rows)


def _with_keyless(
    settings: Sequence[dict[str, Cell]], rows: Sequence[object], keyless: Sequence[Sequence[str]], has_seed: bool
) -> list[dict[str, Cell]]:
    """Return the settings with the parts of names that have no key and vary; a last number is the seed."""
    varying = [at for at in range(len(keyless[0])) if len({parts[at] for parts in keyless}) > 1]
    added = [dict(each) for each in settings]
    if varying and not has_seed and not any(SEED in each for each in settings):
        last = varying[-1]
        values = [int(parts[last]) if parts[last].isdigit() else parts[last] for parts in keyless]
        others = [(row, *(parts[at] for at in varying[:-1])) for row, parts in zip(rows, keyless, strict=True)]
        if are_seeds(values, others):
            varying = varying[:-1]
            added = [{**each, SEED: value} for each, value in zip(added, values, strict=True)]
            rows = [(row, value) for row, value in zip(rows, values, strict=True)]
    if len(set(rows)) < len(rows):
        for each, parts in zip(added, keyless, strict=True):
            each |= {f"name {at + 1}": parts[at] for at in varying}
    return added
