"""Tables with a line for each step of a run: the last line of each run is its result."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablate.imports.source import Request, Source
from ablate.imports.understanding.columns import Columns
from ablate.study.starting.scanning.options import words_of

STEPS = ("step", "global_step", "epoch", "iteration", "iter", "round")
"""Names of the column of the steps."""
OF_RUN = frozenset({"run", "id", "uuid", "name", "trial", "job"})
"""Words of columns that tell runs apart."""


def last_steps(source: Source, columns: Columns, request: Request) -> tuple[Columns, NDArray[np.int64], str]:
    """Return the columns without that of the steps, the position of the last line of each run, and a sentence about it.

    All lines are runs, and the sentence is empty, if no column of that name has two or more values in a usual run.
    """
    every = np.arange(len(source.runs))
    chosen = (*request.factors, *request.metrics)
    named = [name for name in columns.settings if name.lower().strip("_ ") in STEPS and name not in chosen]
    for name in named:
        if not pd.api.types.is_numeric_dtype(source.runs[name]):
            continue
        others = replace(columns, settings=tuple(other for other in columns.settings if other != name))
        last = _last(source.runs, name, others)
        if 2 * len(last) <= len(every):
            words = f"{name} counts the steps of a run: the last line of each of {len(last):,} runs is used"
            return others, last, f"{words}; --factors {name} makes it a factor"
    return columns, every, ""


def _last(runs: pd.DataFrame, step: str, columns: Columns) -> NDArray[np.int64]:
    """Return the position of the line with the highest step of each run."""
    of_run = [name for name in columns.circumstances if set(words_of(name)) & OF_RUN]
    keys: Sequence[str] = [*columns.settings, *([columns.seed] if columns.seed else []), *of_run]
    if not keys:
        return np.arange(len(runs))
    numbers = runs.groupby(list(keys), sort=False, dropna=False).ngroup().to_numpy()
    order = np.lexsort((runs[step].to_numpy(dtype=float), numbers))
    ends = np.flatnonzero(np.r_[np.diff(numbers[order]) != 0, True])
    return np.sort(order[ends])
