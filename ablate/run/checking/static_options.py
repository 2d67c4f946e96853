"""The options that a Python script declares with argparse, read from its text: for scripts that cannot be watched.

They are those of the script and of the modules of its project, if the text shows all of them.
"""

import ast
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ablate.errors import AblateError
from ablate.run.checking.lost_settings import option_advice
from ablate.run.checking.remark import Remark
from ablate.study.starting.scanning.project_sources import project_sources
from ablate.study.starting.scanning.source import PythonSource, dotted, last_name, read_source, text_of
from ablate.trainers.command.entry import CommandEntry
from ablate.trainers.command.trainer import command_of
from ablate.trainers.declared.attempt import Attempt

HELP = {"-h", "--help"}
SAFE_CALLS = {"ArgumentParser", "parse_args", "add_parser"}
"""Calls that get a parser and add no options to it."""


def unknown_options_of(entry: CommandEntry, attempt: Attempt, keys: Sequence[str]) -> Iterator[Remark]:
    """Yield a sentence for each option of a command that its script does not declare; none if that is not sure."""
    script, _, first = entry.script
    if script is None or script.suffix != ".py":
        return
    options = declared_options(entry.folder / script)
    words = command_of(entry, attempt)[first + 1 :]
    given = [word.partition("=")[0] for word in words if word.startswith("--") and len(word) > 2]
    for option in dict.fromkeys(given) if options else ():
        if not any(each.startswith(option) for each in options):
            advice = option_advice(option, [each for each in options if not each.startswith("--no-")], keys)
            yield Remark(f"{option}: {script.name} has no such option{advice}", is_fault=True)


def declared_options(path: Path) -> frozenset[str]:
    """Return all options of a script; empty if its text does not show all of them, or if it has none.

    `--no-NAME` is among them, as some options have that form too.
    """
    try:
        sources = project_sources(read_source(path))
    except AblateError:
        return frozenset()
    calls = [call for source in sources for call in source.calls]
    adding = [call for call in calls if last_name(call.func) == "add_argument"]
    names = [text_of(argument) for call in adding for argument in call.args]
    functions = {name for source in sources for name in source.functions}
    if not adding or not all(names) or any(_adds_elsewhere(source, functions) for source in sources):
        return frozenset()
    options = {name for name in names if name.startswith("-")}
    return frozenset({*options, *(f"--no-{name[2:]}" for name in options if name.startswith("--")), *HELP})


def _adds_elsewhere(source: PythonSource, functions: Collection[str]) -> bool:
    """Return True if a function of a library gets a parser, to which it may add options, or if a class is a parser.

    `functions`: those of the project.
    """
    parsers = {dotted(call.func.value) for call in source.calls if _is_adding(call)}  # type: ignore[attr-defined]
    for call in source.calls:
        arguments = {dotted(each) for each in (*call.args, *(each.value for each in call.keywords))}
        if arguments & parsers - {""} and last_name(call.func) not in {*SAFE_CALLS, *functions}:
            return True
    bases = (last_name(base) for each in source.classes.values() for base in each.bases)
    return any(name.endswith(("ArgumentParser", "Action")) for name in bases)


def _is_adding(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument"
