"""Errors whose message a user can act on. The command line prints the message and exits with code 2."""

import difflib
from collections.abc import Callable, Iterable
from functools import partial


class AblateError(Exception):
    """A request that cannot be carried out. The message gives the fault, its place and the remedy."""


class StudyError(AblateError):
    """A study file, profile or override that cannot be read. `faults` has every fault, one a line."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class DataError(AblateError):
    """A data set that is missing, incomplete or corrupt. The message gives the file and the remedy."""


class UnpreparedDataError(DataError):
    """A data set that is there and not prepared yet, so that its content is not known. The message gives the remedy."""


class StoreError(AblateError):
    """A store that cannot be opened, read or written. The message gives the store and the remedy."""


class StoreBusyError(StoreError):
    """A store that cannot be used at the moment, because it is locked or its server is away. Trying again may help."""


class StoreFullError(StoreError):
    """A store without room to write. Its content is intact. Trying again helps once there is room."""


class StoreGoneError(StoreError):
    """A store that was deleted, replaced or migrated after it was opened. It can no longer be written."""


class SourceError(AblateError):
    """Results of another program that `ablate import` cannot read. The message gives the place and the remedy."""


class LogError(AblateError):
    """An experiment log in a form that `ablate import` cannot read."""


MOST_NAMES, MOST_NEXT_TO_NEAREST = 20, 12
"""Known names that a message lists one by one: if it suggests none, and if it suggests one."""

MOST_COMPARED = 2_000
"""Names that are compared to find the nearest one: a hundred thousand would take long."""


def unknown_name(
    kind: str,
    name: object,
    known: Iterable[str],
    elsewhere: Iterable[str] = (),
    meant: str | None = None,
    is_compared: bool = True,
    shown: str | None = None,
) -> str:
    """Return the message for an unknown name of some kind: first the nearest name, then the known ones.

    `elsewhere`: names that are right at another place, which a message may suggest as well. `meant`: the name to
    suggest, if it is sure. `is_compared`: False if the letters of a name say nothing about its neighbours, as those of
    a number. `shown`: the name as a study file writes it, if that is not the name in quotes.
    """
    names = list(known)
    near = meant or (nearest(name, names, elsewhere) if is_compared else None)
    hint = "" if near is None else f" did you mean {near!r}?"
    listed = _listed(str(name), names, MOST_NAMES if near is None else MOST_NEXT_TO_NEAREST)
    return f"unknown {kind} {shown or repr(name)};{hint} known: {listed}"


def nearest(name: object, known: Iterable[str], elsewhere: Iterable[str] = (), cutoff: float = 0.6) -> str | None:
    """Return the known name that was probably meant, or one from `elsewhere`; None if there is none.

    Names of dotted keys are compared as a whole and by their last part: `margin` and `loss.margn` mean `loss.margin`.
    `cutoff`: the least likeness of a whole name, from 0 to 1.
    """
    text = str(name)
    here, there = list(known)[:MOST_COMPARED], list(elsewhere)[:MOST_COMPARED]
    finders: tuple[Callable[[str, list[str]], str | None], ...]
    finders = (_same, _same_end, partial(_similar, cutoff=cutoff), _similar_end)
    for find, of_there in zip(finders, (_same, _same_end, partial(_similar, cutoff=0.75), None), strict=True):
        found = find(text, here) or (of_there(text, there) if of_there else None)
        if found is not None:
            return found
    return None


def _same(text: str, names: list[str]) -> str | None:
    """Return the name that differs in nothing but case, dashes, underscores, spaces, or a beginning `config.`."""
    plain = _plain(text)
    return next((name for name in names if _plain(name) == plain), None)


def _same_end(text: str, names: list[str]) -> str | None:
    end = _plain(text).rpartition(".")[2]
    same = [name for name in names if "." in name and _plain(name).rpartition(".")[2] == end]
    return _similar(text, same, cutoff=0.0) if same else None


def _similar(text: str, names: list[str], cutoff: float) -> str | None:
    by_plain = {_plain(name): name for name in reversed(names)}
    near = difflib.get_close_matches(_plain(text), by_plain, n=1, cutoff=cutoff)
    return by_plain[near[0]] if near else None


def _similar_end(text: str, names: list[str]) -> str | None:
    by_end = {_plain(name).rpartition(".")[2]: name for name in reversed(names) if "." in name}
    near = difflib.get_close_matches(_plain(text).rpartition(".")[2], by_end, n=1, cutoff=0.75)
    return by_end[near[0]] if near else None


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(" ", "_").removeprefix("config.")


def _listed(name: str, names: list[str], most: int) -> str:
    """Return the names; of more than `most` the nearest, or, of dotted keys, those of the section, or the sections."""
    if len(names) <= most:
        return ", ".join(names) or "none"
    section = [other for other in names if "." in name and other.startswith(f"{name.rpartition('.')[0]}.")]
    if section:
        return ", ".join(section)
    sections = list(dict.fromkeys(other.partition(".")[0] for other in names))
    if len(sections) < len(names) and len(sections) <= MOST_NAMES:
        keys = [head if head in names else f"{head}.*" for head in sections]
        return f"{', '.join(keys)} ({len(names)} keys)"
    near = difflib.get_close_matches(name, names[:MOST_COMPARED], n=4, cutoff=0.4) or names[:4]
    return f"{', '.join(near)}, … ({len(names):,} in all)"
