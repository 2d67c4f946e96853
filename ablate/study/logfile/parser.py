"""Reads the log format: a `# setting` section, then a section for each row with its lines and its accuracy."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ablate.errors import LogError
from ablate.filesystem import read_regular
from ablate.trainers.entry import NOTE as NOTE

MOST_QUERIES = 10_000_000
"""The largest number of queries that is tried."""
CHUNK = 100_000
"""The number of candidates for the number of queries that are tried at once."""
MOST_FAULTS = 20
"""The largest number of faults that are shown."""
EXAMPLE = "studies/reference/baseline-log.md"
"""A log that messages give as an example."""
ACCURACY = "accuracy:"
"""The line after which a row lists its rates."""
DIGITS = 12
"""The number of significant digits of a printed rate, as in Python's '%.12g'."""

Line = tuple[str, str]
"""(key, value) as written. A note, which is an indented `- text`, has the key NOTE."""


@dataclass(frozen=True)
class LogRow:
    """A row as written."""

    number: int
    """Its position among the rows, from 1."""
    title: str
    lines: tuple[Line, ...]
    rates: dict[int, str]
    """{k: the printed top-k rate, from 0 to 1}."""


@dataclass(frozen=True)
class ExperimentLog:
    """A whole log."""

    setting: tuple[Line, ...]
    tight: bool
    """True if the setting's first line follows its heading without a blank line."""
    rows: tuple[LogRow, ...]
    queries: int
    """The number of queries, inferred from the rates."""

    def hits(self, row: LogRow) -> dict[int, int]:
        """Return {k: hits}: the row's rates times the number of queries, which are whole numbers."""
        return {k: round(Decimal(text) * self.queries) for k, text in row.rates.items()}


@dataclass
class _Section:
    title: str
    at: int
    lines: list[tuple[int, str]] = field(default_factory=list)


def read_log(path: Path) -> ExperimentLog:
    """Return the log in a file; LogError with every fault and its line."""
    try:
        text = read_regular(path).decode("utf-8-sig")
    except IsADirectoryError:
        raise LogError(f"{path}: is a folder; give a log file, like {EXAMPLE}") from None
    except FileNotFoundError:
        place = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise LogError(f"{path}: no such file{place}; give the path of a log, like {EXAMPLE}") from None
    except OSError as error:
        raise LogError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise LogError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    try:
        return parse_log(text)
    except LogError as error:
        faults = str(error).splitlines()
        texts = [f"{path}:{line}" for line in faults[:MOST_FAULTS]]
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise LogError("\n".join(texts + more)) from None


def parse_log(text: str) -> ExperimentLog:
    """Return the log in a text. Every line of the LogError begins with the number of the faulty line."""
    faults: list[str] = []
    sections = _sections(text.splitlines(), faults)
    setting = next((section for section in sections if section.title == "setting"), None)
    row_sections = [section for section in sections if section is not setting]
    if faults and setting is None and not any(_accuracy_position(section) is not None for section in sections):
        raise LogError(
            "1: this is not a log: it has no `# setting` heading and no `# title` heading of a row with an "
            "`accuracy:` list (a study file is run with `ablate run`)"
        )
    if not row_sections:
        faults.append("1: no row; a log is a `# setting` section and then a `# title` section for each row")
    lines = _lines(setting, faults) if setting else ()
    rows = [_row(number, section, faults) for number, section in enumerate(row_sections, start=1)]
    if faults:
        raise LogError("\n".join(faults))
    tight = setting is not None and bool(setting.lines) and setting.lines[0][0] == setting.at + 1
    queries = infer_queries([rate for row in rows for rate in row.rates.values()])
    return ExperimentLog(lines, tight, tuple(rows), queries)


def infer_queries(rates: Iterable[str]) -> int:
    """Return the smallest n such that every printed rate is a whole number over n; LogError if none up to 10⁷ is."""
    import numpy as np  # here, so that plans and help texts do not load it

    printed = list(dict.fromkeys(rates))
    bounds = [(float(rate), _half_unit(rate)) for rate in printed]
    for start in range(1, MOST_QUERIES + 1, CHUNK):
        n = np.arange(start, min(start + CHUNK, MOST_QUERIES + 1), dtype=np.float64)
        for rate, half in bounds:
            n = n[np.abs(rate * n - np.rint(rate * n)) <= half * n]
        if len(n):
            return int(n[0])
    raise LogError(
        f"1: the values are no rates of one set of queries: no n up to {MOST_QUERIES:,} makes all {len(printed)} of "
        "them whole; look for a value that was copied from another log, or rounded differently"
    )


def _half_unit(rate: str) -> float:
    """Return the largest distance of a rate from its printed text, with a thousandth more for errors of floats."""
    value = Decimal(rate)
    return 0.0 if value == 0 else 1.001 * 0.5 * 10.0 ** (value.adjusted() - DIGITS + 1)


def _sections(lines: Sequence[str], faults: list[str]) -> list[_Section]:
    sections: list[_Section] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            title = line.lstrip("#").strip()
            if not title:
                faults.append(f"{number}: a heading without a title")
            sections.append(_Section(title, number))
        elif line.strip() and not sections:
            faults.append(f"{number}: found {line.strip()[:40]!r} before the first heading, `# setting`")
        elif line.strip():
            sections[-1].lines.append((number, line))
    return sections


def _lines(section: _Section, faults: list[str]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for number, line in section.lines:
        key, colon, value = line.strip().partition(":")
        if line[0].isspace() and line.strip().startswith("- "):
            lines.append((NOTE, line.strip()[2:].strip()))
        elif colon and key.strip() and not line[0].isspace():
            lines.append((key.strip(), value.strip()))
        else:
            faults.append(f"{number}: found {line.strip()[:40]!r}; accepted: `key: value`, or an indented `- note`")
    return tuple(lines)


def _row(number: int, section: _Section, faults: list[str]) -> LogRow:
    at = _accuracy_position(section)
    if at is None:
        faults.append(f"{section.at}: row {section.title!r} has no `accuracy:` list")
        return LogRow(number, section.title, (), {})
    before, after = section.lines[:at], section.lines[at + 1 :]
    lines = _lines(_Section(section.title, section.at, before), faults)
    if not after:
        faults.append(f"{section.lines[at][0]}: the accuracy list of row {section.title!r} is empty")
    return LogRow(number, section.title, lines, _rates(after, faults))


def _accuracy_position(section: _Section) -> int | None:
    """Return the index of the section's `accuracy:` line; None if it has none."""
    return next((index for index, (_, line) in enumerate(section.lines) if line.strip() == ACCURACY), None)


def _rates(lines: Sequence[tuple[int, str]], faults: list[str]) -> dict[int, str]:
    """Return {k: value as printed} from pairs of lines: `- top-k`, then the value."""
    rates: dict[int, str] = {}
    k: int | None = None
    for number, line in lines:
        text = line.strip()
        if match := re.fullmatch(r"- top-([1-9]\d{0,6})", text):
            if k is not None:
                faults.append(f"{number}: top-{k} has no value")
            k = int(match[1])
            if k in rates:
                faults.append(f"{number}: top-{k} stands here twice")
        elif k is None:
            faults.append(f"{number}: found {text[:40]!r}; accepted: `- top-k`, and its value on the next line")
        else:
            if not _is_rate(text):
                faults.append(f"{number}: found {text[:40]!r} for top-{k}; accepted: a rate from 0 to 1")
            rates[k], k = text, None
    if k is not None:
        faults.append(f"{lines[-1][0]}: top-{k} has no value")
    return rates


def _is_rate(text: str) -> bool:
    try:
        return re.fullmatch(r"[0-9.eE+-]{1,40}", text) is not None and 0 <= Decimal(text) <= 1
    except InvalidOperation:
        return False
