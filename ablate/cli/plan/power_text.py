"""The text of `ablate plan --power`: assumptions, a line for each guessed effect, and the effects that can be shown."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ablate.analysis import verdicts
from ablate.analysis.power.hypotheses import Hypotheses
from ablate.analysis.power.power import Chances, Power, guesses
from ablate.analysis.power.proportions import ProportionTruth
from ablate.cli.plan.power import PowerAssumptions
from ablate.cli.plan.text import wrapped
from ablate.measurement import Metric, Scale
from ablate.report.units import MINUS, difference_unit
from ablate.study.model import Study
from ablate.text import plural

MOST_LISTED = 20
NEGLIGIBLE = 1e-3
"""The part of delta below which a true effect is printed as 0: least squares give it by rounding in floats."""
MORE_SEEDS = (2, 3, 5)
WORDS = {"direct": "pairs of rows that differ in one factor", "listed": "listed pairs", "effects": "effects of levels"}

_EFFECT = (verdicts.BETTER, verdicts.WORSE)
_BELOW = (verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)
_SEVERAL = {
    "better or worse": _EFFECT,
    "and below delta": _BELOW,
    "no effect": (verdicts.NO_EFFECT,),
    "undecided": (verdicts.UNDECIDED,),
}
_HEADS = (
    ("guessed", "better", "shown, but", "no effect", "", "seeds that"),
    ("effect", "or worse", "below delta", "beyond delta", "undecided", "decide it"),
)
_WIDTHS = (9, 9, 11, 12, 9, 10)
_ONE = {"these networks differ": (verdicts.CHECKPOINTS_DIFFER,), "cannot tell": (verdicts.CANNOT_TELL,)}
_TRUE = {
    "better": (verdicts.BETTER,),
    "worse": (verdicts.WORSE,),
    "below delta": _BELOW,
    "no effect": (verdicts.NO_EFFECT,),
    "undecided": (verdicts.UNDECIDED,),
}


def power_lines(
    study: Study, hypotheses: Hypotheses, assumed: PowerAssumptions, effects: Sequence[float]
) -> Iterator[str]:
    """Yield the lines of `ablate plan --power`."""
    seeds = study.looks[-1] if study.looks else len(study.seeds)
    metric, sign = assumed.metric, assumed.metric.direction.sign
    power = Power(hypotheses, assumed.world, seeds, study.alpha, assumed.delta, sign)
    yield ""
    yield from wrapped(_heading(study, metric, power))
    yield from wrapped(_assumptions(assumed))
    yield from (
        line for note in [*assumed.notes, *_uncertain(assumed), *_looks(study)] for line in wrapped(f"Note: {note}.")
    )
    yield ""
    wanted = list(dict.fromkeys(effects)) or list(guesses(assumed.delta, assumed.world, sign))
    yield from _one_seed(metric, power, wanted) if power.seeds == 1 else _several(metric, power, wanted)
    if assumed.effects is not None and (power.seeds > 1 or power.simulates_one_seed):
        yield from _true(metric, power, assumed.effects)


def _uncertain(assumed: PowerAssumptions) -> Iterator[str]:
    """Yield a note of how well a measured SD is known."""
    if assumed.sd_interval is not None:
        low, high = (_sd(assumed.metric, end) for end in assumed.sd_interval)
        yield f"the finished trials show the SD of a run with 95 % confidence to be {low} to {high}"


def _looks(study: Study) -> Iterator[str]:
    if study.looks:
        looks = ", ".join(map(str, study.looks))
        yield (
            f"looks at {looks} seeds decide a little less than {study.looks[-1]} fixed seeds of every row, which these "
            "chances are for, with fewer trials"
        )


def _heading(study: Study, metric: Metric, power: Power) -> str:
    hypotheses = power.hypotheses
    family = f"family of {plural(len(hypotheses.weights), 'contrast')} ({WORDS[hypotheses.kind]})"
    if hypotheses.kind == "effects" and study.family.kind == "direct":
        family += ", as no two rows differ in one factor alone"
    lower = "" if power.sign > 0 else f", lower {metric.name} is better"
    return (
        f"Power of {plural(len(study.rows), 'row')} × {plural(power.seeds, 'seed')}: {family}, alpha "
        f"{study.alpha:g}, delta {_size(metric, power.delta)}{lower}; {power.studies:,} simulated studies."
    )


def _assumptions(assumed: PowerAssumptions) -> str:
    """Return the assumptions, each with its source."""
    world = assumed.world
    by_source: dict[str, list[str]] = {}
    for name, text in _assumed_values(assumed).items():
        by_source.setdefault(assumed.sources[name], []).append(text)
    parts = [f"{', '.join(texts)} ({source})" for source, texts in by_source.items()]
    text = f"Assumed: {'; '.join(parts)}"
    if world.examples is None:
        return f"{text}."
    own = "clusters'" if assumed.is_clustered else f"{assumed.metric.display.examples}'"
    return f"{text}; with its {own} part a run then has an SD of {_sd(assumed.metric, world.run_sd)}."


def _assumed_values(assumed: PowerAssumptions) -> dict[str, str]:
    metric, world = assumed.metric, assumed.world
    values: dict[str, str] = {}
    if world.examples is not None:
        one, several = metric.display.example, metric.display.examples
        if assumed.is_clustered:
            one, several = "cluster", f"clusters of {several}"
        values["examples"] = f"{world.examples:,} {one if world.examples == 1 else several}"
    if isinstance(world, ProportionTruth):
        values["base"] = f"base rate {world.base:.4g}"
    values["own_sd"] = f"seed SD {_sd(metric, *world.own_sd)}"
    if isinstance(world, ProportionTruth):
        values["discordance"] = f"discordance {world.discordance:.4g}"
    elif world.examples is not None:
        values["example_sd"] = f"SD {_sd(metric, world.example_sd)} of the difference that one {one} has in two runs"
        if world.pair_sd is not None and _sd(metric, world.pair_sd) != _sd(metric, world.example_sd):
            values["example_sd"] += f", and {_sd(metric, world.pair_sd)} in two rows"
    return values


def _several(metric: Metric, power: Power, effects: Sequence[float]) -> Iterator[str]:
    rows = [
        (_effect_text(metric, effect), *_percents(power.chances(effect), _SEVERAL), _seeds(power, effect))
        for effect in effects
    ]
    widths = (max(_WIDTHS[0], *(len(first) for first, *_ in rows)), *_WIDTHS[1:])
    for cells in [*_HEADS, *rows]:
        yield "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    yield ""
    yield "This design can show:"
    yield f"  with a chance of 80 %, an effect of {_smallest(metric, power)}"
    yield from _small(metric, power)


def _one_seed(metric: Metric, power: Power, effects: Sequence[float]) -> Iterator[str]:
    if power.simulates_one_seed:
        width = max(9, *(len(_effect_text(metric, effect)) for effect in effects))
        yield f"{'guessed':>{width}}  {'these networks':>14}  {'cannot':>7}"
        yield f"{'effect':>{width}}  {'differ':>14}  {'tell':>7}"
        for effect in effects:
            differ, cannot = _percents(power.chances_of_one_seed(effect), _ONE)
            yield f"{_effect_text(metric, effect):>{width}}  {differ:>14}  {cannot:>7}"
        yield ""
    elif power.truth.examples is None:
        yield from wrapped(
            f"One seed shows nothing: one value of {metric.name} a row, without known {metric.display.examples}, does "
            "not show its own spread."
        )
    yield from wrapped(
        "One seed settles nothing about a factor: another seed may differ as much. Several seeds show an effect of "
        f"this size with a chance of 80 %, and show that {_none_is_small(metric, power)} with the chance that follows:"
    )
    for seeds in MORE_SEEDS:
        more = replace(power, seeds=seeds)
        none = _percent(more.chances(0.0)[verdicts.NO_EFFECT])
        yield f"  {seeds} seeds: an effect of {_smallest(metric, more)}; {_small_words(metric, power)}: chance {none}"


def _true(metric: Metric, power: Power, effects: Sequence[float]) -> Iterator[str]:
    """Yield a line for each contrast with its true effect."""
    names = _ONE if power.seeds == 1 else _TRUE
    chances_of_contrasts = power.true_chances(effects)
    listed = [
        (_effect_text(metric, true if abs(true) >= NEGLIGIBLE * power.delta else 0.0), chances)
        for true, chances in chances_of_contrasts[:MOST_LISTED]
    ]
    width = max(9, *(len(true) for true, _ in listed))
    yield ""
    yield "With the true effects of the config:"
    yield "  ".join([f"{'true':>{width}}", *(f"{name:>9}" for name in names)])
    for k, (true, chances) in enumerate(listed):
        cells = "  ".join(
            f"{cell:>{max(9, len(of))}}" for cell, of in zip(_percents(chances, names), names, strict=True)
        )
        if power.hypotheses.confounded[k]:
            cells = "  confounded: the rows differ in more than one factor"
        elif chances[verdicts.NOT_ESTIMABLE]:
            cells = "  not estimable from these rows"
        yield from wrapped(power.hypotheses.names[k], "  ")
        yield f"{true:>{width}}  {cells}"
    if len(chances_of_contrasts) > MOST_LISTED:
        yield f"  … and {len(chances_of_contrasts) - MOST_LISTED:,} more"


def _smallest(metric: Metric, power: Power) -> str:
    """Return the size of the smallest effect, rounded up to two digits; on a log scale the ratio of an improvement."""
    if power.smallest is None:
        return "none, however large"
    if metric.scale is Scale.LOG:
        return _effect_text(metric, power.sign * power.smallest)
    shown = metric.shown(power.smallest)
    digits = max(0, 1 - math.floor(math.log10(shown)))
    return _with_unit(metric, f"{math.ceil(shown * 10**digits - 1e-6) / 10**digits:g}")


def _small(metric: Metric, power: Power) -> list[str]:
    chance = power.chances(0.0)[verdicts.NO_EFFECT]
    needed = power.seeds_to_decide(0.0)
    text = f"  with a chance of {_percent(chance)}, that {_none_is_small(metric, power)}"
    if round(100 * chance) < 80 and (needed is None or needed > power.seeds):
        text += f" (80 % needs {_about(needed)})"
    return wrapped(text, " " * 4)


def _none_is_small(metric: Metric, power: Power) -> str:
    """Return `an effect of 0 pp is smaller than ±0.5 pp`."""
    verb = "lies" if metric.scale is Scale.LOG else "is"
    return f"an effect of {_effect_text(metric, 0.0)} {verb} {_small_words(metric, power)}"


def _small_words(metric: Metric, power: Power) -> str:
    if metric.scale is Scale.LOG:
        return f"within {_effect_text(metric, -power.delta)} to {_effect_text(metric, power.delta)}"
    return f"smaller than ±{_size(metric, power.delta)}"


def _about(seeds: int | None) -> str:
    return "more seeds than are practical" if seeds is None else f"about {plural(seeds, 'seed')}"


def _seeds(power: Power, effect: float) -> str:
    seeds = power.seeds_to_decide(effect)
    return "–" if seeds is None else f"{seeds:,}"


def _percents(chances: Chances, names: Mapping[str, Sequence[str]]) -> list[str]:
    return [_percent(sum(chances[verdict] for verdict in of)) for of in names.values()]


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %"


def _effect_text(metric: Metric, effect: float) -> str:
    """Return an effect with its sign and unit: `+0.25 pp`; on a log scale the ratio: `×1.05`."""
    shown = metric.shown(effect)
    if metric.scale is Scale.LOG:
        return f"×{shown:.4g}"
    return _with_unit(metric, f"{shown:+.4g}".replace("-", MINUS) if effect else "0")


def _size(metric: Metric, difference: float) -> str:
    """Return the size of a difference with its unit: `0.5 pp`; on a log scale the ratio."""
    shown = f"{metric.shown(difference):.6g}"
    return f"×{shown}" if metric.scale is Scale.LOG else _with_unit(metric, shown)


def _sd(metric: Metric, *sds: float) -> str:
    """Return an SD with its unit, or the span of several; on a log scale the ratio by which runs differ."""
    ratio, digits = metric.scale is Scale.LOG, 4 if metric.scale is Scale.LOG else 2
    low, high = (f"{'×' * ratio}{metric.shown(end):.{digits}g}" for end in (min(sds), max(sds)))
    return _with_unit(metric, low if low == high else f"{low} to {high}")


def _with_unit(metric: Metric, number: str) -> str:
    unit = difference_unit(metric)
    return f"{number} {unit}" if unit else number
