"""Small studies, and the tables that people could have written them as: every layout in every form."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from ablate.imports.source import Request
from tests.support.imports.table_texts import Row, delimited, json_lines, latex, markdown

Run = dict[str, Any]

LONG, WIDE, SEEDS, TRANSPOSED = "long", "wide", "seeds as columns", "transposed"
FORMS = ["csv", "markdown", "latex", "jsonl", "json", *(["parquet"] if find_spec("pyarrow") else [])]
TEXT_FORMS = ("csv", "markdown", "latex")
LEVELS: list[list[Any]] = [
    ["batch", "layer", "None"],
    ["adam w", "a,b", "c;d", 'so "called"', "é"],
    [0.1, 0.01, 1e-4, 2.5],
    [1, 2, 16],
    [True, False],
    ["mean", "max", "attention"],
]


@dataclass(frozen=True)
class WrittenTable:
    """A study, and how its table is written."""

    runs: tuple[Run, ...]
    """Each run's factors, seed and acc, line by line."""
    layout: str
    form: str
    delimiter: str
    decimal_comma: bool
    byte_order_mark: bool
    end: str
    percent: str
    """The place of the percent sign: cell, heading, or empty for none."""
    has_summaries: bool
    columns: tuple[str, ...]
    """The order of the columns."""

    @property
    def request(self) -> Request:
        """The options of the import that read the table."""
        columns_are = self.factors[-1] if self.layout == WIDE else ""
        factors = tuple(self.factors) if columns_are else ()
        return Request(columns_are=columns_are, metrics=("acc",), factors=factors)

    @property
    def factors(self) -> list[str]:
        return [name for name in self.runs[0] if name not in ("seed", "acc")]

    def write(self, folder: Path) -> Path:
        """Write the table and return its path."""
        rows = _LAYOUTS[self.layout](self)
        path = folder / f"results.{self.form}"
        if self.form == "csv":
            text = delimited(rows, self.delimiter, self.end)
            path.write_bytes(text.encode("utf-8-sig" if self.byte_order_mark else "utf-8"))
        elif self.form == "parquet":
            pd.DataFrame(list(rows[1:]), columns=list(map(str, rows[0]))).to_parquet(path)
        else:
            path.write_text(_TEXTS[self.form](rows), encoding="utf-8")
        return path

    def cell(self, value: Any) -> Any:
        """Return a setting as it is written."""
        if self.form not in TEXT_FORMS:
            return value
        text = str(value)
        return text.replace(".", ",") if self.decimal_comma and isinstance(value, float) else text

    def acc(self, value: float) -> Any:
        """Return a value of the metric as it is written."""
        if self.form not in TEXT_FORMS:
            return value
        text = f"{value * 100:.2f}" if self.percent else f"{value:.4f}"
        return (text.replace(".", ",") if self.decimal_comma else text) + ("%" if self.percent == "cell" else "")

    def metric_heading(self, name: str) -> str:
        return f"{name} (%)" if self.percent == "heading" else name


def _long(table: WrittenTable) -> list[Row]:
    names = [table.metric_heading(name) if name == "acc" else name for name in table.columns]
    rows: list[Row] = [names]
    for run in table.runs:
        rows.append([table.acc(run["acc"]) if name == "acc" else table.cell(run[name]) for name in table.columns])
    if not table.has_summaries:
        return rows
    rows = [["run", *names], *([f"Run {at}", *row] for at, row in enumerate(rows[1:]))]
    values = [run["acc"] for run in table.runs]
    for name, value in (("Mean", np.mean(values)), ("Standard deviation", np.std(values))):
        rows.append([name, *(table.acc(float(value)) if column == "acc" else "" for column in table.columns)])
    return rows


def _wide(table: WrittenTable) -> list[Row]:
    factor = table.factors[-1]
    levels = list(dict.fromkeys(run[factor] for run in table.runs))
    return _pivoted(table, factor, [table.metric_heading(str(level)) for level in levels], levels)


def _seeds(table: WrittenTable) -> list[Row]:
    seeds = list(dict.fromkeys(run["seed"] for run in table.runs))
    return _pivoted(table, "seed", [table.metric_heading(f"seed {seed}") for seed in seeds], seeds)


def _pivoted(table: WrittenTable, over: str, headings: Sequence[str], levels: Sequence[Any]) -> list[Row]:
    keys = [name for name in table.columns if name not in ("acc", over)]
    lines: dict[tuple[Any, ...], dict[Any, float]] = {}
    for run in table.runs:
        lines.setdefault(tuple(run[name] for name in keys), {})[run[over]] = run["acc"]
    rows: list[Row] = [[*keys, *headings]]
    for line, values in lines.items():
        rows.append([*map(table.cell, line), *(table.acc(values[level]) for level in levels)])
    return rows


def _transposed(table: WrittenTable) -> list[Row]:
    rows = _long(table)
    return [["setting", *(f"run {at}" for at in range(len(table.runs)))], *zip(*rows, strict=True)]


_LAYOUTS: dict[str, Callable[[WrittenTable], list[Row]]] = {
    LONG: _long,
    WIDE: _wide,
    SEEDS: _seeds,
    TRANSPOSED: _transposed,
}
_TEXTS: dict[str, Callable[[Sequence[Row]], str]] = {
    "markdown": markdown,
    "latex": latex,
    "jsonl": json_lines,
    "json": lambda rows: json.dumps([dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]),
}


@st.composite
def tables(draw: st.DrawFn) -> WrittenTable:
    """Draw a study of one to three factors and two to four seeds, and a way to write it."""
    layout, form = draw(st.sampled_from([LONG, WIDE, SEEDS, TRANSPOSED])), draw(st.sampled_from(FORMS))
    if layout == TRANSPOSED and form not in TEXT_FORMS:
        layout = LONG
    runs = draw(_runs(layout))
    is_text = form in TEXT_FORMS
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    columns = draw(st.permutations(list(runs[0])))
    return WrittenTable(
        runs=tuple(draw(st.permutations(runs))),
        layout=layout,
        form=form,
        delimiter=delimiter,
        decimal_comma=is_text and delimiter != "," and draw(st.booleans()),
        byte_order_mark=draw(st.booleans()),
        end=draw(st.sampled_from(["\n", "\r\n"])),
        percent=draw(st.sampled_from(["", "cell", "heading"])) if is_text else "",
        has_summaries=is_text and layout == LONG and draw(st.booleans()),
        columns=tuple(columns),
    )


@st.composite
def _runs(draw: st.DrawFn, layout: str) -> list[Run]:
    pools = draw(st.lists(st.sampled_from(LEVELS), min_size=1, max_size=3))
    levels = [draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True)) for pool in pools]
    if layout == WIDE:
        levels[-1] = draw(st.lists(st.sampled_from(LEVELS[0] + LEVELS[5]), min_size=2, max_size=4, unique=True))
    rows: list[Run] = [{}]
    for at, of_factor in enumerate(levels):
        rows = [{**row, f"factor_{chr(97 + at)}": level} for row in rows for level in of_factor]
    seeds = draw(st.lists(st.integers(0, 2000), min_size=2, max_size=4, unique=True))
    runs = [{**row, "seed": seed} for row in rows for seed in seeds]
    values = draw(st.lists(st.integers(1, 9999), min_size=len(runs), max_size=len(runs)))
    return [{**run, "acc": value / 10_000} for run, value in zip(runs, values, strict=True)]
