"""Settings in run names without a form: `lr=0.1`, `lr0.1`, `seed42`, and parts that have no key."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ablate.errors import SourceError
from ablate.imports.folders.names.forms import typed
from ablate.imports.folders.reading.documents import Cell
from ablate.imports.folders.words import IDS, PLAIN_FOLDERS

SEED = "seed"
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_WORD_AND_NUMBER = re.compile(rf"([A-Za-z]+)-?({_NUMBER})")
_ONLY_NUMBER = re.compile(_NUMBER)
_WORD_AND_WORD = re.compile(r"([A-Za-z]+)-([\w.]+)")
_SEED = re.compile(r"(?:seed|rs)[-=]?([0-9]+)", re.IGNORECASE)
_TIME = re.compile(
    r"(?<![0-9])20[0-9]{2}-?[01][0-9]-?[0-3][0-9](?:[-_T/ ]?[0-2][0-9][-_:]?[0-5][0-9](?:[-_:]?[0-5][0-9])?)?(?![0-9])"
)
"""A date, and a time after it."""


@dataclass
class _Name:
    """One name: the pairs that were found in it, and the parts that are left."""

    text: str
    parts: list[str]
    pairs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NameSettings:
    """The settings in the names of runs, parallel to the names."""

    settings: list[dict[str, Cell]]
    ids: list[dict[str, Cell]]
    """Parts that number the runs."""
    keyless: list[list[str]]
    """The parts without a key."""


def keyed_settings(names: Sequence[str]) -> NameSettings:
    """Return the settings of names that have keys in them, and the parts without keys."""
    split = _split(names)
    for name in split:
        _take_pairs(name, split)
    _take_seeds(split)
    _take_numbered(split)
    _take_constant_words(split)
    _join_numbers(split)
    pairs = [{key: typed(value) for key, value in name.pairs.items()} for name in split]
    return NameSettings(
        [{key: value for key, value in each.items() if key.lower() not in IDS} for each in pairs],
        [{key: value for key, value in each.items() if key.lower() in IDS} for each in pairs],
        [name.parts for name in split],
    )


def all_settings(names: Sequence[str]) -> NameSettings:
    """Return the settings of names, the parts without keys as `name 1`, `name 2`, ….

    SourceError with a form to type if names have different numbers of such parts.
    """
    found = keyed_settings(names)
    counts = Counter(map(len, found.keyless))
    if len(counts) > 1:
        raise SourceError(_counts_fault(names, found))
    named = [{f"name {at}": typed(part) for at, part in enumerate(parts, 1)} for parts in found.keyless]
    settings = [{**own, **others} for own, others in zip(named, found.settings, strict=True)]
    return NameSettings(_with_last_number_as_seed(settings, found), found.ids, found.keyless)


def _with_last_number_as_seed(settings: list[dict[str, Cell]], found: NameSettings) -> list[dict[str, Cell]]:
    """Return the settings with the last part without a key as the seed, if it is one: `vit/0`, `vit/1`."""
    last = f"name {len(found.keyless[0])}" if found.keyless and found.keyless[0] else ""
    if not last or any(SEED in each for each in settings):
        return settings
    values = [each[last] for each in settings]
    rest = [tuple(sorted((key, str(value)) for key, value in each.items() if key != last)) for each in settings]
    if not are_seeds(values, rest):
        return settings
    return [
        {**{key: value for key, value in each.items() if key != last}, SEED: value}
        for each, value in zip(settings, values, strict=True)
    ]


def are_seeds(values: Sequence[Cell], rows: Sequence[object]) -> bool:
    """Return True if whole numbers are seeds: no row has one twice, and the rows share some, or there is one row.

    Numbers that count all runs are none. `rows`: the other settings of each run.
    """
    if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values):
        return False
    is_once = max(Counter(zip(rows, values, strict=True)).values(), default=0) == 1
    shared = Counter(values).most_common(1)
    return is_once and len(set(values)) > 1 and (len(set(rows)) == 1 or shared[0][1] > 1)


def _split(names: Sequence[str]) -> list[_Name]:
    """Return the parts of each name: between `/`, `_`, `,` and spaces, and between `-` if no other letter separates."""
    plain = [_TIME.sub("", name) for name in names]
    pieces = [
        [piece for piece in name.split("/") if piece.strip("-_ ") and piece.lower() not in PLAIN_FOLDERS]
        for name in plain
    ]
    has_dashes = not any(re.search(r"[_,;&= ]", piece) for each in pieces for piece in each)
    counts = {sum(len(_dashed(piece)) for piece in each) for each in pieces}
    by_dash = has_dashes and len(counts) == 1
    columns = list(zip(*pieces, strict=True)) if len({len(each) for each in pieces}) == 1 else []
    pairs = {piece for column in columns if _word_before_dash(column) for piece in column}
    return [
        _Name("/".join(each), [part for piece in each for part in ([piece] if piece in pairs else cut(piece))])
        for each in pieces
        for cut in [_dashed if by_dash else _parts]
    ]


def _word_before_dash(column: Sequence[str]) -> str:
    """Return the word that is the key in `norm-batch`, `norm-layer`; empty if the parts have no such word in common."""
    pairs = [_WORD_AND_WORD.fullmatch(part) for part in column]
    words = {match[1] for match in pairs if match}
    is_key = all(pairs) and len(words) == 1 and len(set(column)) > 1
    return words.pop() if is_key and not any(_SEED.fullmatch(match[2]) for match in pairs if match) else ""


def _dashed(piece: str) -> list[str]:
    return [part for part in re.split(r"(?<![0-9][eE])-", piece) if part]


def _parts(piece: str) -> list[str]:
    separators = r"[,;&]" if "=" in piece and re.search(r"[,;&]", piece) else r"[_,;& ]+"
    return [part.strip("-. ") for part in re.split(separators, piece) if part.strip("-. ")]


def _take_pairs(name: _Name, names: Sequence[_Name]) -> None:
    """Move `key=value` from the parts to the pairs. `weight_decay=0.1` is cut in two, and put together here."""
    rest: list[str] = []
    last = ""
    for part in name.parts:
        key, equals, value = part.partition("=")
        if equals and key:
            words = _words_before_key(rest, key)
            last = "_".join([*words, key])
            name.pairs[last] = value
        elif last and _ONLY_NUMBER.fullmatch(part) and not rest[-1:]:
            name.pairs[last] += f"_{part}"  # the value has the separator in it: house=refit_2
        else:
            rest.append(part)
    name.parts = rest


def _words_before_key(rest: list[str], key: str) -> list[str]:
    """Take the words from the rest that begin a key: the `weight` of `weight_decay=0.1`."""
    beginnings = {"decay": "weight", "rate": "learning", "size": "batch", "lr": "base", "layers": "n", "heads": "n"}
    if rest and beginnings.get(key) == rest[-1]:
        return [rest.pop()]
    return []


def _take_seeds(names: Sequence[_Name]) -> None:
    """Move `seed42`, `seed_42`, and `s3` in all names, from the parts to the pairs."""
    for name in names:
        for at, part in enumerate(name.parts):
            match = _SEED.fullmatch(part)
            after = name.parts[at + 1 : at + 2]
            if match:
                name.pairs[SEED], name.parts[at : at + 1] = match[1], []
                break
            if part.lower() == SEED and after and after[0].isdigit():
                name.pairs[SEED], name.parts[at : at + 2] = after[0], []
                break
    for letter in ("s", "r"):
        _take_letter(names, letter)


def _take_letter(names: Sequence[_Name], letter: str) -> None:
    """Move `s3` from the parts to the seeds, if every name has one, and no name has another seed."""
    regex = re.compile(rf"{letter}([0-9]+)", re.IGNORECASE)
    if any(SEED in name.pairs or sum(bool(regex.fullmatch(part)) for part in name.parts) != 1 for name in names):
        return
    for name in names:
        at = next(at for at, part in enumerate(name.parts) if regex.fullmatch(part))
        name.pairs[SEED] = name.parts.pop(at)[1:]


def _take_numbered(names: Sequence[_Name]) -> None:
    """Move `lr0.1` and `bs-32` from the parts to the pairs, for keys that are in every name once."""
    counts = [Counter(match[1] for part in name.parts if (match := _WORD_AND_NUMBER.fullmatch(part))) for name in names]
    keys = {key for key in counts[0] if all(each[key] == 1 for each in counts)} if counts else set()
    for name in names:
        rest = []
        for part in name.parts:
            match = _WORD_AND_NUMBER.fullmatch(part)
            if match and match[1] in keys:
                name.pairs[match[1]] = match[2]
            else:
                rest.append(part)
        name.parts = rest


def _take_constant_words(names: Sequence[_Name]) -> None:
    """Move `norm-batch`, `lr_0.1` and `lr-0.1` from the parts to the pairs, if all names have the word there."""
    if len({len(name.parts) for name in names}) != 1 or len(names) < 2:
        return
    taken: set[int] = set()
    for at in range(len(names[0].parts)):
        column = [name.parts[at] for name in names]
        if word := _word_before_dash(column):
            taken.add(at)
            for name in names:
                name.pairs[word] = name.parts[at].partition("-")[2]
        elif at not in taken and len(set(column)) == 1 and column[0].isalpha() and _are_in_one_folder(names, at):
            taken |= {at, at + 1}
            for name in names:
                name.pairs[column[0]] = name.parts[at + 1]
    for name in names:
        name.parts = [part for at, part in enumerate(name.parts) if at not in taken]


def _join_numbers(names: Sequence[_Name]) -> None:
    """Join a word and the number after it that counts within the word: `refit_2`, `refit_4`, `ukdale_1`."""
    if len({len(name.parts) for name in names}) != 1:
        return
    for at in range(len(names[0].parts) - 2, -1, -1):
        words = [name.parts[at] for name in names]
        after = [name.parts[at + 1] for name in names]
        by_word = {word: {b for a, b in zip(words, after, strict=True) if a == word} for word in set(words)}
        is_crossed = len({frozenset(each) for each in by_word.values()}) == 1
        if all(word.isalpha() for word in words) and _are_in_one_folder(names, at) and not is_crossed:
            for name in names:
                name.parts[at : at + 2] = [f"{name.parts[at]}_{name.parts[at + 1]}"]


def _are_in_one_folder(names: Sequence[_Name], at: int) -> bool:
    """Return True if the parts after a position are numbers, and lie in the same folder's name as those before."""
    if at + 1 >= len(names[0].parts) or not _are_numbers([name.parts[at + 1] for name in names]):
        return False
    return not any(f"{name.parts[at]}/{name.parts[at + 1]}" in name.text for name in names)


def _are_numbers(parts: Sequence[str]) -> bool:
    return bool(parts) and all(_ONLY_NUMBER.fullmatch(part) for part in parts)


def _counts_fault(names: Sequence[str], found: NameSettings) -> str:
    shortest = min(range(len(names)), key=lambda at: len(found.keyless[at]))
    longest = max(range(len(names)), key=lambda at: len(found.keyless[at]))
    few, many = len(found.keyless[shortest]), len(found.keyless[longest])
    return (
        f"the names of the runs have different numbers of parts: {names[shortest]!r} has {few}, {names[longest]!r} has "
        f"{many}, so it is not clear which setting each part is; give their form, as --names "
        f"'{proposed_form(names[longest], found, longest)}'"
    )


def proposed_form(name: str, found: NameSettings, at: int) -> str:
    """Return a form that fits a name: a field for each pair, and one for each run of parts without a key."""
    form = name.replace("{", "").replace("}", "")
    for key, value in {**found.settings[at], **found.ids[at]}.items():
        form = re.sub(rf"({re.escape(key)}[-_=]?){re.escape(str(value))}(?![0-9.])", rf"\1{{{key}}}", form, count=1)
    parts = found.keyless[at]
    if parts and (start := form.find(parts[0])) >= 0 and (end := form.find(parts[-1], start)) >= 0:
        form = f"{form[:start]}{{variant}}{form[end + len(parts[-1]) :]}"
    return form
