"""The formats of `ablate report`, by name. Each takes the analysis, and True if colours may be used."""

from collections.abc import Callable

from ablate.analysis.analysis import Analysis
from ablate.analysis.reproduction.comparison import Comparison
from ablate.report.formats import csv, json, latex, log, markdown, terminal
from ablate.report.sections import reproduction

FORMATS: dict[str, Callable[[Analysis, bool], str]] = {
    "terminal": terminal.render,
    "markdown": lambda analysis, _: markdown.render(analysis),
    "latex": lambda analysis, _: latex.render(analysis),
    "csv": lambda analysis, _: csv.render(analysis),
    "json": lambda analysis, _: json.render(analysis),
    "log": lambda analysis, _: log.render(analysis.results),
}

COMPARISON_FORMATS: dict[str, Callable[[Comparison, bool], str]] = {
    "terminal": reproduction.terminal,
    "markdown": lambda comparison, _: reproduction.markdown(comparison),
    "json": lambda comparison, _: reproduction.as_json(comparison),
}
"""The formats of `ablate compare`, by name; each takes the comparison and whether colours may be used."""

ILLUSTRATED = {"terminal", "markdown"}
"""Formats for people, with which the figures are drawn too."""

WITHOUT_FINDINGS = {"csv", "log"}
"""Formats that have no place for findings about the results; these are printed on stderr."""
