"""The arguments of a command: `${…}` in its items, replaced by values of the config, the seed and the folder.

No shell runs the command, so text in a value needs no quoting and can do no harm.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import AblateError, unknown_name
from ablate.trainers.command.argument_text import STYLES, json_text, plain_text
from ablate.trainers.command.config_files import FORMS, write_config

PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
"""A literal `${`, a placeholder, or one that is not closed."""

SHELL_WORDS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1", "&>"})
"""Items that mean something only to a shell."""

RESERVED = {
    "seed": "the seed is a channel of its own, set by `seeds:`; take it out of `config:`, and give it to the script in "
    'the command: --seed, "${seed}"',
    "dir": 'it is the folder of a training, which "${dir}" gives to the script',
    "python": 'it is the interpreter, which "${python}" gives',
    "args": 'it is the whole config, which "${args}" gives',
    **{f"config.{kind}": f'it is a file with the whole config, which "${{config.{kind}}}" gives' for kind in FORMS},
}
"""{a name that no config key may have: the reason}."""


@dataclass(frozen=True)
class ArgumentValues:
    """The values that placeholders stand for."""

    config: Mapping[str, Any]
    """The whole resolved config of the user's keys, nested and plain."""
    seed: int
    folder: Path
    """The folder of the training, `${dir}`."""
    python: str
    """The path of the interpreter, `${python}`."""
    keys: frozenset[str] = frozenset()
    """The dotted keys of the study's `config:`. A mapping at one of them is a value, and no section with keys."""


def expanded(items: Sequence[str], values: ArgumentValues) -> list[str]:
    """Return the items of a command with every `${…}` replaced.

    Writes the files of `${config.json}` and its like into the folder. AblateError for a placeholder that does not
    exist, and for a value that its style cannot hold; OSError if the folder cannot be written.
    """
    pairs = dict(_pairs(values.config, values.keys))
    every = {**_section_values(values.config), **pairs}
    if faults := argument_faults(items, list(pairs)):
        raise AblateError("\n".join(f"{items[index]!r}: {fault}" for index, fault in faults))
    named = set(_placeholders(items))
    free = {key: value for key, value in pairs.items() if not any(_is_within(key, name) for name in named)}
    arguments: list[str] = []
    for item in items:
        if style := _style(item):
            arguments += [text for key, value in free.items() for text in style(key, value)]
        else:
            arguments.append(PLACEHOLDER.sub(lambda match: _replacement(match, values, every), item))
    if broken := next((text for text in arguments if "\0" in text), None):
        raise AblateError(f"{broken!r}: an argument cannot hold a NUL character")
    return arguments


def argument_faults(items: Sequence[str], keys: Sequence[str]) -> list[tuple[int, str]]:
    """Return every fault of the items as they are written, as (index of the item, fault).

    `keys`: the dotted keys of the config. `key_faults` checks these.
    """
    return [(index, fault) for index, item in enumerate(items) for fault in _item_faults(item, keys)]


def key_faults(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Return (key, fault) for each dotted config key that has the name of a placeholder."""
    remedy = "; another name is needed for a setting of the script, or its value as an item of the command"
    names = dict.fromkeys(name for key in keys for name in _sections(key) if name in RESERVED)
    return [(key, f"{key!r} is no key of a config: {RESERVED[key]}{'' if key == 'seed' else remedy}") for key in names]


def keys_not_passed(items: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return those of the dotted config keys that no placeholder passes to the script."""
    named = set(_placeholders(items))
    if any(name == "args" or name.startswith(("args:", "config.")) for name in named):
        return []
    return [key for key in keys if not named & set(_sections(key))]


def passes_seed(items: Sequence[str]) -> bool:
    """Return True if a placeholder passes the seed to the script."""
    return "seed" in _placeholders(items)


def as_list(text: str) -> str:
    """Return a command line as the list that a study file takes: `[python, train.py, "--name=a b"]`."""
    try:
        words = shlex.split(text)
    except ValueError:  # a quote that is not closed
        words = text.split()
    return yaml_list(words)


def yaml_list(words: Iterable[str]) -> str:
    """Return the items of a command as a list in one line of YAML."""
    return f"[{', '.join(map(_yaml_item, words))}]"


def _placeholders(items: Sequence[str]) -> Iterator[str]:
    for item in items:
        yield from (match[1].strip() for match in PLACEHOLDER.finditer(item) if match[1] is not None)


def _style(item: str) -> Callable[[str, Any], list[str]] | None:
    """Return the function that writes one key, if the item stands for all keys; None for any other item."""
    match = PLACEHOLDER.fullmatch(item.strip())
    return STYLES.get(match[1].strip()) if match and match[1] is not None else None


def _item_faults(item: str, keys: Sequence[str]) -> Iterator[str]:
    if item.strip() in SHELL_WORDS:
        yield f"{item.strip()!r} would be an argument, because no shell runs the command; put such steps into a script"
    for match in PLACEHOLDER.finditer(item):
        if match[0] == "$${":
            continue
        if match[1] is None:
            yield "`${` has no closing `}`; a literal `${` is written `$${`"
        elif fault := _name_fault(match[1].strip(), keys):
            yield fault
        elif match[1].strip() in STYLES and match[0] != item.strip():
            yield f'{match[0]} stands for several arguments, so it is an item of its own: "{match[0]}"'


def _name_fault(name: str, keys: Sequence[str]) -> str | None:
    known = dict.fromkeys([*(section for key in keys for section in _sections(key)), *STYLES, *RESERVED])
    if name in known:
        return None
    if name.startswith("args:"):
        return unknown_name("style of ${args}", name, STYLES, shown=f"${{{name}}}")
    fault = unknown_name("placeholder", name, dict.fromkeys([*keys, "args", *RESERVED]), shown=f"${{{name}}}")
    if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        fault += "; variables of a shell are not replaced, a literal `${` is written `$${`"
    return fault


def _sections(key: str) -> list[str]:
    """Return the key and the sections that it lies in: `model.depth` and `model`."""
    parts = key.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _is_within(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name}.")


def _pairs(section: Mapping[str, Any], values: frozenset[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each dotted key and its value."""
    for key, value in section.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping) and value and name not in values:
            yield from _pairs(value, values, f"{name}.")
        else:
            yield name, value


def _section_values(section: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the value of each section, by its dotted name."""
    sections: dict[str, Any] = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            sections |= {f"{path}{key}": value, **_section_values(value, f"{path}{key}.")}
    return sections


def _replacement(match: re.Match[str], values: ArgumentValues, every: Mapping[str, Any]) -> str:
    """Return the text for one placeholder. `every`: the value of each key and section, by its dotted name."""
    if match[1] is None:
        return "${"
    name = match[1].strip()
    if name.startswith("config.") and (kind := name.removeprefix("config.")) in FORMS:
        return str(write_config(values.config, values.folder, kind))
    channels = {"seed": str(values.seed), "dir": str(values.folder), "python": values.python}
    return channels[name] if name in channels else plain_text(every[name])


def _yaml_item(word: str) -> str:
    """Return a word as an item of a list in YAML, in quotes unless it is plain text there."""
    is_plain = re.fullmatch(r"(?!-$)[A-Za-z./_-][A-Za-z0-9./_=@%+-]*", word) is not None
    is_word = word.lower() not in ("on", "off", "true", "false", "yes", "no", "null", "y", "n", ".inf", ".nan", "-.inf")
    is_number = re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", word) is not None
    return word if is_plain and is_word and not is_number else json_text(word)
