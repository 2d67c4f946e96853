"""Values of a config as text of a command line: for argparse and its like, and for Hydra's overrides."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ablate.errors import AblateError

_HYDRA_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_HYDRA_TYPES = {"null", "true", "false", "inf", "nan"}
"""Words that Hydra reads as something else than text, in small and in large letters."""
_HYDRA_ESCAPED = re.compile(r"([\\()\[\]{}:=, \t])")
_BEFORE_QUOTE = re.compile(r"(\\*)('|\Z)")


def json_text(value: Any) -> str:
    """Return a value as JSON in one line without spaces: `{"p":0.5}`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def plain_text(value: Any) -> str:
    """Return a value as one argument: `0.1`, `1e-05`, `3`, `true`, `null`, text as it is, lists and mappings as JSON.

    `float(text)` and `int(text)` give the number back.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return json_text(value)


def _list_texts(key: str, values: list[Any]) -> list[str]:
    """Return the elements of a list as the arguments after an option with `nargs`.

    argparse takes an argument with a leading dash for an option, except numbers without an exponent. So numbers below
    zero are written without one. AblateError for a text with a leading dash, and for minus infinity.
    """
    texts = [_without_exponent(value) if _is_below_zero(value) else plain_text(value) for value in values]
    for text in texts:
        if text.startswith("-") and not re.fullmatch(r"-\d+|-\d*\.\d+", text):
            raise AblateError(
                f"config.{key}: {text!r} in a list would be read as an option; use ${{args:equals}}, which writes the "
                'list as JSON, or give the script the whole config with "${config.json}"'
            )
    return texts


def hydra_text(value: Any) -> str:
    """Return a value in the grammar of Hydra's overrides (hydra.cc/docs/advanced/override_grammar/basic, Hydra 1.1+).

    Text is put in quotes if Hydra would read something else. `${…}` in text stays an interpolation, as in Hydra's own
    files. AblateError for a key of a mapping that the grammar cannot hold.
    """
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_hydra_key(str(key))}:{hydra_text(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(hydra_text, value)) + "]"
    if isinstance(value, str) and not _is_plain_in_hydra(value):
        return f"'{_BEFORE_QUOTE.sub(_escaped_quote, value)}'"
    return plain_text(value)


def _is_below_zero(value: Any) -> bool:
    return isinstance(value, float) and value < 0 and value != float("-inf")


def _without_exponent(value: float) -> str:
    return format(Decimal(repr(value)), "f")


def _is_plain_in_hydra(text: str) -> bool:
    return _HYDRA_PLAIN.fullmatch(text) is not None and text.casefold() not in _HYDRA_TYPES


def _escaped_quote(match: re.Match[str]) -> str:
    """Double the backslashes before a quote or the end of the text; put one more before a quote."""
    backslashes, quote = match[1] * 2, match[2]
    return f"{backslashes}\\{quote}" if quote else backslashes


def _hydra_key(key: str) -> str:
    if not key or not key.isprintable() or not key.isascii() or set(key) & set("'\"~!#&;<>^`"):
        raise AblateError(f"{key!r}: Hydra's command line cannot hold this key of a mapping; rename it")
    return _HYDRA_ESCAPED.sub(r"\\\1", key)


def _separate(key: str, value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list | tuple) and len(value) != 1:
        return [f"--{key}", *_list_texts(key, list(value))]
    text = plain_text(value[0] if isinstance(value, list | tuple) else value)
    return [f"--{key}={text}"] if text.startswith("-") else [f"--{key}", text]


def _equals(key: str, value: Any) -> list[str]:
    return [] if value is None else [f"--{key}={plain_text(value)}"]


def _flags(key: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{key}"] if value else []
    return _separate(key, value)


def _flags_and_no(key: str, value: Any) -> list[str]:
    return [f"--no-{key}"] if value is False else _flags(key, value)


STYLES: dict[str, Callable[[str, Any], list[str]]] = {
    "args": _separate,
    "args:equals": _equals,
    "args:hydra": lambda key, value: [f"{key}={hydra_text(value)}"],
    "args:hydra+": lambda key, value: [f"++{key}={hydra_text(value)}"],
    "args:flags": _flags,
    "args:flags+no": _flags_and_no,
}
"""{a placeholder for the whole config: the function that writes one key and its value as arguments}."""
