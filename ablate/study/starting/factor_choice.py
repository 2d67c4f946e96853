"""The factors of a first study: at most three options that are worth varying, with two levels and a reason each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ablate.study.starting.roles import Role, role_of
from ablate.study.starting.scanning.options import OptionKind, ScriptOption, words_of

MOST = 3
TRICKS = frozenset(
    {
        "augment", "augmentation", "pretrained", "normalize", "norm", "batchnorm", "bn", "residual", "attention",
        "mixup", "cutmix", "ema", "amp", "bias", "balance", "balanced", "shuffle", "freeze", "warmup", "scale",
        "standardize", "whiten", "bidirectional", "nesterov", "stem", "jitter", "flip",
    }
)  # fmt: skip
"""Words of switches that are often the subject of a study."""
KINDS = frozenset({"model", "arch", "architecture", "backbone", "optimizer", "optim", "opt", "scheduler", "activation",
                   "loss", "norm", "encoder", "init", "kernel", "solver", "pooling", "criterion"})  # fmt: skip
"""Words of choices that are often the subject of a study."""
TO_ZERO = frozenset({"dropout", "decay", "wd", "smoothing", "momentum", "noise", "l1", "l2", "reg", "regularization",
                     "warmup", "mixup", "cutmix", "drop", "jitter", "penalty", "weight"})  # fmt: skip
"""Words of numbers that are off at zero."""
STARTS = {"dropout": 0.1, "drop": 0.1, "decay": 1e-4, "wd": 1e-4, "smoothing": 0.1, "momentum": 0.9, "noise": 0.1,
          "mixup": 0.2, "cutmix": 1.0}  # fmt: skip
"""{word of a number that is off in the script: a usual value}."""
OF_LEARNING_RATE = frozenset({"lr", "learning"})
RATES = frozenset({*OF_LEARNING_RATE, "rate", "eta", "alpha"})
SIZES = frozenset({"hidden", "width", "depth", "layers", "dim", "size", "units", "channels", "heads", "filters",
                   "neurons", "batch", "k", "rank", "estimators", "trees", "leaves"})  # fmt: skip


@dataclass(frozen=True)
class FactorGuess:
    """A factor with the default as its first level."""

    option: ScriptOption
    levels: tuple[Any, Any]
    reason: str
    priority: int

    @property
    def name(self) -> str:
        """The name in the study file."""
        return self.option.name.replace(".", "_")


def chosen_factors(options: Sequence[ScriptOption]) -> list[FactorGuess]:
    """Return at most MOST factors among the options of a study's config, the most promising first."""
    guesses = [guess for option in options if (guess := _guess(option)) is not None]
    return sorted(guesses, key=lambda guess: guess.priority)[:MOST]  # stable: of equal ones the first of the script


def _guess(option: ScriptOption) -> FactorGuess | None:
    if role_of(option) is not Role.SETTING or not option.is_usable or option.default is None:
        return None
    words = set(words_of(option.name))
    if isinstance(option.default, bool):
        return FactorGuess(option, (option.default, not option.default), "a switch", 0 if words & TRICKS else 3)
    if option.choices:
        return _choice(option, words)
    if option.is_number and option.kind is OptionKind.VALUE:
        return _number(option, words)
    return None


def _choice(option: ScriptOption, words: set[str]) -> FactorGuess | None:
    other = next((choice for choice in option.choices if choice != option.default), None)
    if other is None or option.default not in option.choices:
        return None
    if {str(other).lower(), str(option.default).lower()} == {"true", "false"}:
        return FactorGuess(option, (option.default, other), "a switch", 3)
    reason = "one of the choices: " + ", ".join(map(str, option.choices[:6]))
    return FactorGuess(option, (option.default, other), reason, 1 if words & KINDS else 4)


def _number(option: ScriptOption, words: set[str]) -> FactorGuess | None:
    default = option.default
    start = next((STARTS[word] for word in words_of(option.name) if word in STARTS), None)
    if default == 0:
        if start is None:
            return None
        return FactorGuess(option, (default, start), "off by default; a usual value as the second level", 2)
    if words & TO_ZERO and not words & OF_LEARNING_RATE:
        zero = type(default)(0)
        return FactorGuess(option, (default, zero), "the default, and without it", 2)
    if words & RATES and isinstance(default, float):
        return FactorGuess(option, (default, _rounded(default / 3)), "the default, and a third of it", 5)
    if words & SIZES and isinstance(default, int):
        return FactorGuess(option, (default, default * 2), "the default, and twice it", 6)
    other = default * 2 if isinstance(default, int) else _rounded(default / 2)
    return FactorGuess(option, (default, other), "the default, and another value", 8)


def _rounded(value: float) -> float:
    """Return a value with one digit, or two if the first is 1: 0.0333 is 0.03."""
    return float(f"{value:.0e}") if not f"{value:.0e}".startswith("1") else float(f"{value:.1e}")
