"""Settings that a watched script got and did not use: unknown options, unread ones, and unread config keys."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

from ablate.errors import nearest
from ablate.run.checking.remark import Remark
from ablate.run.checking.script_notes import ParsedOptions, ParserError, ScriptNotes
from ablate.text import listed

UNRECOGNIZED = "unrecognized arguments: "
"""The beginning of argparse's message for options that it does not know."""
SWITCH_VALUES = ("true", "false")
"""The values of a switch, which are no arguments of argparse's own ones."""


def lost_settings(notes: Sequence[ScriptNotes], keys: Sequence[str], mentioned: Collection[str]) -> Iterator[Remark]:
    """Yield a sentence for each setting that no training used. `notes`: of trainings that ended well.

    `keys`: the dotted keys of the study's config. `mentioned`: the names in the code. A setting that the code mentions
    may be read in other rows, so it is no fault.
    """
    parsed = list(chain.from_iterable(each.parsed for each in notes))
    yield from unknown_options(parsed, keys)
    yield from _unread_options(parsed, mentioned)
    yield from _unread_keys(notes, mentioned)
    if function := next((each.unused_seed for each in notes if each.unused_seed), ""):
        yield Remark(f"seed: {function} has an argument `seed` and never uses it", is_fault=True)


def unknown_options(parsed: Sequence[ParsedOptions], keys: Sequence[str]) -> Iterator[Remark]:
    """Yield a sentence for each option that a parser leaves over, if no other parser and no code takes it."""
    taken = {option for each in parsed for option in each.given.values()}
    taken |= {option for each in parsed if each.is_rest_used for option in each.left}
    for option in dict.fromkeys(option for each in parsed if not each.is_rest_used for option in each.left):
        if option not in taken:
            one = next(each for each in parsed if option in each.left)
            yield Remark(
                f"{option}: {one.script} has no such option, and its `parse_known_args` passes over it"
                f"{option_advice(option, one.options, keys)}",
                is_fault=True,
            )


def option_advice(option: str, options: Iterable[str], keys: Sequence[str]) -> str:
    """Return the option that was probably meant, and the config key to rename; it follows a fault."""
    near = nearest(option.lstrip("-"), [each.lstrip("-") for each in options if each.startswith("--")])
    key = option.lstrip("-")
    place = f" Rename the key {key!r} of the study's config." if near and key in keys else ""
    return f"; did you mean --{near}?{place}" if near else ""


def _unread_options(parsed: Sequence[ParsedOptions], mentioned: Collection[str]) -> Iterator[Remark]:
    read = {option for each in parsed for name, option in each.given.items() if name in each.read}
    for option in dict.fromkeys(option for each in parsed for option in each.given.values()):
        if option in read:
            continue
        one = next(each for each in parsed if option in each.given.values())
        name = next(name for name, given in one.given.items() if given == option)
        if name in one.replaced:
            yield Remark(f"{option}: {one.script} gives args.{name} another value before it is read", is_fault=True)
        elif name in mentioned:
            yield Remark(f"{option}: {one.script} parses it, and nothing has read args.{name} in this row")
        else:
            yield Remark(f"{option}: {one.script} parses it, and nothing reads args.{name}", is_fault=True)


def _unread_keys(notes: Sequence[ScriptNotes], mentioned: Collection[str]) -> Iterator[Remark]:
    read = frozenset().union(*(each.read_keys for each in notes))
    for key in dict.fromkeys(key for each in notes for key in each.keys):
        if key in read:
            continue
        if key.rpartition(".")[2] in mentioned:
            yield Remark(f"config.{key}: the function has not read it in this row")
        else:
            yield Remark(f"config.{key}: the function never reads it", is_fault=True)


def error_advice(errors: Sequence[ParserError], keys: Sequence[str]) -> Iterator[str]:
    """Yield the remedies for errors with which argparse ended a script."""
    for error in errors:
        if not error.message.startswith(UNRECOGNIZED):
            continue
        words = error.message.removeprefix(UNRECOGNIZED).split()
        unknown = [word.partition("=")[0] for word in words if word.startswith("-") and word.lstrip("-")[:1].isalpha()]
        for option in unknown:
            yield f"{error.script} has no option {option}{option_advice(option, error.options, keys)}"
        if not unknown and set(words) <= set(SWITCH_VALUES):
            names = listed([f"`{word}`" for word in dict.fromkeys(words)])
            yield f'{names} follows a switch, which takes no value; write "${{args:flags}}" in place of "${{args}}"'
