"""The script in a command, behind interpreters and launchers such as `torchrun --nproc-per-node 2`."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ablate.filesystem import exists, is_file
from ablate.trainers.project.folders import ENVIRONMENT_MARKS
from ablate.trainers.project.modules import find_module, is_module_name
from ablate.trainers.project.words import CODE, mentions

INTERPRETER = re.compile(r"(python|pypy|pythonw)[\d.]*|bash|sh|zsh|dash|Rscript|julia|node|perl|ruby|lua|\$\{python\}")
"""Names of programs that run the first argument that is no option."""
FLAG = re.compile(r"-[bBdEeilOPqsSuvx]+")
"""Options of interpreters that take no value."""
CODE_FOLLOWS = re.compile(r"-[a-z]*c")
"""The option of interpreters whose value is code, such as `-c`, or `-lc` of a shell."""
LAUNCHERS = {
    "accelerate.commands.launch",
    "cProfile",
    "coverage",
    "debugpy",
    "deepspeed",
    "torch.distributed.launch",
    "torch.distributed.run",
}
"""Modules that run a script given to them."""
PLACEHOLDER = "${"

Script = tuple[Path | None, str | None, int]
"""The script as it is written, the module of `-m`, and the index of the first item that belongs to it."""


def command_script(items: Sequence[str], folder: Path) -> Script:
    """Return the script that a command runs, or the module of `-m`, and the index of its item.

    The path is as it is written: relative to `folder`, or absolute. A folder with a `__main__.py` stands for that file.
    If the command names neither, the index is that of the first item after the program.
    """
    fallback: Script = (None, None, 1)
    for index, item in enumerate(items):
        before = items[index - 1] if index else ""
        if before in ("-m", "--module") and _is_module(items, index, folder):
            return None, item, index
        if CODE_FOLLOWS.fullmatch(before) and _runs(items, index - 1):
            files = mentions(item.encode(), [folder]).files
            return (Path(os.path.relpath(files[0], folder)) if files else None), None, index
        script = None if PLACEHOLDER in item else _script(item, folder)
        if script is None or (not index and not _is_own_program(item, folder)):
            continue
        if not index or script.suffix in CODE or _runs(items, index) or _is_program(item, folder):
            return script, None, index
        if fallback[0] is None and not before.startswith("-"):
            fallback = (script, None, index)
    return fallback


def _script(item: str, folder: Path) -> Path | None:
    """Return the file that an item names; None if it names none."""
    path = Path(item)
    if is_file(folder / path):
        return path
    return path / "__main__.py" if item and is_file(folder / path / "__main__.py") else None


def _runs(items: Sequence[str], index: int) -> bool:
    """Return True if an interpreter runs the item: only options without a value are between them."""
    for item in reversed(items[:index]):
        if not FLAG.fullmatch(item):
            return INTERPRETER.fullmatch(Path(item).name) is not None
    return False


def _is_module(items: Sequence[str], index: int, folder: Path) -> bool:
    """Return True if the item is a module that is run, and neither a launcher nor the value of another `-m`."""
    name = items[index]
    if not is_module_name(name) or name in LAUNCHERS:
        return False
    return _runs(items, index - 1) or find_module(name, folder) is not None


def _is_own_program(item: str, folder: Path) -> bool:
    """Return True for a program that is a file of the project, such as `./run.sh`, and not one of an environment."""
    path = folder / item
    if "/" not in item or INTERPRETER.fullmatch(path.name):
        return False
    if path.suffix in CODE:
        return True
    is_inside = not Path(item).is_absolute() or path.is_relative_to(folder)
    return is_inside and not any(exists(path.parent.parent / mark) for mark in ENVIRONMENT_MARKS)


def _is_program(item: str, folder: Path) -> bool:
    return item.startswith(("./", "../")) and os.access(folder / item, os.X_OK)
