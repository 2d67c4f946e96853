"""The text of `ablate check`: the end of the training, its metrics, other numbers, settings, and the sum of it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ablate.cli.plan.text import wrapped
from ablate.measurement import COST
from ablate.report.units import value_with_unit
from ablate.text import duration, plural, visible
from ablate.trainers.declared.entry import DeclaredEntry
from ablate.trainers.measuring.sources import MetricSource

if TYPE_CHECKING:
    from ablate.api.check import StudyCheck

FAULT, PLAIN = "! ", "  "
"""The beginnings of a line about something that is wrong, and of any other one."""
LAST_LINES, LONGEST_LINE = 12, 200
"""Lines of output that are shown of a training that failed, and letters of each."""
ENDS = {"lost": "killed", "interrupted": "no result"}
"""{state of a training without a result: words for it}, if they differ."""
MOST_NUMBERS = 12
"""Numbers that are shown with their lines."""


def check_lines(checked: "StudyCheck") -> Iterator[str]:
    """Yield the lines of a check."""
    yield from wrapped(f"{checked.study.name}: row {checked.run.label!r}, seed {checked.run.seed}")
    yield from _section("end", _end(checked))
    yield from _section("metrics", _metrics(checked))
    yield from _section("numbers that are not declared, each with the line for `metrics:`", _numbers(checked))
    yield from _section("settings", _settings(checked))
    yield ""
    yield from _sum(checked)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    shown = list(lines)
    if shown:
        yield from ["", title, *shown]


def _item(text: str, is_fault: bool = False) -> list[str]:
    """Return a text as indented lines; a fault has a mark in front of it."""
    return wrapped(visible(text, keep=""), indent="    ", first=FAULT if is_fault else PLAIN)


def _end(checked: "StudyCheck") -> Iterator[str]:
    run = checked.run
    report, seconds = run.report, _seconds(run.report.seconds)
    if run.has_ended_well or run.is_done:
        yield from _item(f"exit code 0 after {seconds}" if run.readings else f"done after {seconds}")
        return
    yield from _item(f"{ENDS.get(report.state, report.state)} after {seconds}: {run.reason}", is_fault=True)
    for text in checked.advice:
        yield from _item(text)
    lines = report.traceback.splitlines()[-LAST_LINES:]
    if lines:
        yield from ["  the last lines of its output:", *(f"    {visible(line[:LONGEST_LINE])}" for line in lines)]


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def _metrics(checked: "StudyCheck") -> Iterator[str]:
    entry, run = checked.study.entry, checked.run
    if isinstance(entry, DeclaredEntry):
        for source in entry.metric_sources:
            yield from _declared_metric(checked, source)
        return
    for one in run.measurements:
        if one.split != COST:
            value = value_with_unit(checked.study.metric(one.metric), one.value)
            yield from _item(f"{one.metric}: {value} on the {one.split} split")


def _declared_metric(checked: "StudyCheck", source: MetricSource) -> list[str]:
    name, run, readings = source.metric, checked.run, checked.run.readings
    if name in run.values:
        value = value_with_unit(checked.study.metric(name), run.values[name])
        split = "on validation data, " if source.is_validation else ""
        return _item(f"{name}: {value}, {split}read from {_place(checked, source)}")
    if readings is not None and name in readings.not_finite:
        return _item(f"{name}: {readings.not_finite[name]}, which is not finite", is_fault=True)
    if readings is not None and run.has_ended_well:
        return _item(f"{name}: missing: {readings.missing[name]}", is_fault=True)
    return _item(f"{name}: not measured")


def _place(checked: "StudyCheck", source: MetricSource) -> str:
    """Return the place of a metric's values; of one without `from`, the place at which it was seen."""
    seen = next((one.origin for one in checked.run.seen if one.name == source.metric), "the results")
    return source.origin or source.examples or seen


def _numbers(checked: "StudyCheck") -> Iterator[str]:
    """Yield the numbers that no metric is read from. The lines to paste are never broken."""
    for one in checked.undeclared[:MOST_NUMBERS]:
        yield from _item(f"{one.name} {one.value:.6g}")
        yield f"    {visible(one.line, keep='')}"
    more = len(checked.undeclared) - MOST_NUMBERS
    if more > 0:
        yield f"  and {plural(more, 'other number')}"


def _settings(checked: "StudyCheck") -> Iterator[str]:
    for remark in checked.remarks:
        yield from _item(remark.text, remark.is_fault)
    if checked.run.readings is None:
        return
    if not checked.run.is_done:
        yield from _item("not checked, as the training gave no result: whether the seed and the factors arrive")
    elif checked.is_interrupted:
        yield from _item("not checked, as Ctrl-C was pressed: the rest")
    elif checked.study.factors and not checked.with_factors:
        yield from _item("not checked: whether each factor changes the results; `ablate check --factors` does that")


def _sum(checked: "StudyCheck") -> Iterator[str]:
    if checked.findings:
        yield f"{plural(checked.findings, 'finding')}, marked with {FAULT.strip()}"
    else:
        yield from wrapped("nothing is wrong so far" if checked.is_interrupted else "all is well: `ablate run`")
    if checked.logs:
        yield from ["", "the output of each training that failed:", *(f"  {path}" for path in checked.logs)]
