"""The formats of `ablate report`, by name; each takes the analysis and whether colours may be used."""

from collections.abc import Callable

from ablate.analysis.analysis import Analysis
from ablate.report.formats import csv, json, latex, log, markdown, terminal

FORMATS: dict[str, Callable[[Analysis, bool], str]] = {
    "terminal": terminal.render,
    "markdown": lambda analysis, _: markdown.render(analysis),
    "latex": lambda analysis, _: latex.render(analysis),
    "csv": lambda analysis, _: csv.render(analysis),
    "json": lambda analysis, _: json.render(analysis),
    "log": lambda analysis, _: log.render(analysis.results),
}

ILLUSTRATED = {"terminal", "markdown"}
"""Formats for people, who are shown the figures too."""

WITHOUT_FINDINGS = {"csv", "log"}
"""Formats that have no place for what a reader must know of the results: it is told on stderr."""
