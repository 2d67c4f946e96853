"""The metrics of a script, guessed from the lines that it prints and the files that it writes."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
from ablate.study.starting.scanning.options import words_of
from ablate.study.starting.scanning.printed_lines import PrintedLine, PrintedNumber
from ablate.study.starting.scanning.source import PythonSource, assigned, dotted, last_name, text_of
from ablate.study.starting.scanning.written_files import WrittenResults

MOST = 2
"""Metrics of a first study."""
NUMBER = "([-+.0-9eE]+)"
"""The group of a number in a regular expression; not-a-number and infinity are matched as well."""
_SAMPLE = "0.5"
_BETWEEN = " \t,;|/-"


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
    counted = None
    for index, piece in enumerate(line.pieces):
        if not isinstance(piece, PrintedNumber):
            continue
        before, after = _text_at(line, index - 1), _text_at(line, index + 1)
        name = metric_in(
            before, " ".join(piece for piece in line.pieces[: max(index - 1, 0)] if isinstance(piece, str))
        )
        name = name or (counted if not re.search(r"[A-Za-z]", before) else None) or _named_by(piece.value)
        counted = name if after.strip() == "/" else None  # `Accuracy: 93/100 (93%)`: the rate comes later
        if name is None or after.strip() == "/" or before.strip() == "/":
            counted = counted or (name if before.strip() == "/" else None)
            continue
        is_percent = _is_percent(piece, after, source) and is_rate(name)
        origin = f"stdout:{pattern(line, index, lines)}"
        reason = f"printed in line {line.call.lineno}"
        yield MetricGuess(name, origin, reason, is_percent, not source.is_in_loop(line.call))


def _text_at(line: PrintedLine, index: int) -> str:
    piece = line.pieces[index] if 0 <= index < len(line.pieces) else ""
    return piece if isinstance(piece, str) else ""


def _named_by(value: ast.expr) -> str | None:
    """Return the name of the metric that an expression holds by its variable, attribute, key or function."""
    names = [text_of(node.slice) for node in ast.walk(value) if isinstance(node, ast.Subscript)]
    names += [last_name(node) for node in ast.walk(value) if isinstance(node, ast.Call | ast.Name | ast.Attribute)]
    name = next((name for name in names if is_metric(name)), None)
    return (
        None
        if name is None
        else "_".join(word for word in words_of(name) if word not in ("score", "sklearn")) or slug(name)
    )


def pattern(line: PrintedLine, index: int, lines: Sequence[PrintedLine]) -> str:
    """Return a regular expression for the number at an index of a line, which matches no other number that is printed.

    It begins with the text right before the number, and takes in more of the line until it is unique.
    """
    expression = ""
    for start in reversed(range(index)):
        expression = _expression(line, start, index) or expression
        for each in (expression, f"\\b{expression}"):
            if expression and _is_unique(each, line, index, lines):
                return each
    if not expression:
        return f"^{NUMBER}$" if len(line.pieces) == 1 else f"^{NUMBER}"
    return expression


def _expression(line: PrintedLine, start: int, index: int) -> str:
    """Return the expression from one piece of a line on; empty if that piece is nothing but spaces and marks."""
    first = line.pieces[start]
    head = _escaped(first.lstrip(_BETWEEN)) if isinstance(first, str) else NUMBER.strip("()")
    between = (_escaped(piece) if isinstance(piece, str) else ".*?" for piece in line.pieces[start + 1 : index])
    text = head + "".join(between) if head else ""
    number = line.pieces[index]
    is_padded = isinstance(number, PrintedNumber) and re.match(r"[<>^ +]*[1-9]", number.spec) is not None
    return f"{text.rstrip()} *{NUMBER}" if text and is_padded else f"{text}{NUMBER}" if text else ""


def _is_unique(expression: str, line: PrintedLine, index: int, lines: Sequence[PrintedLine]) -> bool:
    own = _sample(line.pieces)
    match = re.search(expression, own)
    if match is None or match.start(1) != len(_sample(line.pieces[:index])):
        return False
    return not any(re.search(expression, text) for other in lines if (text := _sample(other.pieces)) != own)


def _sample(pieces: Sequence[str | PrintedNumber]) -> str:
    return "".join(piece if isinstance(piece, str) else _SAMPLE for piece in pieces)


def _escaped(text: str) -> str:
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


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
