"""Trains by calling a function of the user in a process of its own."""

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ablate.measurement import Result
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.command.process import ProcessEnd
from ablate.trainers.declared.attempt import (
    Attempt,
    FinishedAttempt,
    finished_attempt,
    new_attempt,
)
from ablate.trainers.declared.ends import ScriptError, check_end
from ablate.trainers.declared.folder_lock import folder_lock
from ablate.trainers.declared.results import recorded_results, result_of
from ablate.trainers.declared.script import run_script
from ablate.trainers.entry import Config
from ablate.trainers.function.channel import MessageChannel
from ablate.trainers.function.job import ENDED_EARLY, RETURNED, FunctionJob, FunctionReturn, child_command, kept_return
from ablate.trainers.measuring.sources import RUN_EXAMPLES
from ablate.trainers.protocol import Judge, Progress, Pruned

if TYPE_CHECKING:
    from ablate.trainers.function.entry import FunctionEntry


def train_function(
    entry: "FunctionEntry",
    configs: Sequence[Config],
    seed: int,
    attempt: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints,
    judge: Judge | None = None,
) -> list[Result]:
    """Call the function once, and return one result for each config."""
    folder = checkpoints.folder
    cwd = entry.working_folder(folder)
    finished = None if entry.evaluates_apart else finished_attempt(folder, entry.sources)
    if finished is not None:  # only the declaration of its metrics has changed since
        earlier = Attempt(folder, finished.number, seed, configs[0], cwd, finished.began)
        with suppress(ScriptError, OSError):  # its return does not have the metrics: train again
            return _results(entry, earlier, finished, len(configs))
    with folder_lock(folder) as lock, closing(MessageChannel(progress, judge)) as channel:
        current = new_attempt(folder, attempt, seed, configs[0], cwd, lock)
        command = child_command(folder, function_job(entry, current, configs, channel))
        end = run_script(entry, current, command, progress, checkpoints.stopping, channel)
    _check(end, current, entry, channel)

    def read(finished: FinishedAttempt) -> list[Result]:
        return _results(entry, current, finished, len(configs))

    return recorded_results(entry, current, end, checkpoints.earlier_seconds, read)


def function_job(
    entry: "FunctionEntry", attempt: Attempt, configs: Sequence[Config], channel: MessageChannel
) -> FunctionJob:
    """Return the work of a child process."""
    return FunctionJob(
        entry.spec.function,
        entry.spec.evaluate,
        str(entry.folder),
        [replace(attempt, config=config).arguments for config in configs],
        attempt.seed,
        attempt.number,
        str(attempt.folder),
        [source.metric for source in entry.metric_sources if source.examples == RUN_EXAMPLES],
        channel.child_fds[0],
    )


def _check(end: ProcessEnd, attempt: Attempt, entry: "FunctionEntry", channel: MessageChannel) -> None:
    """Raise the exception for a function that gave no result."""
    if end.exit_code == ENDED_EARLY and channel.ended_at is not None:
        raise Pruned(f"at {channel.ended_at:.0%} of the training")
    if (attempt.folder / RETURNED).exists():
        return  # what came after its return, such as a thread that hangs, does not change its result
    check_end(end, attempt, entry.spec)
    raise ScriptError(
        "exit code 0, but the function did not return: it ended its process, by sys.exit or os._exit; let it return a "
        "dict of its metrics",
        attempt,
    )


def _results(entry: "FunctionEntry", attempt: Attempt, finished: FinishedAttempt, number: int) -> list[Result]:
    """Return the results of a finished attempt, one for each of a number of configs."""
    returned = kept_return(attempt.folder)
    results = [
        _with_more(result_of(entry, attempt, finished, values, returned.outcomes(at)), returned)
        for at, values in enumerate(returned.values)
    ]
    return results if entry.evaluates_apart else results * number


def _with_more(result: Result, returned: FunctionReturn) -> Result:
    """Return a result with its curve, and the versions of the function's libraries."""
    curve = [(step, value) for step, value in returned.curve]
    return replace(result, curve=curve, environment={**result.environment, **returned.environment})
