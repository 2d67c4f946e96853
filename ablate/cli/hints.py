"""Commands in messages, completed so that they can be typed as they stand.

A message names a command in backquotes, like `ablate status`. Here it gets the study, the store and the profile of the
command that prints it, as far as the user gave them on the command line.
"""

import re
import shlex
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from typing import Any

CURRENT: ContextVar[Any] = ContextVar("current", default=None)
"""Typer's context of the command that runs; None outside of a command."""

CARRIED = ("store", "profile", "settings", "only", "seeds")
"""Parameters that decide which study and which rows a command is about."""

_COMMAND = re.compile(r"`(ablate [^`\n]+)`")


def command(*words: str, study: str | None = None, leave_out: Collection[str] = ()) -> str:
    """Return a command as it is typed, such as `ablate report demo --store x.db`, quoted for the shell.

    `leave_out`: names of parameters, as in CARRIED, that it does not take over.
    """
    return _completed(list(words), study, leave_out) or shlex.join(["ablate", *words])


def typeable(text: str, study: str | None = None) -> str:
    """Return a text with the commands in its backquotes completed. `study`: the study that it is about, by name."""
    return _COMMAND.sub(lambda match: f"`{_of_text(match[1], study) or match[1]}`", text)


def _of_text(text: str, study: str | None) -> str | None:
    """Return a command of a text, completed; None if there is nothing to complete, or if it leaves words out."""
    try:
        words = shlex.split(text)[1:]
    except ValueError:
        return None
    return None if "…" in text or "..." in text else _completed(words, study)


def _completed(words: list[str], study: str | None, leave_out: Collection[str] = ()) -> str | None:
    context, (target, inner) = CURRENT.get(), _target(words)
    if target is None or context is None:
        return None
    argument = list(_argument(target, context, words[inner:], study))
    options = list(_options(target, context, set(words), leave_out))
    if not argument and not options:
        return None
    return shlex.join(["ablate", *words[:inner], *argument, *words[inner:], *options])


def _target(words: list[str]) -> tuple[Any, int]:
    """Return the command that words name, and the number of words of its name; None if there is no such command."""
    context = CURRENT.get()
    group = context.find_root().command if context is not None else None
    for at, word in enumerate(words):
        commands = getattr(group, "commands", None)
        if commands is None:
            return group, at
        if word not in commands:
            return None, at
        group = commands[word]
    return (None if group is None or hasattr(group, "commands") else group), len(words)


def _argument(target: Any, context: Any, rest: list[str], study: str | None) -> Iterator[str]:
    """Yield the study file or the name of the study, if the command wants one and the text has none."""
    if rest and not rest[0].startswith("-"):
        return
    wanted = next((param for param in target.params if param.param_type_name == "argument"), None)
    if wanted is None:
        return
    own = next((param for param in context.command.params if param.name == wanted.name), None)
    if own is not None and own.metavar == wanted.metavar and context.params.get(wanted.name):
        yield str(context.params[wanted.name])
    elif wanted.name == "study" and study is not None:
        yield study


def _options(target: Any, context: Any, given: set[str], leave_out: Collection[str]) -> Iterator[str]:
    """Yield the options that the running command was given and the other one takes as well."""
    params = {param.name: param for param in target.params}
    for name in (name for name in CARRIED if name not in leave_out):
        source = context.get_parameter_source(name) if name in context.params else None
        if name not in params or source is None or source.name != "COMMANDLINE":
            continue
        option, value = params[name].opts[-1], context.params[name]
        if option in given:
            continue
        for each in value if isinstance(value, list | tuple) else [value]:
            text = _without_password(str(each)) if name == "store" else str(each)
            if text is not None:
                yield from (option, text)


def _without_password(store: str) -> str | None:
    """Return a store's path or URL as it may be printed, with `***` for a password; None if it is no store's URL."""
    if "://" not in store:
        return store
    from ablate.errors import StoreError
    from ablate.store.database import shown  # here: SQLAlchemy takes long to import

    try:
        return shown(store)
    except StoreError:
        return None
