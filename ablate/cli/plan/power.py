"""The assumptions of `ablate plan --power`: from options, the config, the store, or experience."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ablate.analysis.design.additive_model import AdditiveModel, Variable, additive_model
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.power.hypotheses import Hypotheses, family_hypotheses
from ablate.analysis.power.power import query_variance
from ablate.analysis.power.simulation import SimulationTruth
from ablate.analysis.stats.resolution import rounding_variance
from ablate.api.stores import store_if_any
from ablate.errors import AblateError, StudyError
from ablate.run.request import StudyRequest
from ablate.study.model import Study
from ablate.study.plan.limits import TEST
from ablate.study.trials.identity import ROW, Trial
from ablate.text import plural
from ablate.trainers.registry import TRAINERS
from ablate.trainers.top_k import METRICS

QUERIES, BASE, SEED_SD, DISCORDANCE = 1000, 0.27, 0.3, 0.16
"""The assumptions if nothing is known: queries, base rate, SD in percentage points, share of queries."""

GIVEN, CONFIG, MEASURED, USUAL = "given", "from the config", "measured in finished trials", "a usual value"


@dataclass(frozen=True)
class PowerOptions:
    """The options of the command line; None for one that was not given. Effects and SDs in percentage points."""

    effects: Sequence[float] = ()
    seed_sd: float | None = None
    queries: int | None = None
    base: float | None = None
    discordance: float | None = None


@dataclass(frozen=True)
class PowerAssumptions:
    """Everything that a power simulation assumes of a study."""

    world: SimulationTruth
    """The truth that studies are simulated from, with no effect in any row."""
    sources: Mapping[str, str]
    """{queries, base, own_sd or discordance: where the value comes from}."""
    effects: tuple[float, ...] | None = None
    """The rows' true effects in percentage points; None unless the trainer knows them."""
    notes: Sequence[str] = ()
    """Simplifications that were made, a sentence each."""


@dataclass(frozen=True)
class _Defaults:
    """The values before options are applied; unknown ones are missing in `values`."""

    source: str
    values: Mapping[str, float] = field(default_factory=dict)
    own_sd: tuple[float, ...] | None = None
    shared_sd: float = 0.2
    tails: str = "normal"
    effects: tuple[float, ...] | None = None
    total_variance: float | None = None
    notes: Sequence[str] = ()


def ask(study: Study, trials: Sequence[Trial]) -> Hypotheses:
    """Return the study's family of contrasts. `trials`: of all its rows.

    Raises AblateError if no contrast can have a verdict, or if there are too many.
    """
    if len(study.rows) < 2:
        rows = plural(len(study.rows), "row")
        raise AblateError(f"--power: study {study.name} has {rows}, so there is nothing to compare")
    labels = [row.label for row in study.rows]
    keys = {trial.label: trial.key for trial in reversed(trials)}
    declared = family_hypotheses(_layout(study), study.family, labels)
    hypotheses = declared.without_repeats([keys[label] for label in labels])
    if declared.isolated.size and not hypotheses.isolated.size:
        raise AblateError(
            "--power: nothing reads the factors, so that all rows are one trial; the warnings of `ablate plan` give "
            "the reasons"
        )
    if not hypotheses.isolated.size:
        raise AblateError(
            f"--power: no contrast of family {hypotheses.kind!r} shows one factor alone, so that none can have a "
            "verdict; `ablate plan` without --power shows the aliases"
        )
    return hypotheses


def assume(request: StudyRequest, url: str, given: PowerOptions) -> PowerAssumptions:
    """Return the assumptions: options first, then known values, then usual ones.

    Raises StudyError for options that contradict each other.
    """
    rows = [trial for trial in request.trials if trial.kind == ROW]
    known = _configured(request.study, rows) or _measured(request.study, rows, url)
    queries, queries_from = _first(given.queries, known, "queries", QUERIES)
    base, base_from = _first(given.base, known, "base", BASE)
    test = next((shared.on(TEST) for shared in request.limits), None)
    notes = [*known.notes]
    if test is not None and queries_from == USUAL and test.queries != queries:
        notes.append(f"the test split has {test.queries:,} queries; --queries {test.queries} plans for them")
    if test is not None and base_from == USUAL:
        low, high = test.range(request.study.primary)
        base = base if low < base < high else (low + high) / 2
    usual = min(DISCORDANCE, 2 * base * (1 - base))
    discordance, discordance_from = _first(given.discordance, known, "discordance", usual)
    _check_fit(given, base, discordance)
    count = len(request.study.rows)
    still = SimulationTruth((0.0,) * count, (0.0,) * count, known.shared_sd, base, int(queries), discordance)
    own_sd, sd_from = _own_sd(given, known, still)
    world = SimulationTruth(
        still.effects,
        own_sd,
        known.shared_sd,
        base,
        int(queries),
        discordance,
        "t5" if known.tails == "t5" else "normal",
    )
    sources = {"queries": queries_from, "base": base_from, "own_sd": sd_from, "discordance": discordance_from}
    return PowerAssumptions(world, sources, known.effects, notes)


def _layout(study: Study) -> AdditiveModel:
    """Return the rows as levels of factors, the baseline level first, as in reports."""
    variables = [
        Variable(
            factor.name,
            (factor.baseline.word, *(level.word for level in factor.levels if level.word != factor.baseline.word)),
        )
        for factor in study.factors
    ]
    return additive_model(variables, [[row.levels[variable.name].word for variable in variables] for row in study.rows])


_ACCEPTED: Mapping[str, tuple[str, Callable[[float], bool]]] = {
    "--effect": ("a number of percentage points, such as 1.5 or -2", math.isfinite),
    "--seed-sd": ("an SD in percentage points, 0 or more", lambda sd: 0 <= sd < math.inf),
    "--queries": ("a whole number from 1 on", lambda n: 1 <= n < math.inf and n == int(n)),
    "--base": ("a rate between 0 and 1, such as 0.27", lambda rate: 0 < rate < 1),
    "--discordance": ("a share of the queries, from 0 to 2·base·(1−base)", lambda share: 0 <= share <= 0.5),
}


def read_options(effects: Sequence[str], given: Mapping[str, str]) -> PowerOptions:
    """Read the options from {option: text}. Raises StudyError with every text that is not an accepted number."""
    faults: list[str] = []
    guessed = tuple(_number("--effect", text, faults) for text in effects)
    numbers = {name: _number(name, text, faults) for name, text in given.items()}
    if faults:
        raise StudyError(faults)
    queries = int(numbers["--queries"]) if "--queries" in numbers else None
    return PowerOptions(guessed, numbers.get("--seed-sd"), queries, numbers.get("--base"), numbers.get("--discordance"))


def _number(name: str, text: str, faults: list[str]) -> float:
    words, is_fine = _ACCEPTED[name]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not is_fine(number):
        faults.append(f"{name}: found {text!r}; accepted: {words}")
    return number


def _check_fit(given: PowerOptions, base: float, discordance: float) -> None:
    """Raise StudyError with every option that does not fit the base rate."""
    most = 2 * base * (1 - base)
    faults = [
        f"--effect {effect:g}: beyond {-100 * base:.4g} to {100 * (1 - base):+.4g} pp, all that a base rate of "
        f"{base:.4g} leaves"
        for effect in given.effects
        if not 0 <= base + effect / 100 <= 1
    ]
    if discordance > most + 1e-12:
        faults.append(
            f"discordance {discordance:g}: at most 2·base·(1−base) = {most:.4g} at a base rate of {base:.4g}; "
            "--discordance sets another"
        )
    if faults:
        raise StudyError(faults)


def _first(given: float | None, known: _Defaults, name: str, usual: float) -> tuple[float, str]:
    if given is not None:
        return given, GIVEN
    return (known.values[name], known.source) if name in known.values else (usual, USUAL)


def _own_sd(given: PowerOptions, known: _Defaults, still: SimulationTruth) -> tuple[tuple[float, ...], str]:
    """Return the SD of each row's own shift, in percentage points, and its source.

    A measured variance includes that of the queries, which the simulation adds again, so it is subtracted.
    """
    rows = len(still.effects)
    if given.seed_sd is not None:
        return (given.seed_sd,) * rows, GIVEN
    if known.own_sd is not None:
        return known.own_sd, known.source
    if known.total_variance is not None:
        return (math.sqrt(max(0.0, known.total_variance - query_variance(still))),) * rows, known.source
    return (SEED_SD,) * rows, USUAL


def _configured(study: Study, rows: Sequence[Trial]) -> _Defaults | None:
    """Return the defaults from the trainer's config, or None if the trainer knows no true effects."""
    by_label = {trial.label: trial.config for trial in rows}
    metric = next(one for one in METRICS if one.name == study.primary)
    truth = TRAINERS[study.trainer].true_effects(list(by_label.values()), metric)
    if truth is None:
        return None
    effects = tuple(100 * effect for effect in truth.effects)
    values = {"queries": truth.examples, "base": truth.base, "discordance": truth.discordance}
    return _Defaults(
        CONFIG,
        {name: value for name, value in values.items() if value is not None},
        tuple(100 * sd for sd in truth.own_sd),
        100 * truth.shared_sd,
        truth.tails,
        effects if any(abs(effect - effects[0]) > 1e-9 for effect in effects) else None,
        notes=truth.notes,
    )


def _measured(study: Study, rows: Sequence[Trial], url: str) -> _Defaults:
    """Return queries, base rate and variance as measured in the study's finished trials."""
    opened = store_if_any(url)
    if opened is None:
        return _Defaults(MEASURED)
    from ablate.store.results import read_trials

    with opened.read() as connection:
        found = read_trials(connection, {trial.key for trial in rows})
    of_trials = {key: (trial.values or {}).get(study.primary) for key, trial in found.items()}
    done = {key: one for key, one in of_trials.items() if one is not None and one.n}
    counts = [one.n for one in done.values() if one.n]
    if not counts:
        return _Defaults(MEASURED)
    queries = max(set(counts), key=counts.count)
    labels, seeds = ({of: i for i, of in enumerate(dict.fromkeys(every))} for every in _cells(rows))
    rates = np.full((len(labels), len(seeds)), np.nan)
    for trial in rows:
        if trial.key in done and done[trial.key].n == queries:
            rates[labels[trial.label], seeds[trial.seed]] = 100 * done[trial.key].value
    if np.nanmax(rates) == 0 or np.nanmin(rates) == 100:
        note = (
            f"every finished trial has {np.nanmax(rates):g} %, which shows neither a base rate nor a spread between "
            "seeds, so that these are usual values"
        )
        return _Defaults(MEASURED, {"queries": queries}, notes=(note,))
    spread = VarianceModel(rates, floor=rounding_variance(queries))
    variance = float(spread.variance) if spread.df > 0 else None
    base = float(np.clip(np.nanmean(rates) / 100, 0.001, 0.999))
    return _Defaults(MEASURED, {"queries": queries, "base": base}, total_variance=variance)


def _cells(rows: Sequence[Trial]) -> tuple[list[str], list[int]]:
    return [trial.label for trial in rows], [trial.seed for trial in rows]
