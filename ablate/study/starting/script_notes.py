"""The words for the guesses about a script, and for the work that they leave to the user."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ablate.study.starting.draft import TO_FILL_IN
from ablate.study.starting.factor_choice import FactorGuess
from ablate.study.starting.metric_guesses import MetricGuess
from ablate.study.starting.option_use import OptionUse
from ablate.study.starting.scanning.hydra_options import HYDRA
from ablate.text import listed_in_part, plural, written

MOST_NAMED = 8
"""Options that a sentence names."""


def notes(path: Path, use: OptionUse, metrics: Sequence[MetricGuess], factors: Sequence[FactorGuess]) -> Iterator[str]:
    """Yield the guesses, with their reasons, a sentence each."""
    yield f"{path.name}: {_options(use)}"
    if use.seed:
        yield f"seed: {use.seed.flag or use.seed.name}"
    if use.outputs:
        names = listed_in_part([option.flag or option.name for option in use.outputs], MOST_NAMED)
        yield f"output: {names}, in a folder of its own for each training"
    yield from guesses(metrics, factors)


def guesses(metrics: Sequence[MetricGuess], factors: Sequence[FactorGuess]) -> Iterator[str]:
    """Yield the metrics and factors, with the reason for each."""
    for metric in metrics:
        percent = ", in percent" if metric.is_percent else ""
        better = "lower" if metric.is_lower_better else "higher"
        yield f"metric: {metric.name}, {metric.reason}{percent}; {better} is better, by its name"
    for factor in factors:
        levels = " and ".join(map(written, factor.levels))
        yield f"factor: {factor.name}, {levels}: {factor.reason}"


def to_do(path: Path, use: OptionUse, metrics: Sequence[MetricGuess], factors: Sequence[FactorGuess]) -> Iterator[str]:
    """Yield the work that is left to the user, a sentence each."""
    if use.missing:
        names = listed_in_part([option.name for option in use.missing], MOST_NAMED)
        yield f"{path.name} requires {names}: write the value in place of {TO_FILL_IN}"
    if not use.parser:
        yield (
            f"no options of {path.name} were recognised, so no factor reaches it: let it read options, for example "
            "with argparse, or read the JSON file that the variable ABLATE_CONFIG names"
        )
    if use.seed is None:
        yield (
            "no option for a seed was recognised: add one, and give it `${seed}` in the command, or let the script "
            "read the variable ABLATE_SEED; only several seeds show which differences are chance"
        )
    if not metrics:
        yield "no metric was recognised: write one in `metrics:`; `ablate check` lists all that it sees"
    for option in use.broken:
        yield (
            f"{option.flag} (line {option.line}) has `type=bool`, for which the text `false` is true as well: use "
            "`action=argparse.BooleanOptionalAction` to vary it"
        )
    if use.parser and not factors:
        yield "no option was recognised that is worth varying: write `factors:` yourself"


def _options(use: OptionUse) -> str:
    if not use.parser:
        return "no options were recognised"
    every = [*use.config, *([use.seed] if use.seed else []), *use.outputs, *use.left]
    noun = "key" if use.parser == HYDRA else "option"
    command = f", those of the command {use.command!r}" if use.command else ""
    return f"{plural(len(every), noun)} of {use.parser}{command}"
