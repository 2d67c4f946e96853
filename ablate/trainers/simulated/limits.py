"""The limits of simulated tests: a run that is expected to hit all queries, or none, has no room for chance."""

from collections.abc import Sequence

from ablate.measurement import TEST, VALIDATION
from ablate.trainers.entry import Config
from ablate.trainers.limits import QUERY_NOUNS, SplitLimits
from ablate.trainers.simulated.config import SimulatedConfig, SimulatedEffect
from ablate.trainers.top_k import TOP_K

SPLITS = (VALIDATION, TEST)


def config_limits(configs: Sequence[Config]) -> list[tuple[SplitLimits, ...]]:
    """Return for each plain config the limits of its tests."""
    rate_of, limits = _ExpectedRates(), []
    known: dict[tuple[int, float | None], tuple[SplitLimits, ...]] = {}
    for config in configs:
        queries, rate = config["queries"], rate_of(config) if "rates" in config["metrics"] else None
        at_bound = rate if rate is None or rate <= 0 or rate >= 1 else 0.5
        if (queries, at_bound) not in known:
            known[queries, at_bound] = tuple(_split_limits(split, queries, rate) for split in SPLITS)
        has_examples = rate is not None or "loss" in config["metrics"]
        limits.append(known[queries, at_bound] if has_examples else ())
    return limits


def _split_limits(split: str, queries: int, rate: float | None) -> SplitLimits:
    """Return the limits of a split; `rate`: the expected rate, None for runs without rates."""
    if rate is None:
        return SplitLimits(split, "", queries)
    if 0 < rate < 1:
        return SplitLimits(split, "", queries, nouns=QUERY_NOUNS)
    fixed = 0.0 if rate <= 0 else 1.0
    because = f"the base and the effects that hold expect a top-1 rate of {100 * rate:.4g} %, and no run can vary there"
    remedy = "choose a base and effects whose sum lies between 0 and 100 %"
    rates = {metric.name: (fixed, fixed) for metric in TOP_K.values()}
    return SplitLimits(split, "", queries, (), rates, because, remedy, QUERY_NOUNS)


class _ExpectedRates:
    """The expected rates of configs. Validating takes long, so effects that configs share are validated once."""

    def __init__(self) -> None:
        self.effects: dict[int, tuple[SimulatedEffect, ...]] = {}
        """Validated effects by the id of their plain values; all configs stay alive."""

    def __call__(self, config: Config) -> float:
        """Return the expected rate, in [0, 1]; any rate between the bounds if the effects cannot reach them."""
        base, plain = config["base"], config["effects"]
        reach = sum(abs(effect["pp"]) for effect in plain) / 100
        if reach < base < 1 - reach:
            return float(base)
        from ablate.trainers.simulated.truth import expected_rate

        if id(plain) not in self.effects:
            self.effects[id(plain)] = tuple(SimulatedEffect.model_validate(effect, strict=False) for effect in plain)
        effects = self.effects[id(plain)]
        return expected_rate(SimulatedConfig.model_construct(base=base, effects=effects, settings=config["settings"]))
