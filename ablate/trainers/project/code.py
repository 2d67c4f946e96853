"""The identity of a user's code: a hash of each file that decides a result. No file is run or imported."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ablate.text import plural
from ablate.trainers.project.collector import CodeCollector

NO_SCRIPT = (
    "no file of the project is the script, so that no change of code makes results stale; "
    "list the files that decide results in `files:`, or write `files: []` if there are none"
)


@dataclass(frozen=True)
class ProjectCode:
    """The files of a user's code that decide a result."""

    hashes: Mapping[str, str]
    """{path relative to the study file's folder: hash of 20 hex digits}, by path."""
    faults: tuple[str, ...] = ()
    """Files that are missing or cannot be read, and patterns without a file."""
    notes: tuple[str, ...] = ()
    """Code whose changes may go unnoticed, a sentence each with its remedy."""
    files: Mapping[str, str] = field(default_factory=dict, compare=False)
    """{absolute path of each file: its hash}, on this machine."""


def code_of(
    folder: Path,
    script: Path | None,
    module: str | None,
    globs: Sequence[str] | None,
    named: Sequence[Path] = (),
) -> ProjectCode:
    """Return the code of a script, or of a module that `python -m` or a function names.

    `folder`: that of the study file, from which the path of the script and the patterns are relative. `globs`: the
    patterns of the files that count; None for the script or module and all that it imports from the project, and for
    `named`, the scripts and settings that a command gives to it.
    """
    collector = CodeCollector(folder.resolve())
    if globs is not None:
        collector.add_patterns(globs, script, module)
    elif script is not None:
        collector.add_given_script(script)
    elif module is not None:
        collector.add_module(module)
    else:
        collector.notes[NO_SCRIPT] = []
    if globs is None:
        collector.add_named(named)
    return _hashed(collector)


def _hashed(collector: CodeCollector) -> ProjectCode:
    """Return the code that was collected, and keep the hashes for later processes."""
    hashes: dict[str, str] = {}
    files: dict[str, str] = {}
    faults = list(collector.faults)
    for path, name in collector.names.items():
        facts = collector.files.facts(path)
        if facts is None:
            faults.append(f"{name} cannot be read ({collector.files.unreadable[path]})")
        else:
            hashes[_free(name, hashes)] = files[str(path)] = facts.hash
    collector.files.save()
    notes = tuple(_sentence(note, names) for note, names in collector.notes.items())
    return ProjectCode(dict(sorted(hashes.items())), tuple(faults), notes, files)


def _free(name: str, names: Container[str]) -> str:
    """Return a name that is not in use: files outside the project may have the name of one inside."""
    count = 1
    free = name
    while free in names:
        count += 1
        free = f"{name} ({count})"
    return free


def _sentence(note: str, names: Sequence[str]) -> str:
    """Return a note with the file that it is about, and the number of others of which it is true."""
    others = f" (and {plural(len(names) - 1, 'other file')})" if len(names) > 1 else ""
    return f"{names[0]}{others} {note}" if names else note
