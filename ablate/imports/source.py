"""The result of a reader: the runs of a source as a table, with the roles that the source gives to its columns."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ablate.measurement import Direction

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


Cell = bool | int | float | str | None
"""The value of a setting in one run; None without a value."""
FIELD = re.compile(r"\{([^{}]*)\}")
"""A part of a form of run names, such as `{arch}`."""


class ColumnRole(StrEnum):
    """The role of a column of runs."""

    SETTING = "setting"
    """A setting of the run: a factor if it varies."""
    METRIC = "metric"
    SEED = "seed"
    CIRCUMSTANCE = "circumstance"
    """An id, a time, a host, a path or a commit: nobody sets it to learn something about a method."""


DONE, FAILED, DIVERGED, RUNNING = "done", "failed", "diverged", "running"
"""The states of a run. Values of a run that is DONE and that are infinite make it DIVERGED as well."""


@dataclass(frozen=True)
class Request:
    """The options of an import, which decide where a source can be read in several ways."""

    factors: tuple[str, ...] = ()
    """The columns that are factors; empty for all settings that vary."""
    seed: str = ""
    """The column of the seeds; empty to find it by its name."""
    metrics: tuple[str, ...] = ()
    """The columns that are metrics, the primary one first; empty to find them by their names."""
    directions: Mapping[str, Direction] = field(default_factory=dict)
    """{metric: its direction}, for those that are given."""
    where: Mapping[str, str] = field(default_factory=dict)
    """{column: the value that runs must have to be used}."""
    examples: int | None = None
    """The number of examples that each value is the mean over; None if it is not given."""
    seeds: int | None = None
    """The number of seeds that each mean is of, if the source has means; None if it is not given."""
    columns_are: str = ""
    """The factor whose levels are the columns of a wide table; empty if columns are settings and metrics."""
    names: str = ""
    """The form of run names, such as `{arch}_{norm}_seed{seed}`; empty to find it."""
    patterns: Mapping[str, str] = field(default_factory=dict)
    """{metric: the regular expression with one group that finds its values in text logs}."""


@dataclass(frozen=True)
class Spread:
    """The spread of one metric for runs that stand for several seeds each."""

    sd: "NDArray[np.float64]"
    """The standard deviation over the seeds, shape (runs,), in the metric's unit; nan if it is not known."""
    seeds: "NDArray[np.int64]"
    """The number of seeds, shape (runs,); 0 if it is not known."""


@dataclass(frozen=True)
class ExampleValues:
    """The value of each example of one run on one metric."""

    ids: Sequence[str]
    values: "NDArray[np.float32]"
    """Shape (examples,), parallel to `ids`."""


@dataclass(frozen=True)
class Source:
    """The runs that a reader found."""

    kind: str
    """The name of the reader's kind."""
    why: str
    """Why the source was taken for this kind, as the end of a sentence: "it has the columns run_uuid and status"."""
    runs: "pd.DataFrame"
    """A line for each run, a column for each setting, metric and circumstance; dotted names for nested settings. Cells
    are bool, int, float or str, and nan or None without a value. Metrics are numbers, nan if they are not finite."""
    places: Sequence[str]
    """The place of each run as messages name it: `line 12`, `run-3`."""
    roles: Mapping[str, ColumnRole] = field(default_factory=dict)
    """{column: its role}, for columns whose role the source says. The others are understood by names and values."""
    directions: Mapping[str, Direction] = field(default_factory=dict)
    """{metric: its direction}, for metrics whose direction the source says."""
    percent: frozenset[str] = frozenset()
    """Metrics that were written in percent. Their values here are rates in [0, 1]."""
    states: Sequence[str] = ()
    """The state of each run: DONE, FAILED, DIVERGED or RUNNING; empty if all are done."""
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    """{metric: its spread}, if a line stands for several seeds and its value is their mean."""
    counts: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    """{metric: the number of examples of each run}, if the source states it."""
    examples: Mapping[str, Sequence[ExampleValues | None]] = field(default_factory=dict)
    """{metric: the value of each example of each run}, if the source has them."""
    unused: Sequence[str] = ()
    """A sentence for each part of the source that was not used, and why."""


class Reader(Protocol):
    """The reader of one kind of source. Nothing is executed, unpickled or fetched."""

    kind: str
    """The kind's name in `--from`."""

    def recognise(self, path: Path) -> str:
        """Return why the path is of this kind, as the end of a sentence; empty if it is not. Reads little."""

    def read(self, path: Path, request: Request) -> Source:
        """Return the runs. SourceError with every fault if the source cannot be read."""
