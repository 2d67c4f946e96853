"""The options of `ablate plan --power`: numbers in the unit in which reports print the study's primary metric."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablate.errors import StudyError
from ablate.measurement import Kind, Metric, Scale
from ablate.report.units import difference_unit

EFFECT, SEED_SD, EXAMPLE_SD = "--effect", "--seed-sd", "--example-sd"
EXAMPLES, BASE, DISCORDANCE = "--examples", "--base", "--discordance"

Accepted = Mapping[str, tuple[str, Callable[[float], bool]]]
"""{option: (the accepted numbers in words, True for an accepted number)}."""


@dataclass(frozen=True)
class PowerOptions:
    """The options of the command line; None for one that was not given. Effects and SDs are in the metric's unit."""

    effects: Sequence[float] = ()
    seed_sd: float | None = None
    examples: int | None = None
    base: float | None = None
    discordance: float | None = None
    example_sd: float | None = None


def read_options(metric: Metric, effects: Sequence[str], given: Mapping[str, str]) -> PowerOptions:
    """Read the options from {option: text}.

    Raises StudyError with every text that is not an accepted number, and every option that the metric does not have.
    """
    accepted = _accepted(metric)
    without_use = dict(_without_use(metric, given))
    faults = [f"{name}: {words}" for name, words in without_use.items()]
    guessed = [_number(EFFECT, text, accepted, faults) for text in effects]
    used = {name: text for name, text in given.items() if name not in without_use}
    numbers = {name: _number(name, text, accepted, faults) for name, text in used.items()}
    if faults:
        raise StudyError(faults)
    return PowerOptions(
        tuple(metric.difference(effect) for effect in guessed),
        metric.difference(numbers[SEED_SD]) if SEED_SD in numbers else None,
        int(numbers[EXAMPLES]) if EXAMPLES in numbers else None,
        numbers.get(BASE),
        numbers.get(DISCORDANCE),
        metric.difference(numbers[EXAMPLE_SD]) if EXAMPLE_SD in numbers else None,
    )


def has_examples(metric: Metric) -> bool:
    """Return True if values are means over examples that power knows: on a log scale it knows none."""
    return metric.kind is not Kind.SCALAR and metric.scale is Scale.LINEAR


def is_proportion(metric: Metric) -> bool:
    """Return True if values are proportions that are compared by their difference."""
    return metric.kind is Kind.PROPORTION and metric.scale is Scale.LINEAR


def sd_words(metric: Metric) -> str:
    """Return an SD's unit in words: `percentage points`, `nats`; for a ratio, its meaning."""
    if metric.scale is Scale.LOG:
        return "as a ratio: 1.05 if runs differ by about 5 %"
    return f"in {_unit(metric)}" if _unit(metric) else f"in the unit of {metric.name}"


def _unit(metric: Metric) -> str:
    return "percentage points" if metric.is_rate else difference_unit(metric)


def _accepted(metric: Metric) -> Accepted:
    of_unit = f" of {_unit(metric)}" if _unit(metric) else ""
    in_unit = f" in {_unit(metric)}" if _unit(metric) else ""
    effect: tuple[str, Callable[[float], bool]] = f"a number{of_unit}, such as 1.5 or -2", math.isfinite
    least = "0 or more" if has_examples(metric) else "above 0"

    def is_sd(sd: float) -> bool:
        return 0 <= sd < math.inf if has_examples(metric) else 0 < sd < math.inf

    seed_sd: tuple[str, Callable[[float], bool]] = (f"an SD{in_unit}, {least}", is_sd)
    if metric.scale is Scale.LOG:
        effect = "a ratio above 0, such as 1.05 or 0.9", lambda ratio: 0 < ratio < math.inf
        seed_sd = "an SD as a ratio above 1, such as 1.05", lambda ratio: 1 < ratio < math.inf
    return {
        EFFECT: effect,
        SEED_SD: seed_sd,
        EXAMPLE_SD: (f"an SD{in_unit}, above 0", lambda sd: 0 < sd < math.inf),
        EXAMPLES: ("a whole number from 1 on", lambda n: 1 <= n < math.inf and n == int(n)),
        BASE: ("a rate between 0 and 1, such as 0.27", lambda rate: 0 < rate < 1),
        DISCORDANCE: (
            f"a share of the {metric.display.examples}, from 0 to 2·base·(1−base)",
            lambda share: 0 <= share <= 0.5,
        ),
    }


def _without_use(metric: Metric, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (option, fault) for each option that the metric does not have."""
    of_proportions = [name for name in (BASE, DISCORDANCE) if name in given and not is_proportion(metric)]
    of_examples = [EXAMPLES] if EXAMPLES in given and not has_examples(metric) else []
    of_means = [EXAMPLE_SD] if EXAMPLE_SD in given and (is_proportion(metric) or not has_examples(metric)) else []
    for names, words in (
        (of_proportions, "only for a proportion"),
        (of_examples, "only for the mean of examples, or for a proportion"),
        (of_means, "only for the mean of examples"),
    ):
        for name in names:
            yield name, f"{words}; {metric.name} is {_sort(metric)}; leave it out"


def _sort(metric: Metric) -> str:
    if metric.kind is not Kind.SCALAR and metric.scale is Scale.LOG:
        return "compared by ratios, of single numbers"
    return {Kind.PROPORTION: "a proportion", Kind.MEAN: "a mean", Kind.SCALAR: "a single number"}[metric.kind]


def _number(name: str, text: str, accepted: Accepted, faults: list[str]) -> float:
    words, is_fine = accepted[name]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not is_fine(number):
        faults.append(f"{name}: found {text!r}; accepted: {words}")
    return number
