"""The form of run names that a user gives, such as `{arch}_{norm}_seed{seed}`, and the settings that it finds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ablate.errors import SourceError
from ablate.imports.source import FIELD, Cell
from ablate.text import fault_lines

LONGEST_NAME = 300
"""Letters of the longest name that is compared with a form."""
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class NameForm:
    """The form of run names: texts and fields in turn."""

    text: str
    """The form as it was typed."""
    pieces: tuple[str, ...]
    """A text, a field, a text, a field, …, a text."""

    @classmethod
    def parsed(cls, text: str) -> "NameForm":
        """Return the form that a text gives. SourceError if it has no fields, or cannot be read in one way."""
        pieces = FIELD.split(text)
        fields, between = pieces[1::2], pieces[2:-1:2]
        if not fields or any("{" in each or "}" in each for each in pieces[::2]):
            raise _form_error(text, "it needs a field in curly brackets for each setting")
        if not all(each.strip() for each in fields):
            raise _form_error(text, "a field has no name")
        if twice := sorted({each for each in fields if fields.count(each) > 1}):
            raise _form_error(text, f"the field {twice[0]} is there twice")
        if not all(between):
            raise _form_error(text, "two fields follow one another, so that it is not clear where the first one ends")
        return cls(text, tuple(pieces))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the settings."""
        return self.pieces[1::2]

    def settings(self, name: str) -> dict[str, Cell] | None:
        """Return {field: value} of a name; None if the name is not of this form. The last field takes the most."""
        end = _end(name, self.text)
        values = _match(self.pieces, end, is_whole=True) if len(end) <= LONGEST_NAME else None
        return (
            None if values is None else {field: typed(value) for field, value in zip(self.fields, values, strict=True)}
        )

    def fault(self, name: str) -> str:
        """Return in words how far a name is of this form."""
        end = _end(name, self.text)
        if len(end) > LONGEST_NAME:
            return f"{end[:60]!r}…: it has {len(end):,} letters, more than {LONGEST_NAME}"
        for count in range(len(self.fields), 0, -1):
            rest = self.pieces[2 * count]
            values = _match((*self.pieces[: 2 * count], ""), end, is_whole=False)
            if values is None:
                continue
            pairs = [f"{field}={value}" for field, value in zip(self.fields, values, strict=False)]
            expected = f"the text {rest!r}" if rest else "its end"
            fits = ", ".join(pairs[:-1]) or "no part"
            return f"{end!r}: {fits} fits; {expected} after {{{self.fields[count - 1]}}} does not"
        return f"{end!r}: it does not begin with {self.pieces[0]!r}"


def form_settings(form: str, names: Sequence[str]) -> list[dict[str, Cell]]:
    """Return the settings in each name. SourceError with every name that is not of the form."""
    parsed = NameForm.parsed(form)
    settings = [parsed.settings(name) for name in names]
    if faults := [parsed.fault(name) for name, each in zip(names, settings, strict=True) if each is None]:
        raise SourceError(
            f"--names: {len(faults):,} of {len(names):,} names are not of the form {form!r}:\n{fault_lines(faults)}\n"
            "write a form that all names have; each field stands for one setting, and the text between fields is in "
            "every name"
        )
    return [each or {} for each in settings]


def typed(text: str) -> Cell:
    """Return a text as the number or truth value that it shows; other texts as they are."""
    if _NUMBER.fullmatch(text) and len(text) < 19:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _match(pieces: Sequence[str], name: str, is_whole: bool) -> tuple[str, ...] | None:
    regex = "".join("(.+?)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))
    match = re.compile(regex, re.DOTALL).fullmatch(name) if is_whole else re.compile(regex, re.DOTALL).match(name)
    return match.groups() if match else None


def _end(name: str, form: str) -> str:
    """Return the last parts of a path, as many as the form has."""
    return "/".join(name.split("/")[-1 - form.count("/") :])


def _form_error(form: str, reason: str) -> SourceError:
    return SourceError(
        f"--names: the form {form!r} cannot be used: {reason}; an example is '{{arch}}_{{norm}}_seed{{seed}}'"
    )
