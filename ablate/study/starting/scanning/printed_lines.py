"""The lines that a script prints or logs: their texts, and the numbers between them."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ablate.study.starting.scanning.source import PythonSource, dotted, keyword, last_name, text_of

PRINTERS = ("print", "info", "echo", "write", "critical", "warning", "log", "secho", "debug")
"""The last names of functions that print their first argument."""
WRAPPERS = ("str", "round", "float", "repr")
"""Functions whose result shows the number that they are given."""
_FORMAT_FIELD = re.compile(r"\{\{|\}\}|\{([^{}:!]*)(?:![rsa])?(?::([^{}]*))?\}")
_PERCENT_FIELD = re.compile(r"%%|%(?:\((\w+)\))?([-+ #0]*\d*(?:\.\d+)?)([diouxXeEfFgGsr])")


@dataclass(frozen=True)
class PrintedNumber:
    """A place in a printed line at which a value stands."""

    value: ast.expr
    spec: str = ""
    """The format, such as `.3f`."""


Piece = str | PrintedNumber


@dataclass(frozen=True)
class PrintedLine:
    """One line of output, as the script puts it together."""

    pieces: tuple[Piece, ...]
    call: ast.Call

    @property
    def texts(self) -> list[str]:
        """The texts of the line, without the values."""
        return [piece for piece in self.pieces if isinstance(piece, str)]


def printed_lines(source: PythonSource) -> list[PrintedLine]:
    """Return the lines of all calls that print, in the order of the file, without those about exceptions."""
    calls = [
        call for call in source.calls if not any(isinstance(each, ast.ExceptHandler) for each in source.around(call))
    ]
    return [line for call in calls for line in _lines_of(call)]


def _lines_of(call: ast.Call) -> Iterator[PrintedLine]:
    name = last_name(call.func)
    if name not in PRINTERS or not call.args or (name == "print" and dotted(keyword(call, "file")) == "sys.stderr"):
        return
    if name in ("write", "log", "warning", "debug") and isinstance(call.func, ast.Name):
        return
    pieces = _printed(call, name == "print" or name in ("echo", "secho"))
    line: list[Piece] = []
    for piece in pieces:
        parts: list[Piece] = [*piece.split("\n")] if isinstance(piece, str) else [piece]
        for index, part in enumerate(parts):
            if index:
                yield PrintedLine(tuple(line), call)
                line = []
            line += [part] if part != "" else []
    if line:
        yield PrintedLine(tuple(line), call)


def _printed(call: ast.Call, is_print: bool) -> list[Piece]:
    """Return the pieces that a call prints: its arguments with spaces between, or a format and its values."""
    first = call.args[0]
    if not is_print and text_of(first) and len(call.args) > 1:
        return _percent(text_of(first), call.args[1:])
    separator = text_of(keyword(call, "sep")) if keyword(call, "sep") else " "
    pieces: list[Piece] = []
    for index, argument in enumerate(call.args if is_print else [first]):
        pieces += [separator] if index else []
        pieces += _pieces(argument)
    return _joined(pieces)


def _pieces(node: ast.expr) -> list[Piece]:
    """Return the texts and values that an expression is put together from."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return [piece for value in node.values for piece in _of_f_string(value)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and text_of(node.left):
        values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return _percent(text_of(node.left), values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _is_text(node):
        return [*_pieces(node.left), *_pieces(node.right)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _format(text_of(node.func.value), node)
    if isinstance(node, ast.Call) and dotted(node.func) in WRAPPERS and node.args:
        return [PrintedNumber(node.args[0])]
    return [PrintedNumber(node)]


def _is_text(node: ast.expr) -> bool:
    """Return True if an expression that adds is about text, not about numbers."""
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return bool(text_of(node)) or isinstance(node, ast.JoinedStr)


def _of_f_string(value: ast.expr) -> list[Piece]:
    if not isinstance(value, ast.FormattedValue):
        return [text_of(value)]
    spec = value.format_spec
    text = "".join(map(text_of, spec.values)) if isinstance(spec, ast.JoinedStr) else ""
    return [PrintedNumber(value.value, text)]


def _format(template: str, call: ast.Call) -> list[Piece]:
    pieces: list[Piece] = []
    end = count = 0
    for match in _FORMAT_FIELD.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            pieces.append(match[0][0])
            continue
        name = re.split(r"[.\[]", match[1] or "")[0]
        position = int(name) if name.isdigit() else count
        value = keyword(call, name) if name and not name.isdigit() else None
        value = value or (call.args[position] if position < len(call.args) else ast.Constant(None))
        pieces.append(PrintedNumber(value, match[2] or ""))
        count += 1
    return _joined([*pieces, template[end:]])


def _percent(template: str, values: Sequence[ast.expr]) -> list[Piece]:
    pieces: list[Piece] = []
    end = count = 0
    for match in _PERCENT_FIELD.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        if match[0] == "%%":
            pieces.append("%")
            continue
        value = values[count] if count < len(values) else ast.Constant(None)
        pieces.append(PrintedNumber(value, match[2] + match[3]))
        count += 1
    return _joined([*pieces, template[end:]])


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces with texts next to each other as one."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece != "":
            joined.append(piece)
    return joined
