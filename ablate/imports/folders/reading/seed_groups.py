"""Results of several seeds in one file: lines with a seed, lists beside a list of seeds, or a key for each seed."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.imports.folders.words import RESULT_SECTIONS, is_seed

SEED = "seed"
_SEED_KEY = re.compile(r"seed[-_= ]?([0-9]{1,18})", re.IGNORECASE)
_SEED_LISTS = frozenset({"seeds", "seed_list", "random_seeds"})


def by_seed(content: Any) -> list[dict[str, Any]]:
    """Return a document for each seed with the key `seed`; empty if the content is not one of several seeds."""
    if isinstance(content, list):
        return _of_lines(content)
    if not isinstance(content, Mapping):
        return []
    return _of_lists(content) or _of_keys(content) or _of_sections(content)


def _of_lines(entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the last value of each key of each seed, for objects that have a seed."""
    documents: dict[int, dict[str, Any]] = {}
    for entry in entries:
        seeds = [value for key, value in entry.items() if is_seed(str(key))] if isinstance(entry, Mapping) else []
        if not seeds or not is_whole(seeds[0]):
            return []
        kept = {key: value for key, value in entry.items() if not is_seed(str(key)) and value is not None}
        documents.setdefault(int(seeds[0]), {}).update(kept)
    return _with_seeds(documents)


def _of_lists(content: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """Return the values of each seed from lists that are parallel to one of seeds."""
    seeds = [(key, value) for key, value in content.items() if str(key).lower() in _SEED_LISTS or is_seed(str(key))]
    if not seeds or not isinstance(seeds[0][1], list) or not all(map(is_whole, seeds[0][1])):
        return []
    key, numbers = seeds[0]
    lists = [name for name, value in content.items() if isinstance(value, list) and len(value) == len(numbers)]
    if len(set(numbers)) != len(numbers) or len(lists) < 2:
        return []
    rest = {name: value for name, value in content.items() if name not in lists}
    documents = {
        int(seed): {**rest, **{name: content[name][at] for name in lists if name != key}}
        for at, seed in enumerate(numbers)
    }
    return _with_seeds(documents)


def _of_keys(content: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """Return the values below keys such as `seed3`, with those of the other keys that are no objects or numbers."""
    documents: dict[int, dict[str, Any]] = {}
    for key, value in content.items():
        match = _SEED_KEY.fullmatch(str(key))
        if match and isinstance(value, Mapping):
            documents[int(match[1])] = dict(value)
        elif match:
            documents[int(match[1])] = {"value": value}
    return _with_seeds(documents)


def _of_sections(content: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """Return the documents of a section of results, each with the other sections."""
    for key, value in content.items():
        if str(key).lower() in RESULT_SECTIONS and (documents := by_seed(value)):
            rest = {name: other for name, other in content.items() if name != key}
            return [{**rest, SEED: each.pop(SEED), key: each} for each in documents]
    return []


def _with_seeds(documents: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{SEED: seed, **document} for seed, document in documents.items()] if len(documents) > 1 else []


def is_whole(value: Any) -> bool:
    """Return True for a whole number, as seeds are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return float(value).is_integer() and 0 <= value < 2**63
