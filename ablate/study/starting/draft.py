"""A first study as its parts, and the text of its file."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablate.study.reading.nodes import scalar
from ablate.study.starting.factor_choice import FactorGuess
from ablate.study.starting.metric_guesses import MetricGuess

WIDTH = 110
"""The widest line of a study file that is written here, in letters."""
SEEDS = 5
TO_FILL_IN = "???"
"""The value of a config key that only the user knows."""


@dataclass(frozen=True)
class StudyDraft:
    """A first study."""

    study: str
    about: tuple[str, ...]
    """Comments at the top of the file, a line each."""
    trainer: tuple[str, ...]
    """The lines of the trainer in YAML, comments included."""
    metrics: tuple[MetricGuess, ...] = ()
    """The first one is the primary metric."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """{dotted key: value}."""
    left: tuple[str, ...] = ()
    """Options that the study leaves at the script's defaults."""
    factors: tuple[FactorGuess, ...] = ()
    notes: tuple[str, ...] = ()
    """The guesses and their reasons, a sentence each."""
    to_do: tuple[str, ...] = ()
    """The work that is left to the user before the study can run, a sentence each."""


def study_text(draft: StudyDraft) -> str:
    """Return the text of the study file."""
    lines = [
        *comments(draft.about),
        f"study: {draft.study}",
        *draft.trainer,
        *_metric_lines(draft.metrics),
        *_config_lines(draft),
        *_factor_lines(draft.factors),
        "design:",
        f"  - {'add_one: {from: {}}' if draft.factors else 'rows: {baseline: {}}'}",
        f"seeds: {SEEDS}",
    ]
    return "\n".join(lines) + "\n"


def yaml_value(value: Any) -> str:
    """Return a value as YAML in one line, which the reader of study files reads back as the same value."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{yaml_value(str(key))}: {yaml_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(yaml_value, value)) + "]"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        is_plain = re.fullmatch(r"[A-Za-z0-9_./][A-Za-z0-9_./+@-]*", value) and scalar(value) == value
        return value if is_plain and value.lower() not in ("yes", "no", "y", "n") else _quoted(value)
    return "null" if value is None else repr(value)


def quoted(text: str) -> str:
    """Return text in single quotes, in which a backslash is a plain letter."""
    return "'" + text.replace("'", "''") + "'"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def comments(lines: Sequence[str], indent: str = "") -> Iterator[str]:
    """Yield the lines as comments of YAML, folded at WIDTH."""
    for line in lines:
        yield from textwrap.wrap(line, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ",
                                 break_long_words=False, break_on_hyphens=False)  # fmt: skip


def _metric_lines(metrics: Sequence[MetricGuess]) -> Iterator[str]:
    yield "metrics:"
    if not metrics:
        yield from comments(
            ["no metric was recognised: replace this one by a metric that is printed or written; `ablate check` lists "
             "all that it sees, with the lines to paste"], "  ",
        )  # fmt: skip
        yield "  score: {better: higher}"
    for metric in metrics:
        yield from comments([metric.reason], "  ") if metric.reason else ()
        yield f"  {metric_line(metric)}"
    primary = metrics[0] if metrics else None
    yield f"primary: {primary.name if primary else 'score'}"
    yield from comments([_delta_words(primary)])
    yield f"delta: {0.5 if primary and primary.is_rate else 0.01}"


def metric_line(metric: MetricGuess) -> str:
    """Return the line of a metric, without the spaces in front of it."""
    return f"{metric.name}: {{{', '.join(_metric_parts(metric))}}}"


def _metric_parts(metric: MetricGuess) -> Iterator[str]:
    yield f"better: {'lower' if metric.is_lower_better else 'higher'}"
    if metric.is_rate:
        yield 'unit: "%"'
    if metric.is_percent:
        yield "percent: on"
    if metric.origin:
        yield f"from: {quoted(metric.origin) if metric.origin.startswith('stdout:') else yaml_value(metric.origin)}"


def _delta_words(primary: MetricGuess | None) -> str:
    unit = "in percentage points" if primary and primary.is_rate else "in the metric's own unit: choose it yourself"
    return f"the smallest difference worth acting on, {unit}"


def _config_lines(draft: StudyDraft) -> Iterator[str]:
    about = ["every setting that a factor may change, with its default"] if draft.config else []
    left = [f"left at their defaults: {', '.join(draft.left)}"] if draft.left else []
    yield from comments([*about, *left])
    config = nested(draft.config)
    line = f"config: {yaml_value(config)}"
    if len(line) <= WIDTH:
        yield from [line] if draft.config else []
        return
    yield "config:"
    for key, value in config.items():
        yield f"  {yaml_value(key)}: {yaml_value(value)}"


def _factor_lines(factors: Sequence[FactorGuess]) -> Iterator[str]:
    if not factors:
        yield from comments(
            ["no option was recognised that is worth varying; a factor is written like this:",
             "factors: {augment: {sets: augment, levels: [off, on]}}"]
        )  # fmt: skip
        return
    yield "factors:"
    for factor in factors:
        yield from comments([factor.reason], "  ")
        entry = f"{{sets: {yaml_value(factor.option.name)}, levels: {yaml_value(factor.levels)}}}"
        yield f"  {yaml_value(factor.name)}: {entry}"


def nested(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{model: {depth: 3}}` for `{model.depth: 3}`."""
    root: dict[str, Any] = {}
    for key, value in config.items():
        *sections, last = key.split(".")
        table = root
        for section in sections:
            table = table.setdefault(section, {})
        table[last] = value
    return root
