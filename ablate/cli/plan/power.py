"""The assumptions of `ablate plan --power`: from options, the config, the store, or experience."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ablate.analysis.estimation.observations import compared
from ablate.analysis.power.power import Truth
from ablate.analysis.power.proportions import ProportionTruth
from ablate.analysis.power.real_values import ValueTruth
from ablate.cli.plan.power_measured import measured_spread, sd_interval
from ablate.cli.plan.power_options import (
    DISCORDANCE,
    EFFECT,
    EXAMPLE_SD,
    EXAMPLES,
    SEED_SD,
    PowerOptions,
    has_examples,
    is_proportion,
    sd_words,
)
from ablate.errors import StudyError
from ablate.measurement import TEST, Metric, Scale
from ablate.report.units import difference_unit
from ablate.run.request import StudyRequest
from ablate.study.model import Study
from ablate.study.trials.identity import ROW, Trial, trials
from ablate.trainers.entry import Tails

SEEDS_READ = 10
"""Seeds 0 to 9 are read beyond the plan's."""

ROUNDING = 1e-12
"""Effects are compared with the room for them to this precision."""

USUAL_EXAMPLES, USUAL_BASE, USUAL_DISCORDANCE = 1000, 0.27, 0.16
USUAL_SEED_SD, USUAL_SHARED_SD = 0.003, 0.002
"""The assumptions for a proportion of which nothing is known."""

GIVEN, CONFIG, MEASURED, USUAL = "given", "from the config", "measured in finished trials", "a usual value"


@dataclass(frozen=True)
class PowerAssumptions:
    """Everything that a power simulation assumes of a study, in the unit of its primary metric."""

    metric: Metric
    world: Truth
    """The truth that studies are simulated from, with no effect in any row."""
    sources: Mapping[str, str]
    """{field of the world: where its value comes from}."""
    delta: float
    effects: tuple[float, ...] | None = None
    """The rows' true effects; None unless the trainer knows them."""
    notes: Sequence[str] = ()
    """Simplifications that were made, a sentence each."""
    sd_interval: tuple[float, float] | None = None
    """The interval at 95 % of the SD of a run, if it is measured and no usual value could stand in for it."""
    is_clustered: bool = False
    """True if the world's examples are clusters of examples."""


@dataclass(frozen=True)
class _Defaults:
    """The values before options are applied; None for unknown ones."""

    source: str
    base: float | None = None
    examples: int | None = None
    discordance: float | None = None
    example_sd: float | None = None
    pair_sd: float | None = None
    own_sd: tuple[float, ...] | None = None
    shared_sd: float | None = None
    tails: Tails = "normal"
    effects: tuple[float, ...] | None = None
    total_variance: float | None = None
    df: int = 0
    notes: Sequence[str] = ()
    is_clustered: bool = False
    missing: str = ""


def assume(request: StudyRequest, url: str, given: PowerOptions) -> PowerAssumptions:
    """Return the assumptions: options first, then known values, then usual ones if the metric is a proportion.

    Raises StudyError for options that contradict each other, and if the spread between seeds is not known.
    """
    study = request.study
    metric = study.metric(study.primary)
    rows = [trial for trial in request.trials if trial.kind == ROW]
    known = _configured(study, metric, rows) or _measured(study, metric, rows, url)
    if is_proportion(metric):
        return _proportion(request, metric, known, given)
    return _values(study, metric, known, given)


def _proportion(request: StudyRequest, metric: Metric, known: _Defaults, given: PowerOptions) -> PowerAssumptions:
    count = len(request.study.rows)
    examples, examples_from = _first(given.examples, known.examples, known.source, USUAL_EXAMPLES)
    base, base_from = _first(given.base, known.base, known.source, USUAL_BASE)
    test = next((shared.on(TEST) for shared in request.limits), None)
    notes = [*known.notes]
    if test is not None and examples_from == USUAL and test.examples != examples:
        notes.append(
            f"the test split has {test.examples:,} {metric.display.examples}; {EXAMPLES} {test.examples} plans for them"
        )
    if test is not None and base_from == USUAL:
        low, high = test.ends(metric)
        base = base if low < base < high else (low + high) / 2
    usual = min(USUAL_DISCORDANCE, 2 * base * (1 - base))
    discordance, discordance_from = _first(given.discordance, known.discordance, known.source, usual)
    _check_fit(metric, given, base, discordance)
    shared_sd = USUAL_SHARED_SD if known.shared_sd is None else known.shared_sd
    zeros = (0.0,) * count
    still = ProportionTruth(
        zeros, zeros, shared_sd, known.tails, base=base, examples=int(examples), discordance=discordance
    )
    own_sd, sd_from = _own_sd(given, known, still) or ((USUAL_SEED_SD,) * count, USUAL)
    world = replace(still, own_sd=own_sd)
    sources = {"examples": examples_from, "base": base_from, "own_sd": sd_from, "discordance": discordance_from}
    return PowerAssumptions(metric, world, sources, _delta(request.study), known.effects, notes)


def _values(study: Study, metric: Metric, known: _Defaults, given: PowerOptions) -> PowerAssumptions:
    zeros = (0.0,) * len(study.rows)
    example_sd, sd_of_examples_from = _first(given.example_sd, known.example_sd, known.source, 0.0)
    examples, examples_from = _first(given.examples, known.examples, known.source, 0)
    room = _room(metric, known.base)
    still = ValueTruth(zeros, zeros, known.shared_sd or 0.0, known.tails, room)
    sources = {}
    if examples and example_sd:
        pair_sd = known.pair_sd if given.example_sd is None else None
        still = replace(still, examples=int(examples), example_sd=example_sd, pair_sd=pair_sd)
        sources = {"examples": examples_from, "example_sd": sd_of_examples_from}
    own_sd = _own_sd(given, known, still)
    faults = [*_half_given(given, metric, example_sd, examples), *([] if own_sd else [_unknown(metric, known)])]
    faults += _beyond(metric, given, room, f"the bounds of {metric.name} leave")
    world = replace(still, own_sd=own_sd[0]) if own_sd else still
    if own_sd and not world.run_sd > 0:
        faults.append(f"--power: the SD of a run is 0, so that nothing varies; {SEED_SD} sets another")
    if faults or not own_sd:
        raise StudyError(faults)
    clustered = known.is_clustered and sd_of_examples_from != GIVEN
    interval = None
    if own_sd[1] == MEASURED and known.total_variance is not None:
        interval = sd_interval(known.total_variance, known.df)
    sources["own_sd"] = own_sd[1]
    return PowerAssumptions(metric, world, sources, _delta(study), known.effects, known.notes, interval, clustered)


def _delta(study: Study) -> float:
    """Return delta in the metric's unit; the distance from 1, if it is a ratio."""
    return abs(study.metric(study.primary).difference(study.delta))


def _room(metric: Metric, base: float | None) -> tuple[float, float]:
    """Return how far a value can fall and rise within the metric's bounds; the whole way if no value is known."""
    low, high = map(float, compared(np.array(metric.bounds), metric))
    return (high - low, high - low) if base is None else (base - low, high - base)


def _unknown(metric: Metric, known: _Defaults) -> str:
    return (
        f"--power: the spread of {metric.name} between seeds is not known: {known.missing or 'nothing shows it'}; run "
        f"two seeds of every row (`ablate run --seeds 2`), or give the SD of a run: {SEED_SD} SD, {sd_words(metric)}"
    )


def _half_given(given: PowerOptions, metric: Metric, example_sd: float, examples: float) -> Iterator[str]:
    """Yield a fault if one of the number of examples and their SD is given and the other is not known."""
    if given.example_sd is not None and not examples:
        yield f"{EXAMPLE_SD} works only with the number of {metric.display.examples}; add {EXAMPLES} N"
    if given.examples is not None and not example_sd:
        yield (
            f"{EXAMPLES} works only with the SD of the difference that one {metric.display.example} has between two "
            f"runs, which no finished trials show; add {EXAMPLE_SD} SD, {sd_words(metric)}"
        )


def _check_fit(metric: Metric, given: PowerOptions, base: float, discordance: float) -> None:
    """Raise StudyError with every option that does not fit the base rate."""
    most = 2 * base * (1 - base)
    faults = list(_beyond(metric, given, (base, 1 - base), f"a base rate of {base:.4g} leaves"))
    if discordance > most + 1e-12:
        faults.append(
            f"discordance {discordance:g}: at most 2·base·(1−base) = {most:.4g} at a base rate of {base:.4g}; "
            f"{DISCORDANCE} sets another"
        )
    if faults:
        raise StudyError(faults)


def _beyond(metric: Metric, given: PowerOptions, room: tuple[float, float], leaves: str) -> Iterator[str]:
    """Yield a fault for each guessed effect that is larger than the values have room for."""
    low, high = (metric.shown(end) for end in (-room[0], room[1]))
    span = f"{low:.4g} to {high:.4g}" if metric.scale is Scale.LOG else f"{low:.4g} to {high:+.4g}"
    unit = f" {difference_unit(metric)}" if difference_unit(metric) else ""
    for effect in given.effects:
        if not -room[0] - ROUNDING <= effect <= room[1] + ROUNDING:
            yield f"{EFFECT} {metric.shown(effect):g}: beyond {span}{unit}, all that {leaves}"


def _first(given: float | None, known: float | None, source: str, usual: float) -> tuple[float, str]:
    if given is not None:
        return given, GIVEN
    return (known, source) if known is not None else (usual, USUAL)


def _own_sd(given: PowerOptions, known: _Defaults, still: Truth) -> tuple[tuple[float, ...], str] | None:
    """Return the SD of each row's own shift and its source; None if it is not known.

    A measured variance includes that of the examples, which the simulation adds again, so it is subtracted.
    """
    rows = len(still.effects)
    if given.seed_sd is not None:
        return (given.seed_sd,) * rows, GIVEN
    if known.own_sd is not None:
        return known.own_sd, known.source
    if known.total_variance is not None:
        return (math.sqrt(max(0.0, known.total_variance - still.example_variance)),) * rows, known.source
    return None


def _configured(study: Study, metric: Metric, rows: Sequence[Trial]) -> _Defaults | None:
    """Return the defaults from the trainer's config, or None if the trainer knows no true effects."""
    by_label = {trial.label: trial.config for trial in rows}
    truth = study.entry.true_effects(list(by_label.values()), metric)
    if truth is None:
        return None
    effects = truth.effects
    least = 1e-9 * max(map(abs, effects), default=0.0)
    examples, example_sd, own_sd = truth.examples, truth.example_sd, truth.own_sd
    if not has_examples(metric) and examples and example_sd:
        own_sd = tuple(math.hypot(sd, example_sd / math.sqrt(2 * examples)) for sd in own_sd)
        examples = example_sd = None
    return _Defaults(
        CONFIG,
        truth.base,
        examples,
        truth.discordance,
        example_sd,
        own_sd=own_sd,
        shared_sd=truth.shared_sd,
        tails=truth.tails,
        effects=effects if any(abs(effect - effects[0]) > least for effect in effects) else None,
        notes=truth.notes,
    )


def _measured(study: Study, metric: Metric, rows: Sequence[Trial], url: str) -> _Defaults:
    """Return the defaults as measured in the study's finished trials.

    Seeds beyond the plan's count too if its own show no spread, and no usual one can stand in for it.
    """
    found = measured_spread(metric, rows, url)
    if found.variance is None and not is_proportion(metric):
        more = replace(study, seeds=tuple(dict.fromkeys((*study.seeds, *range(SEEDS_READ)))))
        of_rows = [trial for trial in trials(more, allow_unprepared=True) if trial.kind == ROW]
        found = measured_spread(metric, of_rows, url)
    return _Defaults(
        MEASURED,
        found.base,
        found.examples,
        example_sd=found.example_sd,
        pair_sd=found.pair_sd,
        total_variance=found.variance,
        df=found.df,
        notes=found.notes,
        is_clustered=found.is_clustered,
        missing=found.missing,
    )
