"""Reads the declared metrics from the outputs of a training, or the reason why one has no value."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from ablate.measurement import TEST, VALIDATION, Measurement
from ablate.text import plural
from ablate.trainers.measuring.csv_values import csv_points
from ablate.trainers.measuring.example_files import SLACK, Examples, NotFiniteError, agree, check_values, read_examples
from ablate.trainers.measuring.files import Outputs, fresh_files, matching_files, name_with_count, newest_file
from ablate.trainers.measuring.json_values import json_line_points, points_at, read_json
from ablate.trainers.measuring.log_lines import json_points, regex_points
from ablate.trainers.measuring.seen import SeenValue, seen_values, with_hint
from ablate.trainers.measuring.sources import (
    FILE,
    JSON,
    LINES,
    OWN,
    RESULT,
    RUN_EXAMPLES,
    STDOUT,
    TABLES,
    TENSORBOARD,
    MetricSource,
    Origin,
    parse_origin,
)
from ablate.trainers.measuring.takes import NoValueError, Point, at_step, best_step, last_of, number
from ablate.trainers.measuring.tensorboard_events import EVENT_FILES, EventFile, event_points

OF_OUTPUT = (OWN, JSON, STDOUT)
"""The kinds of places in the output of a script."""


@dataclass(frozen=True)
class Readings:
    """The metrics of a training, each with a value or with the reason why it has none."""

    measurements: tuple[Measurement, ...]
    """The finite values: on TEST, and those that are measured on validation data on VALIDATION too."""
    missing: Mapping[str, str]
    """{metric: the reason why it could not be read}."""
    not_finite: Mapping[str, str]
    """{metric: its value as the script wrote it}, such as nan."""
    seen: tuple[SeenValue, ...]
    """All numbers in the outputs; empty if no metric is missing."""


def read_measurements(sources: Sequence[MetricSource], outputs: Outputs) -> Readings:
    """Return the metrics of a training that ended."""
    by_name = {source.metric: source for source in sources}
    measurements: list[Measurement] = []
    missing: dict[str, str] = {}
    not_finite: dict[str, str] = {}
    for source in sources:
        try:
            measured = _measured(source, by_name, outputs)
        except NotFiniteError as error:
            not_finite[source.metric] = error.text
        except NoValueError as error:
            missing[source.metric] = str(error)
        except OSError as error:
            missing[source.metric] = f"{error.filename or 'a file'} cannot be read: {error.strerror or error}"
        else:
            splits = (TEST, VALIDATION) if source.is_validation else (TEST,)
            measurements += [replace(measured, split=split) for split in splits]
    seen = seen_values(outputs) if missing else ()
    reasons = {name: with_hint(reason, by_name[name], seen) for name, reason in missing.items()}
    return Readings(tuple(measurements), reasons, not_finite, seen)


def _measured(source: MetricSource, sources: Mapping[str, MetricSource], outputs: Outputs) -> Measurement:
    """Return the measurement of a metric on TEST; NoValueError with the reason if there is none."""
    named = _examples(source, outputs)
    if named is None:
        return Measurement(source.metric, TEST, _value(source, sources, outputs)[0])
    examples, name = named
    if source.origin or (outputs.examples and source.metric in (outputs.returned or {})):
        _check_agreement(*_value(source, sources, outputs), examples, name)
    values, clusters = examples.array(), examples.cluster_numbers()
    return Measurement(source.metric, TEST, examples.mean, len(values), values, examples.ids, clusters)


def _examples(source: MetricSource, outputs: Outputs) -> tuple[Examples, str] | None:
    """Return the examples of a metric and the name of their place; None if it has none."""
    if source.metric in outputs.examples:
        check_values(outputs.examples[source.metric], source.is_rate)
        return outputs.examples[source.metric], RUN_EXAMPLES
    if source.examples == RUN_EXAMPLES:
        raise NoValueError(f"the function gave no examples; call run.examples({source.metric!r}, values)")
    if not source.examples:
        return None
    path = newest_file(outputs, source.examples)
    name = name_with_count(outputs, source.examples, path)
    return read_examples(path, name, source.is_rate), name


def _check_agreement(value: float, text: str, examples: Examples, name: str) -> None:
    if not agree(text, value, examples.mean):
        raise NoValueError(
            f"its value is {value:.7g}, but the mean of its {len(examples.values):,} examples in {name} is "
            f"{examples.mean:.7g}; leave `from` out if the examples are right, or `examples` if the value is"
        )


def _value(source: MetricSource, sources: Mapping[str, MetricSource], outputs: Outputs) -> tuple[float, str]:
    """Return the value of a metric and its text; NotFiniteError if it is not finite."""
    raw = _taken(source, sources, outputs).raw
    text = str(raw)
    value = number(raw)
    if not isfinite(value):
        raise NotFiniteError(text)
    if source.is_percent and not text.strip().endswith("%"):
        value, text = value / 100, f"{text}%"
    if not source.is_rate:
        return value, text
    if not -SLACK <= value <= 1 + SLACK:
        raise NoValueError(_no_rate(text, source.is_percent))
    return min(max(value, 0.0), 1.0), text


def _no_rate(text: str, is_percent: bool) -> str:
    if is_percent:
        return f"its value is {text}, which is not from 0 % to 100 %"
    return (
        f'its value is {text}, but a metric with the unit "%" is a rate from 0 to 1; if the script writes percent, add '
        "`percent: on` to the metric"
    )


def _taken(source: MetricSource, sources: Mapping[str, MetricSource], outputs: Outputs) -> Point:
    """Return the value of the metric's series that its `take` chooses."""
    origin, take = _place(source.origin, source.metric, outputs), source.take
    if take.step is not None:
        return at_step(_points(origin, outputs), take.step)[0]
    if take.of:
        chooser = sources.get(take.of)
        other = _place(chooser.origin, take.of, outputs) if chooser else replace(origin, key=take.of)
        return _at_best(origin, other, source, outputs)
    if origin.kind in OF_OUTPUT:
        return next(_in_output(origin, outputs, is_last_wanted=True))
    return last_of(_points(origin, outputs))


def _at_best(origin: Origin, other: Origin, source: MetricSource, outputs: Outputs) -> Point:
    """Return the value at the step at which another series is best."""
    of = source.take.of
    try:
        best = best_step(_points(other, outputs), source.take.better)
    except NoValueError as error:
        raise NoValueError(f"{of}, which chooses its step: {error}") from None
    try:
        point, count = at_step(_points(origin, outputs), best.step)
    except NoValueError as error:
        raise NoValueError(f"{of} is best at step {best.step:g}, but {error}") from None
    has_rows = origin.kind == FILE and origin.file == other.file and origin.file.lower().endswith((*TABLES, *LINES))
    if point.is_counted != best.is_counted or (point.is_counted and count != best.values and not has_rows):
        raise NoValueError(
            f"it has {plural(count, 'value')} and {of}, which chooses its step, has {best.values:,}, and not both have "
            "steps, so it is not clear which belong together; let the script write the step next to each value, in a "
            "column or key `step`, or name a group of the regular expression `(?P<step>...)`"
        )
    return point


def _place(text: str, metric: str, outputs: Outputs) -> Origin:
    """Return the place of a series; without `from`, the results if there are any, otherwise the output."""
    origin = parse_origin(text, metric)
    return replace(origin, kind=RESULT) if origin.kind == OWN and _has_results(outputs) else origin


def _has_results(outputs: Outputs) -> bool:
    """Return True if the function returned values, or if this attempt wrote the file that ABLATE_RESULT names."""
    return outputs.returned is not None or (outputs.result.is_file() and outputs.is_fresh(outputs.result))


def _points(origin: Origin, outputs: Outputs) -> Iterable[Point]:
    """Return the series at a place, with at least one value; NoValueError with the reason if there is none."""
    if origin.kind in OF_OUTPUT:
        return _in_output(origin, outputs)
    if origin.kind == RESULT:
        return _in_results(origin, outputs)
    if origin.kind == TENSORBOARD:
        fresh_files(outputs, origin.file, origin.file.replace(f"**/{EVENT_FILES}", "event file"))
        paths = matching_files(outputs, origin.file)
        files = [EventFile(path, outputs.name_of(path.parent), outputs.is_fresh(path)) for path in paths]
        return event_points(files, origin.key)
    path = newest_file(outputs, origin.file)
    name = name_with_count(outputs, origin.file, path)
    if path.suffix.lower() in TABLES:
        return csv_points(path, origin.key, name)
    if path.suffix.lower() in LINES:
        return json_line_points(path, origin.key, name)
    return points_at(read_json(path, name), origin.key, name)


def _in_results(origin: Origin, outputs: Outputs) -> Iterable[Point]:
    if outputs.returned is not None:
        return points_at(outputs.returned, origin.key, "the returned dict")
    if not _has_results(outputs):
        raise NoValueError(_without_result(outputs))
    return points_at(read_json(outputs.result, outputs.result.name), origin.key, outputs.result.name)


def _without_result(outputs: Outputs) -> str:
    if outputs.result.is_file():
        return f"{outputs.result.name} is from an earlier attempt, and this one did not write it"
    return f"the script wrote no {outputs.result.name}, the file that ABLATE_RESULT names"


def _in_output(origin: Origin, outputs: Outputs, is_last_wanted: bool = False) -> Iterator[Point]:
    """Yield the values in the output of the script; NoValueError if there is none."""
    if origin.kind == STDOUT:
        points = regex_points(outputs.log, origin.key, is_last_wanted)
        reason = f"no line of the output matches `{origin.key}`"
    else:
        points = json_points(outputs.log, origin.key, is_last_wanted)
        reason = f"no line of the output is a JSON object with {origin.key!r}"
    if origin.kind == OWN:
        reason = f"{_without_result(outputs)}, and {reason}"
    first = next(points, None)
    if first is None:
        raise NoValueError(reason)
    yield first
    yield from points
