"""Trains by running a command of the user, and reads the values of the declared metrics from its files and output."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ablate.measurement import Result
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.command.arguments import ArgumentValues, expanded
from ablate.trainers.declared.attempt import Attempt, FinishedAttempt, finished_attempt, new_attempt
from ablate.trainers.declared.ends import ScriptError, check_end
from ablate.trainers.declared.entry import dotted_keys
from ablate.trainers.declared.folder_lock import folder_lock
from ablate.trainers.declared.results import recorded_results, result_of
from ablate.trainers.declared.script import run_script
from ablate.trainers.entry import Config
from ablate.trainers.protocol import Judge, Progress

if TYPE_CHECKING:
    from ablate.trainers.command.entry import CommandEntry


def train_command(
    entry: "CommandEntry",
    configs: Sequence[Config],
    seed: int,
    attempt: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints,
    judge: Judge | None = None,
) -> list[Result]:
    """Run the command once, and return one result for each config. A command cannot be judged on the way."""
    folder, config = checkpoints.folder, configs[0]
    cwd = entry.working_folder(folder)
    finished = finished_attempt(folder, entry.sources)
    if finished is not None:  # only the declaration of its metrics has changed since
        earlier = Attempt(folder, finished.number, seed, config, cwd, finished.began)
        with suppress(ScriptError):  # its outputs do not have the metrics: train again
            return [result_of(entry, earlier, finished)] * len(configs)
    with folder_lock(folder) as lock:
        current = new_attempt(folder, attempt, seed, config, cwd, lock)
        end = run_script(entry, current, command_of(entry, current), progress, checkpoints.stopping)
    check_end(end, current, entry.spec)

    def read(finished: FinishedAttempt) -> list[Result]:
        return [result_of(entry, current, finished)] * len(configs)

    return recorded_results(entry, current, end, checkpoints.earlier_seconds, read)


def command_of(entry: "CommandEntry", attempt: Attempt) -> list[str]:
    """Return the command of an attempt with all values in place."""
    items = [*entry.located_command]
    resume = entry.spec.resume
    if resume and (attempt.folder / resume.file).exists():
        items += resume.args
    keys = frozenset(dotted_keys(entry.defaults))
    return expanded(items, ArgumentValues(attempt.arguments, attempt.seed, attempt.folder, sys.executable, keys))
