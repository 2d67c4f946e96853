"""The metrics of a script, guessed from the lines that it prints and the files that it writes."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from ablate.study.starting.metric_names import (
    TEST,
    TRAIN,
    VALIDATION,
    has_word,
    is_lower_better,
    is_metric,
    is_rate,
    metric_in,
    slug,
)
from ablate.study.starting.number_patterns import number_pattern
from ablate.study.starting.scanning.printed_lines import PrintedLine, PrintedNumber
from ablate.study.starting.scanning.source import PythonSource, assigned, dotted, last_name, text_of
from ablate.study.starting.scanning.written_files import WrittenResults

MOST = 2
"""Metrics of a first study."""
OTHER_NAMES = ("map", "print", "format")
"""Functions whose names are no metrics."""


@dataclass(frozen=True)
class MetricGuess:
    """A metric, and the place of its values."""

    name: str
    origin: str
    """The text of `from`; empty for a key that a function returns."""
    reason: str
    """The place in words, such as `printed in line 31`."""
    is_percent: bool = False
    """True if the script writes percent, 93.1 for 0.931."""
    is_final: bool = False
    """True if it is measured once, after the training."""
    is_exact: bool = False
    """True if no digits are cut off."""

    @property
    def is_rate(self) -> bool:
        return is_rate(self.name)

    @property
    def is_lower_better(self) -> bool:
        return is_lower_better(self.name)

    @property
    def rank(self) -> tuple[int, ...]:
        """The order of metrics: higher is more likely the one that a study is about."""
        is_held_out = 2 if has_word(self.name, TEST) else 1 if has_word(self.name, VALIDATION) else 0
        kind = 2 if self.is_rate else 0 if self.is_lower_better else 1
        return (-1 if has_word(self.name, TRAIN) else is_held_out, kind, self.is_final, self.is_exact)


def chosen(guesses: Sequence[MetricGuess]) -> list[MetricGuess]:
    """Return the metrics for a study, the primary one first; those of the training data only if there are no others."""
    by_name: dict[str, MetricGuess] = {}
    for guess in guesses:
        known = by_name.get(guess.name)
        by_name[guess.name] = guess if known is None or guess.rank >= known.rank else known
    ranked = sorted(by_name.values(), key=lambda guess: guess.rank, reverse=True)
    held_out = [guess for guess in ranked if guess.rank[0] >= 0]
    return (held_out or ranked[:1])[:MOST]


def printed_metrics(lines: Sequence[PrintedLine], source: PythonSource) -> list[MetricGuess]:
    """Return a metric for each number that a line prints after the name of one, or from a variable of such a name."""
    return [guess for line in lines for guess in _of_line(line, lines, source)]


def written_metrics(results: WrittenResults, source: PythonSource, is_in_run_folder: bool = False) -> list[MetricGuess]:
    """Return the metrics in JSON that is printed, and in files that lie in the folder of the training.

    `is_in_run_folder`: True if the script runs in that folder, so that files with fixed names lie there too.
    """
    guesses = []
    for file in results.files:
        if file.is_in_folder or is_in_run_folder:
            guesses += _of_keys(file.keys, f"{file.path}:", f"written to {file.path}", file.call, source)
    for call, keys in results.printed:
        guesses += _of_keys(keys, "json:", "printed as JSON", call, source)
    return guesses


def _of_keys(
    keys: Mapping[str, ast.expr | None], origin: str, words: str, call: ast.Call, source: PythonSource
) -> list[MetricGuess]:
    reason, is_final = f"{words} in line {call.lineno}", not source.is_in_loop(call)
    percent = {
        key for key, value in keys.items() if value is not None and is_rate(key) and _is_times_100(value, source)
    }
    return [
        MetricGuess(slug(key), f"{origin}{key}", reason, key in percent, is_final, True)
        for key in keys
        if is_metric(key)
    ]


def _of_line(line: PrintedLine, lines: Sequence[PrintedLine], source: PythonSource) -> Iterator[MetricGuess]:
    counted = None  # the metric of `Accuracy: 93/100 (93%)`, whose value comes after two counts
    for index, piece in enumerate(line.pieces):
        if not isinstance(piece, PrintedNumber):
            continue
        before, after = _text_at(line, index - 1), _text_at(line, index + 1)
        name = metric_in(before, " ".join(filter(_is_text, line.pieces[: max(index - 1, 0)])))
        name = name or (None if re.search("[A-Za-z]", before) else counted) or _named_by(piece.value)
        if "/" in (before.strip(), after.strip()):
            counted = name if after.strip() == "/" else counted
            continue
        counted = None
        if name is not None:
            is_percent = is_rate(name) and _is_percent(piece, after, source)
            origin, reason = f"stdout:{number_pattern(line, index, lines)}", f"printed in line {line.call.lineno}"
            yield MetricGuess(name, origin, reason, is_percent, not source.is_in_loop(line.call))


def _is_text(piece: str | PrintedNumber) -> TypeGuard[str]:
    return isinstance(piece, str)


def _text_at(line: PrintedLine, index: int) -> str:
    piece = line.pieces[index] if 0 <= index < len(line.pieces) else ""
    return piece if isinstance(piece, str) else ""


def _named_by(value: ast.expr) -> str | None:
    """Return the name of the metric that an expression holds by its variable, attribute, key or function."""
    names = [text_of(node.slice) for node in ast.walk(value) if isinstance(node, ast.Subscript)]
    names += [last_name(node) for node in ast.walk(value) if isinstance(node, ast.Call | ast.Name | ast.Attribute)]
    name = next((name for name in names if is_metric(name) and name not in OTHER_NAMES), None)
    return None if name is None else slug(name.removesuffix("_score"))


def _is_percent(number: PrintedNumber, after: str, source: PythonSource) -> bool:
    """Return True if a number is printed as percent: by its format, the text after it, or a factor of 100."""
    if number.spec.endswith("%") or after.lstrip().startswith("%"):
        return True
    return _is_times_100(number.value, source)


def _is_times_100(value: ast.expr, source: PythonSource) -> bool:
    """Return True if a factor of 100 is in an expression, or in one that a variable in it was assigned from."""
    names = {dotted(node) for node in ast.walk(value) if isinstance(node, ast.Name | ast.Attribute)}
    values = [inner for node in ast.walk(source.tree) for name, inner in assigned(node) if name in names]
    return any(_has_factor_100(each) for each in (value, *values))


def _has_factor_100(node: ast.expr) -> bool:
    products = [each for each in ast.walk(node) if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Mult)]
    sides = [side for each in products for side in (each.left, each.right)]
    return any(isinstance(side, ast.Constant) and side.value == 100 for side in sides)
