"""The text of `ablate plan --power`: assumptions, a line for each guessed effect, and the effects that can be shown."""

import math
from collections.abc import Iterator, Mapping, Sequence

from ablate.analysis import verdicts
from ablate.analysis.power.hypotheses import Hypotheses
from ablate.analysis.power.power import Chances, Power, guesses
from ablate.cli.plan.power import PowerAssumptions
from ablate.cli.plan.text import wrapped
from ablate.study.model import Study
from ablate.text import plural

MOST_LISTED = 20
MINUS = "−"
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
    power = Power(hypotheses, assumed.world, seeds, study.alpha, study.delta)
    yield ""
    yield from wrapped(_heading(study, power))
    yield from wrapped(_assumptions(assumed, power))
    yield from (line for note in [*assumed.notes, *_looks(study)] for line in wrapped(f"Note: {note}."))
    yield ""
    wanted = list(dict.fromkeys(effects)) or list(guesses(study.delta, assumed.world.base))
    yield from _one_seed(power, wanted) if power.seeds == 1 else _several(power, wanted)
    if assumed.effects is not None and (power.seeds > 1 or power.simulates_one_seed):
        yield from _true(power, assumed.effects)


def _looks(study: Study) -> Iterator[str]:
    if study.looks:
        looks = ", ".join(map(str, study.looks))
        yield (
            f"looks at {looks} seeds decide a little less than {study.looks[-1]} fixed seeds of every row, which these "
            "chances are for, with fewer trials"
        )


def _heading(study: Study, power: Power) -> str:
    hypotheses = power.hypotheses
    family = f"family of {plural(len(hypotheses.weights), 'contrast')} ({WORDS[hypotheses.kind]})"
    if hypotheses.kind == "effects" and study.family.kind == "direct":
        family += ", as no two rows differ in one factor alone"
    return (
        f"Power of {plural(len(study.rows), 'row')} × {plural(power.seeds, 'seed')}: {family}, alpha "
        f"{study.alpha:g}, delta {study.delta:g} pp; {power.studies:,} simulated studies."
    )


def _assumptions(assumed: PowerAssumptions, power: Power) -> str:
    """Return the assumptions, each with its source."""
    world = assumed.world
    words = {
        "queries": f"{world.queries:,} {'query' if world.queries == 1 else 'queries'}",
        "base": f"base rate {world.base:.4g}",
        "own_sd": f"seed SD {_span(world.own_sd)} pp",
        "discordance": f"discordance {world.discordance:.4g}",
    }
    by_source: dict[str, list[str]] = {}
    for name, text in words.items():
        by_source.setdefault(assumed.sources[name], []).append(text)
    parts = [f"{', '.join(texts)} ({source})" for source, texts in by_source.items()]
    return f"Assumed: {'; '.join(parts)}; with its queries' part a run then has an SD of {power.run_sd:.2g} pp."


def _several(power: Power, effects: Sequence[float]) -> Iterator[str]:
    rows = [(_pp(effect), *_percents(power.chances(effect), _SEVERAL), _seeds(power, effect)) for effect in effects]
    for cells in [*_HEADS, *rows]:
        yield "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    yield ""
    yield "This design can show:"
    yield f"  with a chance of 80 %, an effect of {_smallest(power)}"
    yield from _small(power)


def _one_seed(power: Power, effects: Sequence[float]) -> Iterator[str]:
    if power.simulates_one_seed:
        yield f"{'guessed':>9}  {'these networks':>14}  {'cannot':>7}"
        yield f"{'effect':>9}  {'differ':>14}  {'tell':>7}"
        for effect in effects:
            differ, cannot = _percents(power.chances_of_one_seed(effect), _ONE)
            yield f"{_pp(effect):>9}  {differ:>14}  {cannot:>7}"
        yield ""
    yield from wrapped(
        "One seed settles nothing about a factor: another seed may differ as much. Several seeds show an effect of "
        "this size with a chance of 80 %, and show that an effect of 0 pp is smaller than "
        f"±{power.delta:g} pp with the chance that follows:"
    )
    for seeds in MORE_SEEDS:
        more = Power(power.hypotheses, power.truth, seeds, power.alpha, power.delta)
        none = _percent(more.chances(0.0)[verdicts.NO_EFFECT])
        yield f"  {seeds} seeds: an effect of {_smallest(more)}; smaller than ±{power.delta:g} pp: chance {none}"


def _true(power: Power, effects: Sequence[float]) -> Iterator[str]:
    """Yield a line for each contrast with its true effect."""
    names = _ONE if power.seeds == 1 else _TRUE
    chances_of_contrasts = power.true_chances(effects)
    yield ""
    yield "With the true effects of the config:"
    yield "  ".join(["     true", *(f"{name:>9}" for name in names)])
    for k, (true, chances) in enumerate(chances_of_contrasts[:MOST_LISTED]):
        cells = "  ".join(
            f"{cell:>{max(9, len(of))}}" for cell, of in zip(_percents(chances, names), names, strict=True)
        )
        if power.hypotheses.confounded[k]:
            cells = "  confounded: the rows differ in more than one factor"
        elif chances[verdicts.NOT_ESTIMABLE]:
            cells = "  not estimable from these rows"
        yield from wrapped(power.hypotheses.names[k], "  ")
        yield f"{_pp(true):>9}  {cells}"
    if len(chances_of_contrasts) > MOST_LISTED:
        yield f"  … and {len(chances_of_contrasts) - MOST_LISTED:,} more"


def _smallest(power: Power) -> str:
    if power.smallest is None:
        return "none, however large"
    digits = max(0, 1 - math.floor(math.log10(power.smallest)))
    return f"{math.ceil(power.smallest * 10**digits - 1e-6) / 10**digits:g} pp"


def _small(power: Power) -> list[str]:
    chance = power.chances(0.0)[verdicts.NO_EFFECT]
    needed = power.seeds_to_decide(0.0)
    text = f"  with a chance of {_percent(chance)}, that an effect of 0 pp is smaller than ±{power.delta:g} pp"
    if round(100 * chance) < 80 and (needed is None or needed > power.seeds):
        text += f" (80 % needs {_about(needed)})"
    return wrapped(text, " " * 4)


def _about(seeds: int | None) -> str:
    return "more seeds than are practical" if seeds is None else f"about {plural(seeds, 'seed')}"


def _seeds(power: Power, effect: float) -> str:
    seeds = power.seeds_to_decide(effect)
    return "–" if seeds is None else f"{seeds:,}"


def _percents(chances: Chances, names: Mapping[str, Sequence[str]]) -> list[str]:
    return [_percent(sum(chances[verdict] for verdict in of)) for of in names.values()]


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %"


def _pp(effect: float) -> str:
    return "0 pp" if abs(effect) < 5e-4 else f"{effect:+.4g} pp".replace("-", MINUS)


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.2g}" if high - low < 1e-9 else f"{low:.2g} to {high:.2g}"
