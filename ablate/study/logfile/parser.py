"""Reads the log format: a `# setting` section, then a section for each row with its lines and its accuracy.

A log of several seeds also has a `# study` section, and the results of each seed below a row's accuracy.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from statistics import fmean
from typing import Any

from ablate.errors import LogError
from ablate.filesystem import read_regular
from ablate.study.logfile.examples import QueryCount, fault, inferred, stated
from ablate.study.logfile.measurements import RowMeasurements, read_measurements
from ablate.study.logfile.other_files import other_kind
from ablate.study.logfile.quoting import is_key, is_title, unquoted
from ablate.trainers.entry import NOTE as NOTE

MOST_FAULTS = 20
"""The largest number of faults that are shown."""
EXAMPLE = "studies/reference/baseline-log.md"
"""A log that messages give as an example."""
ACCURACY = "accuracy:"
"""The line after which a row lists its rates."""
RESULTS = "results:"
"""The line after which a row of a log with a `# study` section lists the results of its seeds."""
SETTING, STUDY = "setting", "study"
"""The headings of the sections that are no rows."""
QUOTED_KEY = re.compile(r'"(?:[^"\\]|\\.)*"(?=\s*:)')
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
    """{k: the printed top-k rate, from 0 to 1}; in a log of several seeds, the mean over them."""
    measured: RowMeasurements | None = None
    """The results of each seed; None in a log without a `# study` section."""
    places: Mapping[int, int] = field(default_factory=dict)
    """{k: the number of the line of its rate}."""


@dataclass(frozen=True)
class ExperimentLog:
    """A whole log."""

    setting: tuple[Line, ...]
    tight: bool
    """True if the setting's first line follows its heading without a blank line."""
    rows: tuple[LogRow, ...]
    queries: int
    """The number of queries: that of all rates, or the largest one that a row lists; 0 if it is not known."""
    study: Mapping[str, Any] | None = None
    """The section `# study`, {key: value}: the rules and factors under which the results were judged. None if the log
    has none."""
    inferred: bool = False
    """True if the number of queries was inferred from the decimals of the rates."""
    why_unknown: str = ""
    """Why the number of queries of a log without a `# study` section is not known."""

    def hits(self, row: LogRow) -> dict[int, int]:
        """Return {k: hits}, the whole numbers next to the rates times the number of queries; empty if it is unknown."""
        if not self.queries:
            return {}
        return {k: round(Decimal(text) * self.queries) for k, text in row.rates.items()}


@dataclass
class _Section:
    title: str
    at: int
    lines: list[tuple[int, str]] = field(default_factory=list)


def read_log(path: Path, examples: int | None = None) -> ExperimentLog:
    """Return the log in a file; LogError with every fault and its line. `examples`: the number of queries, if given."""
    try:
        content = read_regular(path)
        if other := other_kind(content):
            raise LogError(f"{path}: {other}")
        text = content.decode("utf-8-sig")
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
        return parse_log(text, examples)
    except LogError as error:
        faults = str(error).splitlines()
        if len(faults) == 1 and path.suffix in (".yaml", ".yml"):
            faults[-1] += f" (a study file is run with `ablate run {shlex.quote(str(path))}`)"
        texts = [f"{path}:{line}" for line in faults[:MOST_FAULTS]]
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise LogError("\n".join(texts + more)) from None


def parse_log(text: str, examples: int | None = None) -> ExperimentLog:
    """Return the log in a text. Every line of the LogError begins with the number of the faulty line.

    `examples`: the number of queries; None if it is not given.
    """
    faults: list[str] = []
    sections = _sections(text.splitlines(), faults)
    setting = next((section for section in sections if section.title == SETTING), None)
    row_sections = [section for section in sections if section is not setting]
    if faults and setting is None and not any(_position(section, ACCURACY) is not None for section in sections):
        raise LogError(
            "1: this is not a log: it has no `# setting` heading and no `# title` heading of a row with an "
            "`accuracy:` list"
        )
    study = None
    if row_sections and row_sections[0].title == STUDY and _position(row_sections[0], ACCURACY) is None:
        study = _study(row_sections.pop(0), faults)
    if not row_sections:
        faults.append("1: no row; a log is a `# setting` section and then a `# title` section for each row")
    lines = _lines(setting, faults) if setting else ()
    read_row = _row if study is None else _measured_row
    rows = [read_row(number, section, faults) for number, section in enumerate(row_sections, start=1)]
    if faults:
        raise LogError("\n".join(faults))
    tight = setting is not None and bool(setting.lines) and setting.lines[0][0] == setting.at + 1
    if study is not None:
        queries = max(row.measured.queries for row in rows if row.measured)
        if examples not in (None, queries):
            raise LogError(f"1: the log states its numbers of queries itself, so --examples {examples} cannot be used")
        return ExperimentLog(lines, tight, tuple(rows), queries, study)
    count = _query_count(lines, rows, examples)
    return ExperimentLog(lines, tight, tuple(rows), count.n, None, count.inferred, count.why)


def _query_count(setting: Sequence[Line], rows: Sequence[LogRow], examples: int | None) -> QueryCount:
    """Return the number of queries of all rates; LogError with each rate that is none of a given or stated number."""
    of_setting = stated(setting)
    n = examples or of_setting
    if not n:
        return inferred(rate for row in rows for rate in row.rates.values())
    if of_setting not in (0, n):
        raise LogError(f"1: `# setting` states {of_setting:,} queries, and --examples {n}; correct one of them")
    rates = [(row.places[k], k, rate) for row in rows for k, rate in row.rates.items()]
    if faults := [f"{at}: top-{k} {why}" for at, k, rate in rates if (why := fault(rate, n))]:
        raise LogError("\n".join(faults))
    return QueryCount(n)


def rate_text(rate: float) -> str:
    """Return a rate as the log format prints it."""
    return f"{rate:.{DIGITS}g}"


def _sections(lines: Sequence[str], faults: list[str]) -> list[_Section]:
    sections: list[_Section] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            title = line.lstrip("#").strip()
            if not title:
                faults.append(f"{number}: a heading without a title")
            sections.append(_Section(unquoted(title, is_title), number))
        elif line.strip() and not sections:
            faults.append(f"{number}: found {line.strip()[:40]!r} before the first heading, `# setting`")
        elif line.strip():
            sections[-1].lines.append((number, line))
    return sections


def _lines(section: _Section, faults: list[str]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for number, line in section.lines:
        key, colon, value = _key_and_value(line.strip())
        if line[0].isspace() and line.strip().startswith("- "):
            lines.append((NOTE, line.strip()[2:].strip()))
        elif colon and key.strip() and not line[0].isspace():
            lines.append((key.strip(), value.strip()))
        else:
            faults.append(f"{number}: found {line.strip()[:40]!r}; accepted: `key: value`, or an indented `- note`")
    return tuple(lines)


def _key_and_value(line: str) -> tuple[str, str, str]:
    """Return the key as it is written, the colon, and the value; in a quoted key, a colon is a letter."""
    match = QUOTED_KEY.match(line)
    if match and unquoted(match[0], is_key) != match[0]:
        _, colon, value = line[match.end() :].partition(":")
        return match[0], colon, value
    return line.partition(":")


def _study(section: _Section, faults: list[str]) -> dict[str, Any]:
    """Return the section `# study`, whose values are JSON."""
    values = {}
    for number, line in section.lines:
        key, _, text = (part.strip() for part in line.partition(":"))
        try:
            values[key] = json.loads(text)
        except ValueError:
            faults.append(f"{number}: found {text[:40]!r} for {key[:40]}; accepted: JSON, as `--format log` writes it")
    return values


def _measured_row(number: int, section: _Section, faults: list[str]) -> LogRow:
    """Return a row with the results of its seeds. A row without results has no accuracy list."""
    at = _position(section, RESULTS)
    if at is None:
        faults.append(f"{section.at}: row {section.title!r} has no `results:` list, which logs with `# study` need")
        return LogRow(number, section.title, (), {})
    measured = read_measurements(section.lines[at][0], section.lines[at + 1 :], faults)
    own = _Section(section.title, section.at, section.lines[:at])
    if measured.hits or _position(own, ACCURACY) is not None:
        row = _row(number, own, faults)
    else:
        row = LogRow(number, section.title, _lines(own, faults), {})
    hits = measured.hits if measured.queries else {}
    rates = {k: rate_text(fmean(counts) / measured.queries) for k, counts in hits.items() if counts}
    if rates != row.rates:
        faults.append(
            f"{section.at}: the accuracy of row {section.title!r} is not the mean of its hits over its queries; one of "
            "the two was changed"
        )
    return replace(row, measured=measured)


def _row(number: int, section: _Section, faults: list[str]) -> LogRow:
    at = _position(section, ACCURACY)
    if at is None:
        faults.append(f"{section.at}: row {section.title!r} has no `accuracy:` list")
        return LogRow(number, section.title, (), {})
    before, after = section.lines[:at], section.lines[at + 1 :]
    lines = _lines(_Section(section.title, section.at, before), faults)
    if not after:
        faults.append(f"{section.lines[at][0]}: the accuracy list of row {section.title!r} is empty")
    rates, places = _rates(after, faults)
    return LogRow(number, section.title, lines, rates, places=places)


def _position(section: _Section, heading: str) -> int | None:
    """Return the index of the section's line `accuracy:` or `results:`; None if it has none."""
    return next((index for index, (_, line) in enumerate(section.lines) if line.strip() == heading), None)


def _rates(lines: Sequence[tuple[int, str]], faults: list[str]) -> tuple[dict[int, str], dict[int, int]]:
    """Return {k: value as printed} and {k: its line} from pairs of lines: `- top-k`, then the value."""
    rates: dict[int, str] = {}
    places: dict[int, int] = {}
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
                faults.append(f"{number}: found {text[:40]!r} for top-{k}; accepted: a rate from 0 to 1{_meant(text)}")
            rates[k], places[k], k = text, number, None
    if k is not None:
        faults.append(f"{lines[-1][0]}: top-{k} has no value")
    return rates, places


def _is_rate(text: str) -> bool:
    try:
        return re.fullmatch(r"[0-9.eE+-]{1,40}", text) is not None and 0 <= Decimal(text) <= 1
    except InvalidOperation:
        return False


def _meant(text: str) -> str:
    """Return the rate that was probably meant: that of a percentage, or of a number with a decimal comma."""
    number = text.replace(",", ".").removesuffix("%").strip()
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,20})?", number) is None or Decimal(number) > 100:
        return ""
    value = Decimal(number)
    rate = value / 100 if value > 1 or text.endswith("%") else value
    return f"; did you mean {rate.normalize():f}?"
