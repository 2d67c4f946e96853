"""The notes of a script that was watched: the options that it parsed, and the config keys that it read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Notes = dict[str, list[Mapping[str, Any]]]
"""{event: its notes}."""


@dataclass(frozen=True)
class ParsedOptions:
    """The options that one call of a parser read."""

    script: str
    """The name of the file that made the call."""
    given: Mapping[str, str]
    """{attribute: option as it was given}, of the options that the parser knows."""
    left: tuple[str, ...]
    """The options that it does not know."""
    options: tuple[str, ...]
    """All options that it knows."""
    read: frozenset[str]
    """The attributes that were read."""
    replaced: frozenset[str]
    """The attributes that got another value before they were read."""
    is_rest_used: bool
    """True if the script does something with what is left."""


@dataclass(frozen=True)
class ParserError:
    """An error with which a parser ended the script."""

    script: str
    message: str
    options: tuple[str, ...]
    """All options that the parser knows."""


@dataclass(frozen=True)
class ScriptNotes:
    """The notes of all processes of one training."""

    parsed: tuple[ParsedOptions, ...] = ()
    errors: tuple[ParserError, ...] = ()
    keys: tuple[str, ...] = ()
    """The dotted config keys that a function got; empty if no function was watched."""
    read_keys: frozenset[str] = frozenset()
    unused_seed: str = ""
    """The function that has an argument `seed` and never uses it; empty if there is none, or if another one does."""


def read_notes(folder: Path) -> ScriptNotes:
    """Return the notes that the processes of a training wrote into a folder."""
    notes = [note for path in sorted(folder.glob("*.jsonl")) for note in _lines(path)]
    of_kind: Notes = {}
    for note in notes:
        of_kind.setdefault(note["event"], []).append(note)
    return ScriptNotes(
        tuple(_parsed(note, of_kind) for note in of_kind.get("parse", ())),
        tuple(
            ParserError(Path(note["script"]).name, note["message"], tuple(note["options"]))
            for note in of_kind.get("error", ())
        ),
        tuple(dict.fromkeys(key for note in of_kind.get("config", ()) for key in note["keys"])),
        frozenset(note["name"] for note in of_kind.get("key", ())),
        _unused_seed(of_kind.get("seed", ())),
    )


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            note = json.loads(line)
        except ValueError:  # the process was killed while it wrote
            continue
        if isinstance(note, dict) and "event" in note:
            yield note


def _unused_seed(notes: Sequence[Mapping[str, Any]]) -> str:
    return notes[0]["function"] if notes and not any(note["is_used"] for note in notes) else ""


def _parsed(note: Mapping[str, Any], of_kind: Notes) -> ParsedOptions:
    parse = note["parse"]

    def names(event: str) -> frozenset[str]:
        return frozenset(each["name"] for each in of_kind.get(event, ()) if each["parse"] == parse)

    def has(event: str) -> bool:
        return any(each["parse"] == parse for each in of_kind.get(event, ()))

    return ParsedOptions(
        Path(note["script"]).name,
        note["given"],
        tuple(note["left"]),
        tuple(note["options"]),
        frozenset(note["given"]) if has("read all") else names("read"),
        names("replaced"),
        has("rest used"),
    )
