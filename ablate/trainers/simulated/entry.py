"""The trainer `simulated` for the rest of the tool."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ablate.trainers.entry import Config, TrainerEntry, TrueEffects
from ablate.trainers.limits import SplitLimits

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

    def study_warnings(self, configs: Sequence[Config], searched: Sequence[str]) -> Iterator[str]:
        """Return the settings on which an effect depends and which nothing sets: most often a misspelt factor."""
        keys = [key.split(".") for key in searched]
        settings = {name for config in configs for name in config["settings"]}
        settings |= {inner[0] for section, *inner in keys if section == "settings" and inner}
        conditions = [name for effect in configs[0]["effects"] for name in (*effect["when"], *effect["peak"])]
        for name in dict.fromkeys(conditions):
            if name not in settings:
                listed = ", ".join(sorted(settings)) or "none"
                yield f"an effect depends on the setting {name!r}, which nothing sets; set are: {listed}"

    def limits(self, configs: Sequence[Config]) -> list[tuple[SplitLimits, ...]]:
        """Return the queries; a rate that is expected at 0 or 1 has no room for chance, so it cannot vary."""
        from ablate.trainers.simulated.limits import config_limits

        return config_limits(configs)

    def true_effects(self, configs: Sequence[Config]) -> TrueEffects:
        """Return the rates, shifts and queries of the configs. Keys of SHARED are taken from the first."""
        from ablate.trainers.simulated.trainer import expected_rate, own_sd

        rows = [self.config.model_validate(config, strict=False) for config in configs]
        first = rows[0]
        unlike = [name for name in SHARED if len({getattr(row, name) for row in rows}) > 1]
        notes = [f"rows differ in {' and '.join(unlike)}; the first row's is taken for all"] if unlike else []
        return TrueEffects(
            queries=first.queries,
            base=first.base,
            discordance=first.discordance,
            effects=tuple(100 * (expected_rate(row) - first.base) for row in rows),
            own_sd=tuple(own_sd(row) for row in rows),
            shared_sd=first.shared_seed_sd_pp,
            tails=first.tails,
            notes=notes,
        )


ENTRY = SimulatedEntry()
