"""A shell script, or a script in another language, as a first study."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ablate.errors import AblateError
from ablate.filesystem import is_file, read_regular
from ablate.study.starting.draft import StudyDraft
from ablate.study.starting.script_study import script_draft
from ablate.trainers.command.arguments import yaml_list

INTERPRETERS = {".sh": "bash", ".bash": "bash", ".zsh": "zsh", ".R": "Rscript", ".r": "Rscript", ".jl": "julia",
                ".pl": "perl", ".lua": "lua", ".rb": "ruby", ".m": "octave", ".js": "node"}  # fmt: skip
"""{ending of a script: the program that runs it}."""
SHELLS = ("bash", "sh", "zsh")
LARGEST = 1_000_000
_PYTHON_LINE = re.compile(r"\bpython[0-9.]*\s+(?:-u\s+)?([\w./-]+\.py)\b([^\n#]*)")
_ALL_ARGUMENTS = re.compile(r"\$@|\$\*|\$\{@")


def other_script_draft(path: Path, study: str, folder: Path) -> StudyDraft:
    """Return a first study of a script that is not Python.

    If it gives its arguments on to a Python script, the options are those of that script. AblateError if it cannot be
    read, or if no program is known that runs it.
    """
    text = _text(path)
    start = (_interpreter(path, text), os.path.relpath(path, folder))
    for match in _PYTHON_LINE.finditer(text.replace("\\\n", " ")):
        inner = path.parent / match[1]
        if _ALL_ARGUMENTS.search(match[2]) and is_file(inner):
            draft = script_draft(inner, study, folder, start)
            note = f"{path.name} gives its arguments on to {match[1]}, so the options are those of {match[1]}"
            return replace(draft, notes=(note, *draft.notes))
    return StudyDraft(
        study,
        tuple(_about(path)),
        ("trainer:", f"  command: {yaml_list([*start, '${args}', '--seed', '${seed}'])}"),
        notes=(f"{path.name} is run by {start[0]}; its options are not read",),
        to_do=tuple(_to_do(path)),
    )


def _text(path: Path) -> str:
    try:
        return read_regular(path)[:LARGEST].decode("utf-8", errors="replace")
    except OSError as error:
        raise AblateError(f"{path}: cannot be read: {error.strerror}") from None


def _interpreter(path: Path, text: str) -> str:
    """Return the program that runs a script, by its first line or by its ending."""
    first = text.partition("\n")[0]
    words = first.removeprefix("#!").split() if first.startswith("#!") else []
    if words:
        return words[1] if Path(words[0]).name == "env" and len(words) > 1 else Path(words[0]).name
    if path.suffix in INTERPRETERS:
        return INTERPRETERS[path.suffix]
    raise AblateError(
        f"{path}: is no script that this program knows; give a Python script, a function like train.py:main, a script "
        f"with one of the endings {', '.join(dict.fromkeys(INTERPRETERS))}, or a folder of images"
    )


def _about(path: Path) -> Iterator[str]:
    yield f"A first study of {path.name}, written by `ablate init`. Every line may be changed."
    yield "${args} stands for the config, as --lr 0.1 --depth 3; ${lr} for one value; ${dir} for a folder for results."


def _to_do(path: Path) -> Iterator[str]:
    yield f"write the settings of {path.name} in `config:`, such as `config: {{lr: 0.1}}`, and factors in `factors:`"
    yield "write the metric that it prints in `metrics:`; `ablate check` lists all that it sees"
