"""Advice about a value that is not accepted: what was probably meant, in the words that a study file takes."""

import re
from collections.abc import Iterator
from typing import Any

from ablate.errors import nearest
from ablate.study.reading.declared_numbers import ERROR_RATE, intended_error_rate
from ablate.study.reading.nodes import yaml_text

NO_VALUE = ("none", "nil", "n/a", "na", "undefined", "null", "~")
SWITCH_ON = ("yes", "y", "true", "t", "enable", "enabled", "active", "on")
SWITCH_OFF = ("no", "n", "false", "f", "disable", "disabled", "inactive", "off", "none", "null")
BETTER = {
    **dict.fromkeys(("max", "maximize", "maximise", "maximum", "up", "high", "greater", "larger", "more"), "higher"),
    **dict.fromkeys(("min", "minimize", "minimise", "minimum", "down", "low", "smaller", "less"), "lower"),
}
"""{word that people write for the better values of a metric: the accepted one}."""
SHAPES = {
    "rows": "each row as `LABEL: {FACTOR: LEVEL}`, and a row at the baseline as `LABEL: {}`",
    "grid": "each factor with its levels, as `FACTOR: [LEVEL, LEVEL]`",
}
"""{key: how a mapping is written of which a list was given}."""
THOUSANDS = {"k": 1e3, "m": 1e6}

_PLAIN = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_QUOTED = re.compile(r"'([^']*)'")


def suggested(value: Any, accepted: str) -> str | None:
    """Return the accepted word that a text was probably meant as; None if there is none."""
    words = _QUOTED.findall(accepted)
    if "none" in words and (value in (None, False) or (isinstance(value, str) and value.lower() in SWITCH_OFF)):
        return "'none'"
    if words == ["higher", "lower"] and isinstance(value, str) and value.lower() in BETTER:
        return repr(BETTER[value.lower()])
    if words and isinstance(value, str):
        near = nearest(value.replace("-", "").replace("_", ""), words) or nearest(value, words)
        return repr(near) if near else None
    if "small letters, digits and dashes" in accepted and isinstance(value, str):
        slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
        return repr(slug) if slug else None
    if "on or off" in accepted and not (isinstance(value, str) and value.lower() in ("on", "off", "true", "false")):
        return _switch(value)
    if ERROR_RATE in accepted and isinstance(value, int | float):
        meant = intended_error_rate(value)
        return None if meant is None else f"{meant:g}"
    return None


def advised(value: Any, accepted: str, key: str = "") -> str | None:
    """Return how to write what was probably meant; None if there is no advice. `key`: the name of the value."""
    return next(_advice(value, accepted, key), None)


def _advice(value: Any, accepted: str, key: str) -> Iterator[str]:
    if value is None and "null" not in accepted:
        empty = "write {} for an empty one, or indent the lines below" if "mapping" in accepted else "write it here"
        yield f"no value stands here; {empty}"
    if isinstance(value, str):
        yield from _advice_on_text(value.strip(), accepted, key)
    if isinstance(value, bool) and accepted.startswith("a mapping or null"):
        one = "write {} to switch it on with its defaults" if value else "write null to switch it off"
        yield "write the levels as {off: null, on: {}}" if key.isdecimal() else one
    if isinstance(value, int | float) and 1 < value <= 100 and re.fullmatch("(at most|less than) 1", accepted):
        yield f"write {value / 100:.12g} for {value:.12g} %"
    if isinstance(value, list) and key in SHAPES and accepted == "a mapping":
        yield f"write {SHAPES[key]}"
    if type(value) is int and (number := re.match(r"a list of (\d+)", accepted)):
        yield f"write [{', '.join([str(value)] * int(number[1]))}]"
    is_one = isinstance(value, list) and len(value) == 1 and "list" not in accepted
    if is_one and (accepted != "a mapping" or isinstance(value[0], dict)):
        yield f"write {yaml_text(value[0])} without brackets"
    if isinstance(value, bool | int | float) and re.search(r"\btext\b", accepted):
        word = yaml_text(value)
        yield f"in quotes, {word!r} is text"
    if isinstance(value, dict) and "a list" in accepted and "mapping" not in accepted:
        yield "write a dash before each entry"
    if isinstance(value, bool | int | float) and re.match(r"a list(?! of \d)", accepted):
        yield f"write [{yaml_text(value)}]"


def _advice_on_text(text: str, accepted: str, key: str) -> Iterator[str]:
    if text.lower() in NO_VALUE:
        yield (
            "no value is written null, without quotes"
            if "null" in accepted
            else (f"{text} is plain text here; no value is written null, and this key needs a value")
        )
    if "on or off" in accepted and text.lower() in ("on", "off", "true", "false"):
        yield f"write {text.lower()} without quotes"
    if _wants_number(accepted):
        is_pp = key.endswith("pp") or (key == "delta" and accepted == "a number")  # deltas of rates only
        unit = "seeds" if "seeds" in accepted else "pp" if is_pp else "" if key == "delta" else "share"
        yield from _numbers(text, "whole" in accepted, unit)
    if ".." in accepted and (match := re.fullmatch(r"([0-9]+)\s*(?:-|–|to|:)\s*([0-9]+)", text)):
        yield f"write {match[1]}..{match[2]}"
    if accepted.startswith("a mapping") and (match := re.fullmatch(r"([\w.-]+)\s*=\s*(.+)", text)):
        yield f"write {{{match[1]}: {match[2]}}}"
    if "list" in accepted and re.fullmatch(rf"{_PLAIN}(\s*[ ,;x×]\s*{_PLAIN})+", text):
        yield f"write [{', '.join(re.findall(_PLAIN, text))}]"
    elif accepted.startswith("a list") and not re.match(r"a list of \d", accepted) and text:
        yield f"write [{text}]"


def _numbers(text: str, is_whole: bool, unit: str) -> Iterator[str]:
    """Yield the number that a text was meant as, and why it is none. `unit`: seeds, pp, share, or empty for another."""
    if re.fullmatch(_PLAIN, text):
        yield f"write {text} without quotes"
    elif match := re.fullmatch(r"([-+]?[0-9]+),([0-9]+)", text):
        point, plain = f"write {match[1]}.{match[2]}, with a point", f"{match[1]}{match[2]}, without a comma"
        is_grouped = len(match[2]) == 3
        yield f"write {plain}" if is_grouped and is_whole else f"{point}; or {plain}" if is_grouped else point
    elif re.fullmatch(r"[-+]?[0-9]{1,3}([_ '’][0-9]{3})+(\.[0-9]+)?", text) or re.fullmatch(r"[0-9]+(_[0-9]+)+", text):
        yield f"write {re.sub('[^-+.0-9]', '', text)}; digits are not grouped"
    elif match := re.fullmatch(rf"({_PLAIN})\s*%", text):
        share = f"write {float(match[1]) / 100:.12g}, a share"
        is_count = is_whole or unit == "seeds"
        if is_count:
            yield f"write {match[1]}, without %"
        elif not unit:
            yield "write the difference itself, not a percentage"
        else:
            yield f"write {match[1]}, in pp" if unit == "pp" else share
    elif match := re.fullmatch(rf"({_PLAIN})\s*([kKM])", text):
        yield f"write {float(match[1]) * THOUSANDS[match[2].lower()]:.0f}"
    elif match := re.fullmatch(rf"({_PLAIN})\s*([A-Za-z%°]+)", text):
        yield f"write {match[1]} alone, without {match[2]!r}"
    elif match := re.fullmatch(r"([0-9]+)\s*/\s*([1-9][0-9]*)", text):
        yield f"write {int(match[1]) / int(match[2]):.6g}"
    elif match := re.fullmatch(r"([0-9]+)\s*(?:\^|\*\*)\s*([0-9]{1,2})", text):
        yield f"write {int(match[1]) ** int(match[2])}"
    elif re.fullmatch(r"0[xX][0-9a-fA-F]+", text):
        yield f"write {int(text, 16)}"


def _switch(value: Any) -> str | None:
    text = value.strip().lower() if isinstance(value, str) else ""
    return "on" if text in SWITCH_ON else "off" if text in SWITCH_OFF else None


def _wants_number(accepted: str) -> bool:
    return bool(re.search(r"number|at least [-0-9]|at most [-0-9]|more than [-0-9]|less than [-0-9]|seeds", accepted))
