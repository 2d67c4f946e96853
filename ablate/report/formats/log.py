"""The log format, written from the store's rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from ablate.analysis.results import RowResult, StudyResults
from ablate.study.factors import level_text
from ablate.study.logfile.parser import DIGITS, NOTE
from ablate.study.logfile.vocabulary import BACKBONE, BACKBONES, PARTS, factor_of, title_parts, words_of
from ablate.trainers.registry import TRAINERS


def render(results: StudyResults) -> str:
    """Return a `# setting` section, then a section for each row with a result."""
    setting = results.document.setting
    opening = "# setting\n" if results.document.tight else "# setting\n\n"
    sections = [opening + "\n\n".join(_blocks(setting))] if setting else []
    for row in results.rows:
        if row.rates:
            sections.append(
                "\n\n".join([f"# {row.title or row.label}", *_blocks(_lines(row, results)), _accuracy(row)])
            )
    return "\n\n".join(sections) + "\n"


def _blocks(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Return `key: value` blocks; consecutive notes form one block."""
    notes: list[str] = []
    for key, value in lines:
        if key == NOTE:
            notes.append(f"    - {value}")
            continue
        if notes:
            yield "\n".join(notes)
            notes = []
        yield f"{key}: {value}".rstrip()
    if notes:
        yield "\n".join(notes)


def _lines(row: RowResult, results: StudyResults) -> list[tuple[str, str]]:
    """Return the own lines of an imported row; else a line for each factor that the title does not name."""
    if row.lines is not None:
        return [(key, value) for key, value in row.lines]
    named = {factor_of(part) for part in title_parts(row.title or row.label)}
    trainer = TRAINERS.get(results.document.trainer)
    opening = list(trainer.log_row) if trainer else []
    shared = dict(results.document.setting)
    in_title = {name for name in results.factors if _in_title(name, row, named, shared.get(BACKBONE))}
    return opening + [(words_of(name), _value(row.levels[name])) for name in results.factors if name not in in_title]


def _in_title(name: str, row: RowResult, named: set[str], shared: str | None) -> bool:
    """Return True if the title gives the level: it names components that are on, and a backbone of its own."""
    if name == BACKBONE:
        leading = (title_parts(row.title or row.label) or [""])[0]
        is_named = BACKBONES.fullmatch(leading) is not None
        return bool(row.levels[name] == (leading if is_named else shared))
    return name in PARTS.values() and (row.levels[name] == "on") == (name in named)


def _value(level: Any) -> str:
    return {"on": "True", "off": "False"}.get(level_text(level), level_text(level))


def _accuracy(row: RowResult) -> str:
    lines = [f"    - top-{k}\n      {rate:.{DIGITS}g}" for k, rate in row.rates.items()]
    return "accuracy:\n\n" + "\n".join(lines)
