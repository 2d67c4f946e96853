"""The parts of run names, and the pairs of a key and a value that are found in them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ablate.imports.folders.words import PLAIN_FOLDERS

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
class SplitName:
    """One name: the pairs that were found in it, and the parts that are left."""

    text: str
    """The name without folders that say nothing, and without dates."""
    parts: list[str]
    pairs: dict[str, str] = field(default_factory=dict)


def taken_apart(names: Sequence[str]) -> list[SplitName]:
    """Return the pairs in each name, such as `lr=0.1`, `lr0.1` and `seed42`, and its other parts."""
    split = _split(names)
    for name in split:
        _take_pairs(name)
    _take_seeds(split)
    _take_numbered(split)
    _take_constant_words(split)
    _join_numbers(split)
    return split


def _split(names: Sequence[str]) -> list[SplitName]:
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
        SplitName("/".join(each), [part for piece in each for part in ([piece] if piece in pairs else cut(piece))])
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


def _take_pairs(name: SplitName) -> None:
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


def _take_seeds(names: Sequence[SplitName]) -> None:
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


def _take_letter(names: Sequence[SplitName], letter: str) -> None:
    """Move `s3` from the parts to the seeds, if every name has one, and no name has another seed."""
    regex = re.compile(rf"{letter}([0-9]+)", re.IGNORECASE)
    if any(SEED in name.pairs or sum(bool(regex.fullmatch(part)) for part in name.parts) != 1 for name in names):
        return
    for name in names:
        at = next(at for at, part in enumerate(name.parts) if regex.fullmatch(part))
        name.pairs[SEED] = name.parts.pop(at)[1:]


def _take_numbered(names: Sequence[SplitName]) -> None:
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


def _take_constant_words(names: Sequence[SplitName]) -> None:
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


def _join_numbers(names: Sequence[SplitName]) -> None:
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


def _are_in_one_folder(names: Sequence[SplitName], at: int) -> bool:
    """Return True if the parts after a position are numbers, and lie in the same folder's name as those before."""
    if at + 1 >= len(names[0].parts) or not _are_numbers([name.parts[at + 1] for name in names]):
        return False
    return not any(f"{name.parts[at]}/{name.parts[at + 1]}" in name.text for name in names)


def _are_numbers(parts: Sequence[str]) -> bool:
    return bool(parts) and all(_ONLY_NUMBER.fullmatch(part) for part in parts)
