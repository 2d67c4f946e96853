"""Faults of YAML's syntax in plain words, with the line that is wrong and a caret below the place.

The parser reports the place at which it gave up. That is often below the mistake, and its words are about tokens.
"""

import re
import unicodedata
from dataclasses import dataclass

import yaml

WIDEST = 76
"""Columns of a line that a message shows."""

LONGEST_QUOTED = 60
"""Letters of the longest value that a message repeats in quotes. A shortened one could not be pasted."""

_KEY = r"[A-Za-z_][\w.-]*"
_NO_SPACE = re.compile(rf"\s*(?:- +)?({_KEY}):(?=[^\s:/])(.*)")
_EQUALS = re.compile(rf"\s*(?:- +)?({_KEY})\s*=\s*(.+)")
_TWO_WORDS = re.compile(rf"\s*(?:- +)?({_KEY})\s+(\S.*)")
_ODD_SPACE = re.compile(rf"(\s*(?:- +)?{_KEY}:)(\s)")
_NO_COLON = re.compile(rf"(\s*(?:- +)?)({_KEY})\s*[{{\[]")
_OPENING_QUOTE = re.compile(r"(?:[:,\[{-]|^)\s+(['\"])")


@dataclass(frozen=True)
class SyntaxFault:
    """A fault and its place."""

    message: str
    line: int
    """The line, from 1."""
    column: int
    """The column, from 1."""


def explained(error: yaml.YAMLError, text: str) -> SyntaxFault:
    """Return the fault that made the parser give up."""
    return _Explanation(error, text).fault()


def shown(fault: SyntaxFault, text: str) -> str:
    """Return the line of a fault with a caret below its column, both indented; a long line is cut around it."""
    line = _lines(text)[fault.line - 1] if fault.line <= len(_lines(text)) else ""
    begin = max(0, min(fault.column - WIDEST // 2, len(line) - WIDEST)) if len(line) > WIDEST else 0
    part = line[begin : begin + WIDEST].rstrip()
    if not part.strip():
        return ""
    before = "".join("\t" if letter == "\t" else " " for letter in part[: fault.column - 1 - begin])
    visible = [each if each.isprintable() or each == "\t" else "\N{REPLACEMENT CHARACTER}" for each in part]
    return f"\n    {''.join(visible)}\n    {before}^"


def odd_space(text: str) -> str | None:
    """Return the fault of a text that begins with a space that is none of YAML's; None if it begins with a letter."""
    if not text[:1].isspace() or text[:1] in " \t":
        return None
    name = unicodedata.name(text[0], "a space").lower()
    return f"a space of another kind (U+{ord(text[0]):04X}, {name}) stands here; write plain spaces"


def _lines(text: str) -> list[str]:
    return text.split("\n")


class _Explanation:
    """The parser's report about one text. Lines and columns are those of the parser, from 0."""

    def __init__(self, error: yaml.YAMLError, text: str) -> None:
        self.lines = _lines(text)
        self.problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "this is no YAML")
        self.context = str(getattr(error, "context", None) or "")
        mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
        position = getattr(error, "position", 0)
        before = text[:position]
        self.line = mark.line if mark else before.count("\n")
        self.column = mark.column if mark else len(before) - before.rfind("\n") - 1
        self.from_line, self.from_column = (context.line, context.column) if context else (self.line, self.column)
        self.is_character = isinstance(error, yaml.reader.ReaderError)

    def fault(self) -> SyntaxFault:
        explain = (
            self._character,
            self._tab,
            self._quote,
            self._first_letter,
            self._flow,
            self._missing_colon,
            self._second_colon,
            self._rest_of_value,
            self._indentation,
        )
        found = next((fault for fault in (each() for each in explain) if fault), None)
        message = f"{self.problem}; put a value with special characters in quotes"
        return found or self._at(self.line, self.column, message)

    def _at(self, line: int, column: int, message: str) -> SyntaxFault:
        return SyntaxFault(message, line + 1, column + 1)

    def _text(self, line: int) -> str:
        return self.lines[line] if 0 <= line < len(self.lines) else ""

    def _character(self) -> SyntaxFault | None:
        if not self.is_character:
            return None
        letter = self._text(self.line)[self.column : self.column + 1]
        name = f"U+{ord(letter):04X}" if letter else "a character"
        return self._at(self.line, self.column, f"a control character ({name}) stands here; delete it")

    def _tab(self) -> SyntaxFault | None:
        for line in (self.line, self.from_line):
            text = self._text(line)
            indent = text[: len(text) - len(text.lstrip())]
            if "\t" in indent:
                return self._at(line, indent.index("\t"), "a tab indents this line; YAML wants spaces")
            if odd := odd_space(indent.lstrip(" ")):
                return self._at(line, len(indent) - len(indent.lstrip(" ")), odd)
        return None

    def _quote(self) -> SyntaxFault | None:
        if "quoted scalar" in self.context and "end of stream" in self.problem:
            return self._at(self.from_line, self.from_column, "the quote that opens here is not closed")
        if "escape" in self.problem:
            message = "a backslash in double quotes begins an escape; use single quotes, or write it twice"
            return self._at(self.line, self.column - 1, message)
        if "expected key" in self.problem or "expected ',' or" in self.problem:
            for line in range(self.line - 1, -1, -1):
                opening = _OPENING_QUOTE.search(self._text(line))
                if opening and self._text(line).count(opening[1]) == 1:
                    return self._at(line, opening.start(1), "the quote that opens here is not closed in this line")
        return None

    def _first_letter(self) -> SyntaxFault | None:
        """Explain a value that begins with a letter that YAML keeps for itself."""
        text = self._text(self.from_line)
        rest = text[self.from_column :].strip()
        before = text[: self.from_column]
        if any(before.count(opening) > before.count(closing) for opening, closing in ("{}", "[]")):
            rest = re.split(r"[,}\]]", rest, maxsplit=1)[0].strip() or rest
        if "cannot start any token" in self.problem or "scanning an anchor" in self.context:
            message = f"a value cannot begin with {rest[:1]}; put it in quotes: {_quoted(rest)}"
            return self._at(self.from_line, self.from_column, message)
        if "scanning an alias" in self.context or "scanning a tag" in self.context:
            message = f"a value that begins with {rest[:1]} has a meaning of its own in YAML; put it in quotes"
            return self._at(self.from_line, self.from_column, f"{message}: {_quoted(rest)}")
        if "directive" in self.context:
            message = "a line cannot begin with %; a comment begins with #, and text stands in quotes"
            return self._at(self.from_line, self.from_column, message)
        if "block scalar" in self.context:
            message = f"after {rest[:1]} the text begins on the next line; or put this value in quotes: {_quoted(rest)}"
            return self._at(self.from_line, self.from_column, message)
        return None

    def _flow(self) -> SyntaxFault | None:
        """Explain a fault between brackets or braces."""
        if "found unexpected ':'" in self.problem:
            return self._at(self.line, self.column, "write a space after this colon")
        if "expected node content" in self.problem:
            return self._at(self.line, self.column, "a value is missing here, before this comma or bracket")
        if "expected ',' or" not in self.problem:
            return None
        opening = self._text(self.from_line)[self.from_column : self.from_column + 1]
        closing = "]" if opening == "[" else "}"
        letter = self._text(self.line)[self.column : self.column + 1]
        if letter in ("]", "}") and letter != closing:
            if self._text(self.line)[: self.column].rstrip().endswith(letter):
                return self._at(self.line, self.column, f"this {letter} closes nothing; take it out")
            message = f"this {letter} stands where the {opening} in column {self.from_column + 1} wants its {closing}"
            return self._at(self.line, self.column, message)
        if self.line == self.from_line or self._indent(self.line) > self._indent(self.from_line):
            message = f"a comma or {closing} is missing before this"
            if letter == ":":
                message = "a comma is missing before the key of this colon, or the value with the colon wants quotes"
            return self._at(self.line, self.column, message)
        return self._at(self.from_line, self.from_column, f"the {opening} that opens here is not closed")

    def _missing_colon(self) -> SyntaxFault | None:
        """Explain a line that is no `key: value`. The parser notices it in the next line with a colon."""
        if "could not find expected ':'" in self.problem:
            return self._without_colon(self.from_line) or self._at(
                self.from_line, self.from_column, "a colon is missing in this line: `key: value`"
            )
        if "mapping values are not allowed" in self.problem:
            above = self._above(self.line)
            is_entry = ": " in f"{self._text(above)} " or self._text(above).rstrip().endswith(":")
            if above >= 0 and not is_entry and not self._text(above).strip().startswith("- "):
                return self._without_colon(above)
        return None

    def _without_colon(self, line: int) -> SyntaxFault | None:
        text = self._text(line).split(" #")[0].rstrip()
        column = len(text) - len(text.lstrip())
        if (match := _ODD_SPACE.match(text)) and (odd := odd_space(match[2])):
            return self._at(line, len(match[1]), odd)
        if text.lstrip().startswith("//"):
            return self._at(line, column, "a comment begins with #")
        if match := _NO_SPACE.fullmatch(text):
            message = f"write a space after the colon: `{match[1]}: {match[2]}`"
        elif match := _EQUALS.fullmatch(text):
            message = f"write a colon, not an equals sign: `{match[1]}: {match[2]}`"
        elif match := _TWO_WORDS.fullmatch(text):
            message = f"a colon is missing after {match[1]!r}: `{match[1]}: {match[2]}`"
        elif text.strip():
            message = f"a colon is missing after {text.strip()!r}: `{text.strip()}:`"
        else:
            return None
        return self._at(line, column, message)

    def _second_colon(self) -> SyntaxFault | None:
        if "mapping values are not allowed" not in self.problem:
            return None
        text, above = self._text(self.line), self._above(self.line)
        first = re.match(rf"(\s*(?:- +)?{_KEY}):\s+", text)
        if first and first.end() <= self.column:
            value = text[first.end() :].strip()
            message = f"a second colon in one value; put the value in quotes: {_quoted(value)}"
            return self._at(self.line, self.column, message)
        if self._indent(self.line) > self._indent(above):
            message = f"this line is indented more than line {above + 1}, which has a value already; indent both alike"
            return self._at(self.line, self._indent(self.line), message)
        if no_colon := _NO_COLON.match(text):
            message = f"a colon is missing after {no_colon[2]!r}: `{no_colon[2]}:`"
            return self._at(self.line, len(no_colon[1]), message)
        return self._at(self.line, self.column, "a colon cannot stand here; put a value with a colon in quotes")

    def _rest_of_value(self) -> SyntaxFault | None:
        """Explain text after a value that ends with a quote, bracket or brace."""
        before = self._text(self.line)[: self.column].rstrip()
        if "expected key" not in self.problem or before[-1:] not in ("'", '"', "]", "}"):
            return None
        if before[-1] == "'":
            message = "the text goes on after its closing quote; an apostrophe in single quotes is written twice"
        elif before[-1] == '"':
            message = "the text goes on after its closing quote; use single quotes around a text with double ones"
        else:
            message = f"the text goes on after {before[-1]}; put the whole value in quotes"
        return self._at(self.line, self.column, message)

    def _indentation(self) -> SyntaxFault | None:
        if "expected '-' indicator" in self.problem:
            message = "every entry of this list begins with a dash; add `- `, or indent the line below its entry"
            return self._at(self.line, self.column, message)
        if "expected key" not in self.problem or self.column != self._indent(self.line):
            return None
        if self._text(self.line).lstrip().startswith("- "):
            message = "an entry of a list stands among keys; indent it below the key of its list"
            return self._at(self.line, self.column, message)
        open_indents: list[int] = []
        for line in range(self.line):
            if self._text(line).strip() and not self._text(line).lstrip().startswith("#"):
                indent = self._indent(line)
                open_indents = [*(each for each in open_indents if each < indent), indent]
        near = " or ".join(str(each) for each in open_indents)
        spaces = f"{self.column} space{'' if self.column == 1 else 's'}"
        return self._at(self.line, self.column, f"this line is indented by {spaces}; accepted: {near}, as above it")

    def _above(self, line: int) -> int:
        """Return the nearest line above that is neither empty nor a comment; −1 if there is none."""
        texts = ((at, self._text(at).strip()) for at in range(line - 1, -1, -1))
        return next((at for at, text in texts if text and not text.startswith("#")), -1)

    def _indent(self, line: int) -> int:
        text = self._text(line)
        return len(text) - len(text.lstrip(" "))


def _quoted(value: str) -> str:
    """Return a value in single quotes, as YAML writes it; of a long one, how that is done."""
    text = value.split(" #")[0].rstrip().strip("'\"").replace("'", "''")
    return f"'{text}'" if len(text) <= LONGEST_QUOTED else "one ' before it and one after it"
