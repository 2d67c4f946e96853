"""The formats of `ablate report`, by name; each takes the results and whether colours may be used."""

from collections.abc import Callable

from ablate.analysis.results import StudyResults
from ablate.report import csv_rows, json_report, log, markdown, terminal

FORMATS: dict[str, Callable[[StudyResults, bool], str]] = {
    "terminal": terminal.render,
    "markdown": lambda results, _: markdown.render(results),
    "csv": lambda results, _: csv_rows.render(results),
    "json": lambda results, _: json_report.render(results),
    "log": lambda results, _: log.render(results),
}

ILLUSTRATED = {"terminal", "markdown"}
"""Formats for people, who are shown the figures too."""

WITHOUT_FINDINGS = {"csv", "log"}
"""Formats that have no place for what a reader must know of the results: it is told on stderr."""
