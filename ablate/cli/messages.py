"""Messages of the command line, in one style: errors of the library, and words of a command line that are not accepted.

Typer reports a wrong option or a missing word in a style of its own. Here it becomes a line like every other: the
place, the value found, the values that are accepted, and the remedy.
"""

import re
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from ablate.cli.hints import command, typeable
from ablate.cli.meant_words import file_of, meant_setting, other_command, other_option
from ablate.cli.terminal import folded
from ablate.errors import AblateError, StudyError, unknown_name
from ablate.text import visible

PROGRAM = "ablate"


def say(text: str) -> None:
    """Print a message to stderr: folded at the terminal's width, with commands that can be typed as they stand.

    Letters that a terminal would obey are written out.
    """
    print(folded(typeable(visible(text)), sys.stderr), file=sys.stderr, flush=True)


def say_options(overrides: Sequence[str], file: str | None, study: str, profile: str = "base") -> None:
    """Print which options changed a study's plan, and the commands that show and restore the plan of its file.

    `file` is the path of the study file; None if it is not there.
    """
    under = [] if profile == "base" else ["--profile", profile]
    say(f"{study}: reports show this plan, which has {', '.join(overrides)} by option")
    if file:
        without = ("settings", "seeds", "only")
        print(f"the file's own plan: {command('report', file, *under, leave_out=without)}", file=sys.stderr)
        print(f"to run it again: {command('run', file, *under, leave_out=without)}", file=sys.stderr, flush=True)


def say_next(*words: str) -> None:
    """Print the command that usually comes next. It is never folded."""
    print(f"next: {command(*words)}", file=sys.stderr, flush=True)


def print_error(error: AblateError) -> None:
    """Print an error of the library; several faults after their number."""
    if isinstance(error, StudyError) and len(error.faults) > 1:
        say(f"{len(error.faults)} faults:")
    say(str(error))


def usage_fault(error: Any) -> str:
    """Return the message for a command line that typer refuses.

    `error` is one of typer's usage errors. Their attributes show which one it is, because their classes are not public.
    """
    context, param = getattr(error, "ctx", None), getattr(error, "param", None)
    path = _path(context)
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return f"{path}: {_unknown_option(error.option_name, context)}"
    if kind == "MissingParameter" and param is not None:
        return f"{path}: {_name(param)} is missing: {_about(param)}; `{path} -h` shows how it is written"
    if kind == "BadOptionUsage":
        return f"{path}: {_without_value(error.option_name, context)}"
    if param is not None:
        found = _found(error)
        text = f"found {found!r}; " if found is not None else ""
        return f"{path}: {_name(param, bare=True)}: {text}accepted: {_accepted(param, error)}"
    extra = re.match(r"Got unexpected extra argument\S* \((.*)\)", str(error.format_message()))
    if extra and context is not None:
        words = [_name(each) for each in context.command.get_params(context) if each.param_type_name == "argument"]
        takes = f"it takes {' '.join(words)}" if words else "it takes options only"
        meant = meant_setting(extra[1], context) or f"{takes}; put a name with spaces in quotes"
        return f"{path}: {extra[1]!r} is too much; {meant}"
    return f"{path}: {str(error.format_message()).rstrip('.')}; `{path} -h` shows how it is written"


def unknown_command(name: str, known: list[str], path: str) -> str:
    """Return the message for a command that does not exist; a study file may have been meant as that of `run`."""
    if re.search(r"\.ya?ml$", name):
        return f"{path}: found the file {name!r} in place of a command; did you mean `{PROGRAM} run {name}`?"
    if name == "version":
        return f"{path}: unknown command 'version'; did you mean `{PROGRAM} --version`?"
    if name == "help":
        return f"{path}: unknown command 'help'; did you mean `{path} -h`?"
    meant = other_command(name, known)
    if meant is None and path == PROGRAM and (file := file_of(name)):
        return f"{path}: unknown command {name!r}; did you mean `{PROGRAM} run {shlex.quote(file)}`?"
    return f"{path}: {unknown_name('command', name, known, meant=meant, is_compared=False)}"


def _unknown_option(name: str, context: Any) -> str:
    """Return the message for an option that a command does not have."""
    opts = [each for param in context.command.get_params(context) for each in param.opts] if context else []
    known = [each for each in opts if each.startswith("--")]
    elsewhere = [f"{PROGRAM} {other}" for other, opts in _options(context).items() if name in opts]
    meant, remedy = other_option(name, known, elsewhere)
    text = unknown_name("option", name, known, meant=meant, is_compared=False)
    return text.replace("; known:", f"; {remedy}; known:") if remedy else text


def _options(context: Any) -> dict[str, list[str]]:
    """Return {command: its options} of the whole program."""
    commands = getattr(context.find_root().command, "commands", {}) if context else {}
    return {name: [opt for param in each.params for opt in param.opts] for name, each in commands.items()}


def _without_value(name: str, context: Any) -> str:
    """Return the message for an option without its value, or with fewer values than it takes."""
    params = context.command.get_params(context) if context else []
    param = next((each for each in params if name in each.opts), None)
    if param is not None and param.nargs > 1:
        about = _about(param).partition(";")[0]
        return f"{name} takes {param.nargs} values with a space between them, {name} {param.metavar}: {about}"
    return f"{name} has no value; write one after it"


def _path(context: Any) -> str:
    """Return the words of a command, without those by which this program was started."""
    words: list[str] = []
    while context is not None and context.parent is not None:
        words, context = [str(context.info_name), *words], context.parent
    return " ".join([PROGRAM, *words])


def _name(param: Any, bare: bool = False) -> str:
    """Return `--against THEIRS` or `STUDY.yaml`; of an option only its name, if `bare`."""
    metavar = str(param.metavar or param.name.upper())
    if param.param_type_name != "option":
        return metavar
    return param.opts[-1] if bare else f"{param.opts[-1]} {metavar}"


def _about(param: Any) -> str:
    text = str(param.help or "").partition(". ")[0].rstrip(".")
    return text[:1].lower() + text[1:] if text[:2].istitle() else text


def _found(error: Any) -> Any:
    """Return the value that was refused; None if it is not known."""
    details = getattr(error.__cause__, "errors", None)
    return details()[0].get("input") if callable(details) else None


def _accepted(param: Any, error: Any) -> str:
    """Return the values that an option takes."""
    whole = "whole number" in str(error.message).lower() or "integer" in str(error.message).lower()
    least = getattr(param, "min", None)
    if least is not None:
        return f"a whole number from {least}"
    if "greater than" in str(error.message).lower() or whole:
        return "whole numbers" if param.nargs > 1 else "a whole number"
    return _about(param)
