"""The trainer `simulated` for the rest of the tool."""

from collections.abc import Iterator, Sequence, Set
from typing import TYPE_CHECKING, Any

from ablate.errors import nearest
from ablate.measurement import Metric
from ablate.trainers.entry import Config, TrainerEntry, TrueEffects
from ablate.trainers.limits import SplitLimits
from ablate.trainers.top_k import TOP_K
from ablate.trainers.unread import UnreadIf

if TYPE_CHECKING:
    from ablate.trainers.simulated.config import SimulatedConfig

SHARED = ("queries", "discordance", "shared_seed_sd_pp", "tails")
"""Config keys of which the power of a study knows one value for all rows."""


class SimulatedEntry(TrainerEntry["SimulatedConfig"]):
    """Trains nothing and draws results with known true effects."""

    train = "ablate.trainers.simulated.trainer:train"
    shape = ("seconds", "queries")
    without_code = ("ablate.trainers.simulated.config",)

    @property
    def config(self) -> "type[SimulatedConfig]":
        from ablate.trainers.simulated.config import SimulatedConfig

        return SimulatedConfig

    @property
    def unread(self) -> Sequence[UnreadIf]:
        """The law of shifts, if there are none.

        A setting that no effect names is read all the same: every setting chooses the random numbers of its row.
        """
        return (UnreadIf(("tails",), ("seed_sd_pp", "shared_seed_sd_pp", "effects"), _no_shift),)

    def study_warnings(self, configs: Sequence[Config], searched: Sequence[str]) -> Iterator[str]:
        """Return the settings, and their values, on which an effect depends and which nothing has: misspelt names."""
        keys = [key.split(".") for key in searched]
        of_search = {inner[0] for section, *inner in keys if section == "settings" and inner}
        settings = {name for config in configs for name in config["settings"]} | of_search
        conditions = [name for effect in configs[0]["effects"] for name in (*effect["when"], *effect["peak"])]
        for name in dict.fromkeys(conditions):
            if name not in settings:
                listed = ", ".join(sorted(settings)) or "none"
                near = nearest(name, sorted(settings))
                meant = f"did you mean {near!r}? set are: " if near else "set are: "
                yield f"an effect depends on the setting {name!r}, which nothing sets; {meant}{listed}"
        yield from _unused_values(configs, of_search)

    def metrics(self, configs: Sequence[Config]) -> tuple[Metric, ...]:
        """Return the rates of the k best."""
        return tuple(TOP_K.values())

    def limits(self, configs: Sequence[Config]) -> list[tuple[SplitLimits, ...]]:
        """Return the queries; a rate that is expected at 0 or 1 has no room for chance, so it cannot vary."""
        from ablate.trainers.simulated.limits import config_limits

        return config_limits(configs)

    def true_effects(self, configs: Sequence[Config], metric: Metric) -> TrueEffects | None:
        """Return the rates, shifts and queries of the configs. Keys of SHARED are taken from the first.

        They are those of top-1, and are taken for every other rate too.
        """
        from ablate.trainers.simulated.trainer import expected_rate, own_sd

        if metric not in TOP_K.values():
            return None
        rows = [self.config.model_validate(config, strict=False) for config in configs]
        first = rows[0]
        unlike = [name for name in SHARED if len({getattr(row, name) for row in rows}) > 1]
        notes = [f"rows differ in {' and '.join(unlike)}; the first row's is taken for all"] if unlike else []
        if metric != TOP_K[1]:
            notes.append(
                f"base rate and effects are taken for {metric.name}, the primary metric, as the config has them for "
                f"{TOP_K[1].name}"
            )
        return TrueEffects(
            base=first.base,
            effects=tuple(expected_rate(row) - first.base for row in rows),
            own_sd=tuple(own_sd(row) / 100 for row in rows),
            shared_sd=first.shared_seed_sd_pp / 100,
            tails=first.tails,
            examples=first.queries,
            discordance=first.discordance,
            notes=notes,
        )


def _unused_values(configs: Sequence[Config], searched: Set[str]) -> Iterator[str]:
    """Yield the values in the conditions of effects that no config has, with the values that configs have."""
    values: dict[str, dict[tuple[bool, Any], None]] = {}
    for config in configs:
        for name, value in config["settings"].items():
            values.setdefault(name, {})[_comparable(value)] = None
    conditions = [condition for effect in configs[0]["effects"] for condition in effect["when"].items()]
    for name, value in conditions:
        if name in values and name not in searched and _comparable(value) not in values[name]:
            words = [_word(value) for _, value in values[name]]
            near = nearest(value, words) if isinstance(value, str) else None
            meant = f"did you mean {near}? " if near else ""
            yield (
                f"an effect depends on {name} = {_word(value)}, which no row has, so it never acts; "
                f"{meant}rows have: {', '.join(words)}"
            )


def _comparable(value: Any) -> tuple[bool, Any]:
    """Return a value as a key that differs for `on` and 1, and is the same for 1 and 1.0."""
    return isinstance(value, bool), str(value) if isinstance(value, list | dict) else value


def _word(value: Any) -> str:
    """Return a value in the words of a study file; text that would be read as another value is in quotes."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str) and value.lower() in ("on", "off", "true", "false", "null"):
        return repr(value)
    return "null" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def _no_shift(own: float, shared: float, effects: Sequence[Config]) -> str | None:
    """Return why no run has a shift."""
    has_shift = own or shared or any(effect["seed_sd_pp"] for effect in effects)
    return None if has_shift else "every SD of a shift is 0"


ENTRY = SimulatedEntry()
