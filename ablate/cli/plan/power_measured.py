"""The usual values of a study's finished trials and their spread, for `ablate plan --power`."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablate.analysis.estimation.observations import compared
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.stats.resolution import resolution_variance
from ablate.api.stores import store_if_any
from ablate.cli.plan.power_options import has_examples, is_proportion
from ablate.measurement import Kind, Metric
from ablate.study.metrics import split_of
from ablate.study.trials.identity import Trial

if TYPE_CHECKING:
    from ablate.store import Store
    from ablate.store.examples import Examples
    from ablate.store.results import StoredValue

Floats = NDArray[np.float64]

NOTHING_FINISHED = "no trial of the study is finished"

AS_INDEPENDENT = "examples are taken as independent, although they come in clusters"

MOST_READ = 200
"""The largest number of trials whose examples are read: enough for their spread."""


class SeededRun(Protocol):
    """A run of a row with a seed."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class MeasuredSpread:
    """A metric's values in finished trials, in its unit; logarithms on a log scale. A field is None if none show it."""

    base: float | None = None
    """The mean of all values."""
    variance: float | None = None
    """The variance of one run about the model row + seed."""
    df: int = 0
    """The degrees of freedom of the variance."""
    examples: int | None = None
    """The number of examples; of clusters, if examples come in clusters."""
    example_sd: float | None = None
    """The SD of the difference that one example of a mean, or one cluster, has between two runs."""
    pair_sd: float | None = None
    """The same SD between the runs of two rows with one seed."""
    is_clustered: bool = False
    """True if `examples` counts clusters."""
    missing: str = ""
    """The reason why there is no variance, as a clause."""
    notes: tuple[str, ...] = ()
    """Reasons why values were not used, a sentence each."""


def measured_spread(metric: Metric, rows: Sequence[Trial], url: str) -> MeasuredSpread:
    """Return the values and the spread of the finished trials among `rows`."""
    opened = store_if_any(url)
    if opened is None:
        return MeasuredSpread(missing=NOTHING_FINISHED)
    from ablate.store.results import read_trials, read_values

    keys = {trial.key for trial in rows}
    with opened.read() as connection:
        found = {key: one for key, one in read_trials(connection, keys).items() if one.done}
        of_trials = read_values(connection, set(found), split_of(metric.name))
    values = {key: of_trial[metric.name] for key, of_trial in of_trials.items() if metric.name in of_trial}
    numbers = compared(np.array([one.value for one in values.values()]), metric)
    known = {key: float(number) for key, number in zip(values, numbers, strict=True) if np.isfinite(number)}
    if is_proportion(metric):
        spread = _of_proportion(rows, {key: (number, values[key].n) for key, number in known.items()})
        sets = {one.example_set for one in values.values() if one.example_set is not None}
        return replace(spread, notes=(*spread.notes, AS_INDEPENDENT)) if _has_clusters(opened, sets) else spread
    if not known:
        return MeasuredSpread(missing=f"no finished trial has a value of {metric.name}" if found else NOTHING_FINISHED)
    spread = _spread(rows, known)
    if metric.kind is Kind.MEAN and has_examples(metric):
        return _with_examples(opened, metric, rows, values, spread)
    return spread


def _has_clusters(store: "Store", sets: Collection[str]) -> bool:
    """Return True if the examples of some of these sets come in clusters."""
    from ablate.store.examples import read_example_set

    with store.read() as connection:
        return any(read_example_set(connection, key)[1] is not None for key in sets)


def sd_interval(variance: float, df: int) -> tuple[float, float]:
    """Return the ends of the interval at 95 % of the SD of normal values, from a variance with these df."""
    low, high = (float(np.sqrt(df * variance / special.chdtri(df, tail))) for tail in (0.025, 0.975))
    return low, high


def _spread(rows: Sequence[Trial], known: dict[str, float], floor: float = 0.0) -> MeasuredSpread:
    labels = {label: i for i, label in enumerate(dict.fromkeys(trial.label for trial in rows))}
    seeds = {seed: i for i, seed in enumerate(dict.fromkeys(trial.seed for trial in rows))}
    values = np.full((len(labels), len(seeds)), np.nan)
    for trial in rows:
        if trial.key in known:
            values[labels[trial.label], seeds[trial.seed]] = known[trial.key]
    base = float(np.nanmean(values))
    model = VarianceModel(values, floor=floor)
    if model.df <= 0:
        return MeasuredSpread(base, missing="no two rows have finished trials of the same two seeds")
    variance = float(model.variance)
    if not variance > 0:
        return MeasuredSpread(base, missing="the finished trials of each row have the same value in every seed")
    return MeasuredSpread(base, variance, model.df)


def _of_proportion(rows: Sequence[Trial], known: dict[str, tuple[float, int | None]]) -> MeasuredSpread:
    """Return the spread of the trials that have the usual number of examples."""
    counts = [n for _, n in known.values() if n]
    if not counts:
        return MeasuredSpread(missing=NOTHING_FINISHED)
    usual = max(set(counts), key=counts.count)
    rates = {key: rate for key, (rate, n) in known.items() if n == usual}
    low, high = min(rates.values()), max(rates.values())
    if high == 0 or low == 1:
        note = (
            f"every finished trial has {100 * high:g} %, which shows neither a base rate nor a spread between seeds, "
            "so that these are usual values"
        )
        return MeasuredSpread(examples=usual, notes=(note,))
    spread = _spread(rows, rates, floor=resolution_variance(1 / usual))
    base = float(np.clip(spread.base or 0.0, 0.001, 0.999))
    return MeasuredSpread(base, spread.variance, spread.df, usual)


def _with_examples(
    store: "Store",
    metric: Metric,
    rows: Sequence[Trial],
    values: "Mapping[str, StoredValue]",
    spread: MeasuredSpread,
) -> MeasuredSpread:
    """Return the spread with that of the examples. `values`: those of the finished trials.

    The SD of an example's difference leaves out the part that all runs of a seed share. If no two rows have two seeds
    in common, it is the SD between two runs of one row, and if no row has two runs, the SD between runs of two rows.
    """
    from ablate.store.examples import read_example_set, read_examples

    keys = list(dict.fromkeys(trial.key for trial in rows if trial.key in values))[:MOST_READ]
    with store.read() as connection:
        read = read_examples(connection, keys, metric.name)
        examples = {key: of_trial for key, of_trial in read if np.isfinite(of_trial).all()}
        kinds = {key: (values[key].example_set, len(of_trial)) for key, of_trial in examples.items()}
        if not kinds:
            return spread
        usual = max(dict.fromkeys(kinds.values()), key=list(kinds.values()).count)
        clusters = None if usual[0] is None else read_example_set(connection, usual[0])[1]
    alike = {key: of_trial for key, of_trial in examples.items() if kinds[key] == usual}
    trials = [trial for trial in rows if trial.key in alike]
    pairs = spread_of_examples(_groups((trial.seed, trial.key) for trial in trials), alike, clusters)
    noise = (
        noise_of_examples(trials, alike, clusters)
        or spread_of_examples(_groups((trial.label, trial.key) for trial in trials), alike, clusters)
        or pairs
    )
    if noise is None or not noise > 0:
        return spread
    count = usual[1] if clusters is None else len(np.unique(clusters))
    return replace(spread, examples=count, example_sd=noise, pair_sd=pairs, is_clustered=clusters is not None)


def noise_of_examples(
    trials: "Sequence[SeededRun]", examples: "Mapping[str, Examples]", clusters: NDArray[np.int64] | None
) -> float | None:
    """Return the SD of an example's difference between two runs, without the part that all runs of a seed share.

    The difference of two rows changes from seed to seed with twice the variance. None if no two rows with different
    results have two seeds in common.
    """
    of_rows: dict[str, dict[int, str]] = {}
    for trial in trials:
        of_rows.setdefault(trial.label, {})[trial.seed] = trial.key
    groups: list[list[str]] = []
    changes: dict[str, Examples] = {}
    for before, after in pairwise(of_rows.values()):
        group = {
            f"{before[seed]} {after[seed]}": examples[after[seed]] - examples[before[seed]]
            for seed in before.keys() & after.keys()
        }
        if any(change.any() for change in group.values()):
            groups.append(sorted(group))
            changes |= group
    sd = spread_of_examples(groups, changes, clusters)
    return None if sd is None else sd / math.sqrt(2)


def _groups(pairs: Iterable[tuple[object, str]]) -> list[list[str]]:
    """Return the different keys of each group, from pairs of group and key."""
    groups: dict[object, dict[str, None]] = {}
    for group, key in pairs:
        groups.setdefault(group, {})[key] = None
    return [list(keys) for keys in groups.values()]


def spread_of_examples(
    groups: Sequence[Sequence[str]], examples: "Mapping[str, Examples]", clusters: NDArray[np.int64] | None = None
) -> float | None:
    """Return the SD of an example's difference between two runs of one group; None if no group has two runs.

    `examples`: {run: value of each example}. The variance is the mean, over pairs of runs, of the variance over
    examples of the pair's difference: twice the residual mean square of the model run + example. With `clusters`,
    shape (examples,), each cluster counts as one example with the sum of its deviations over the mean size of a
    cluster: its variance over their number is that of the mean (Liang and Zeger 1986).
    """
    squares, df = 0.0, 0
    for group in groups:
        values = np.stack([examples[run] for run in group]).astype(float)
        centred = values - values.mean(axis=1, keepdims=True)
        if clusters is not None:
            number = np.unique(clusters, return_inverse=True)[1].reshape(-1)
            sums = np.stack([np.bincount(number, weights=run) for run in centred])
            centred = sums * (sums.shape[1] / values.shape[1])
        squares += float(np.sum((centred - centred.mean(axis=0)) ** 2))
        df += (centred.shape[0] - 1) * max(centred.shape[1] - 1, 1)
    return None if df == 0 else float(np.sqrt(2 * squares / df))
