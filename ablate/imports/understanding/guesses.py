"""The role of a column whose source does not say it, by its name and values."""

import pandas as pd

from ablate.imports.source import ColumnRole
from ablate.study.starting.metric_names import COSTS, is_metric
from ablate.study.starting.roles import FOLDERS, MACHINE, SEEDS
from ablate.study.starting.scanning.options import words_of

CIRCUMSTANCES = frozenset(
    {
        "time", "timestamp", "date", "datetime", "created", "started", "ended", "start", "end", "duration", "elapsed",
        "runtime", "host", "hostname", "node", "ip", "pid", "commit", "git", "sha", "hash", "branch", "user",
        "username", "author", "url", "command", "state", "status", "index", "idx", "unnamed", "gpu", "gpus",
        "cuda", "device", "devices", "threads", "workers",
    }
)  # fmt: skip
"""Last words of times, hosts and commits: nobody sets them to learn something about a method."""
NAMES = frozenset({"id", "uuid", "name", "no", "path", "version", "notes", "tag", "tags", "experiment", "exp", "job"})
"""Last words of names: of single runs if each has its own, of arms if they repeat."""
REPLICATES = frozenset({"run", "trial", "fold", "rep", "repeat", "repetition", "replicate", "iteration", "split"})
"""Words of numbers that tell the runs of one row apart, as seeds do."""
SIZES = frozenset({"param", "params", "parameters", "flops", "gflops", "mflops", "macs", "gmacs"})
"""Words of columns of a table that follow from the settings, as the number of parameters does."""
OF_SETTINGS = frozenset(
    {"weight", "weights", "coef", "coefficient", "scale", "lambda", "factor", "type", "fn", "function", "threshold",
     "margin", "temperature", "interval", "every", "freq"}
)  # fmt: skip
"""Last words of settings that have the word of a metric before them, as `loss_weight`."""
BITS = {8, 16, 32, 64}
"""Values of a setting `precision`."""


def guessed_role(column: "pd.Series[float]", name: str, has_seed: bool) -> ColumnRole:
    """Return the role of a column. `has_seed`: True if another column has the seeds."""
    words = words_of(name)
    last = words[-1] if words else ""
    if is_number(column) and is_metric(name) and last not in OF_SETTINGS and not _are_bits(column, last):
        return ColumnRole.METRIC
    if last in CIRCUMSTANCES or last_part(name) in SEEDS or SIZES & {*words}:
        return ColumnRole.CIRCUMSTANCE
    if last in REPLICATES:
        return ColumnRole.SETTING if has_seed and _repeats(column) else ColumnRole.CIRCUMSTANCE
    if last in NAMES | MACHINE or last_part(name) in FOLDERS:
        return ColumnRole.SETTING if _repeats(column) else ColumnRole.CIRCUMSTANCE
    if last in COSTS - {"lr"} and is_number(column):
        return ColumnRole.CIRCUMSTANCE
    return ColumnRole.SETTING


def last_part(name: str) -> str:
    """Return the last part of a dotted name, as names of seeds and folders are compared."""
    return name.rpartition(".")[2].strip().replace("-", "_").replace(" ", "_").lower()


def is_number(column: "pd.Series[float]") -> bool:
    """Return True for a column of numbers."""
    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_bool_dtype(column)


def _repeats(column: "pd.Series[float]") -> bool:
    """Return True if a column has at most half as many values as runs: it names arms, and no single runs."""
    return column.nunique(dropna=False) <= len(column) / 2


def _are_bits(column: "pd.Series[float]", last: str) -> bool:
    return last == "precision" and set(column.dropna().unique()) <= BITS
