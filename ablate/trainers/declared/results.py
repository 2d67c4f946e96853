"""The result of an attempt that ended with exit code 0: the values of its metrics, and its costs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ablate.measurement import COST, Measurement, Result
from ablate.trainers.costs import GPU_SECONDS, PEAK_MEMORY, SECONDS
from ablate.trainers.declared.attempt import Attempt, FinishedAttempt, digest_of, save_finished
from ablate.trainers.declared.ends import ScriptError, check_readings
from ablate.trainers.declared.reasons import with_log
from ablate.trainers.measuring.example_files import Examples
from ablate.trainers.measuring.files import Outputs
from ablate.trainers.measuring.reader import Readings, read_measurements
from ablate.trainers.protocol import Diverged

if TYPE_CHECKING:
    from ablate.trainers.command.process import ProcessEnd
    from ablate.trainers.declared.entry import DeclaredEntry


def recorded_results(
    entry: "DeclaredEntry",
    attempt: Attempt,
    end: "ProcessEnd",
    earlier_seconds: float,
    read: Callable[[FinishedAttempt], list[Result]],
) -> list[Result]:
    """Record that an attempt has just ended with exit code 0, and return the results that `read` finds in its outputs.

    If they cannot be read, the record keeps that, so that they are read again with other sources only. Raises the same
    exceptions as `read`.
    """
    finished = _finished_now(attempt, end, earlier_seconds)
    save_finished(attempt.folder, finished)
    try:
        return read(finished)
    except ScriptError:
        save_finished(attempt.folder, replace(finished, unreadable=digest_of(entry.sources)))
        raise


def _finished_now(attempt: Attempt, end: "ProcessEnd", earlier_seconds: float) -> FinishedAttempt:
    """Return the record of an attempt that has just ended with exit code 0.

    `earlier_seconds`: the time of the attempts from which it continued.
    """
    seconds = earlier_seconds + end.seconds
    costs = {SECONDS.name: seconds}
    if end.peak_memory is not None:
        costs[PEAK_MEMORY.name] = end.peak_memory / 10**6
    if attempt.gpus:
        costs[GPU_SECONDS.name] = seconds * attempt.gpus
    return FinishedAttempt(attempt.number, attempt.began, costs)


def result_of(
    entry: "DeclaredEntry",
    attempt: Attempt,
    finished: FinishedAttempt,
    returned: Mapping[str, Any] | None = None,
    examples: Mapping[str, Examples] | None = None,
) -> Result:
    """Return the result that a finished attempt left.

    `returned`: {metric: value} that a function returned. `examples`: {metric: outcomes} that it gave.

    ScriptError if a metric is missing, Diverged if one is not finite.
    """
    folder, began = attempt.folder, attempt.began
    outputs = Outputs(folder, attempt.log, attempt.result, returned, attempt.cwd, began, examples or {})
    readings = read_measurements(entry.metric_sources, outputs)
    check_readings(readings, attempt)
    result = _result(readings, finished, attempt)
    if readings.not_finite:
        values = ", ".join(f"{name} is {text}" for name, text in readings.not_finite.items())
        raise Diverged(with_log(values, str(attempt.log)), [result])
    return result


def _result(readings: Readings, finished: FinishedAttempt, attempt: Attempt) -> Result:
    costs = [Measurement(name, COST, value) for name, value in finished.costs.items()]
    environment = {"threads": str(attempt.runtime["threads"])}
    return Result([*readings.measurements, *costs], environment)
