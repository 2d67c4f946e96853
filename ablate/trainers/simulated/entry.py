"""The trainer `simulated` for the rest of the tool."""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

from ablate.errors import nearest
from ablate.measurement import Metric
from ablate.trainers.entry import Config, TrainerEntry, TrueEffects
from ablate.trainers.limits import SplitLimits
from ablate.trainers.simulated.metrics import ALL, declared
from ablate.trainers.unread import ActsAs, UnreadIf

if TYPE_CHECKING:
    from ablate.trainers.simulated.config import SimulatedConfig

OF_LOSS = ("loss.base", "loss.per_pp", "loss.sd", "loss.correlation")
OF_SCORE = ("score.base", "score.per_pp", "score.positive")
OF_EXAMPLES = ("queries", "clusters", "cluster_share", "ids")
"""Config keys that only some metrics read."""


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
        """The law of shifts, if there are none, and the keys of metrics that are not requested.

        A setting that no effect names is read all the same: every setting chooses the random numbers of its row.
        """
        return (
            UnreadIf(("tails",), ("seed_sd_pp", "shared_seed_sd_pp", "effects"), _no_shift),
            UnreadIf(("discordance",), ("metrics",), partial(_none_of, ("rates",))),
            UnreadIf(OF_LOSS, ("metrics",), partial(_none_of, ("loss",))),
            UnreadIf(OF_SCORE, ("metrics",), partial(_none_of, ("score",))),
            UnreadIf(OF_EXAMPLES, ("metrics",), partial(_none_of, ("rates", "loss"))),
            UnreadIf(("cluster_share",), ("clusters",), _no_clusters),
        )

    @property
    def alike(self) -> Sequence[ActsAs]:
        """The same metrics in another order."""
        return (ActsAs("metrics", (), _in_one_order),)

    def study_warnings(self, configs: Sequence[Config], searched: Sequence[str]) -> Iterator[str]:
        """Return the settings, and their values, on which an effect depends and which nothing has: misspelt names."""
        keys = [key.split(".") for key in searched]
        of_search = {inner[0] for section, *inner in keys if section == "settings" and inner}
        settings = {name for config in configs for name in config["settings"]} | of_search
        for word, name in dict.fromkeys(_settings_of_conditions(configs[0])):
            if name not in settings:
                listed = ", ".join(sorted(settings)) or "none"
                near = nearest(name, sorted(settings))
                meant = f"did you mean {near!r}? set are: " if near else "set are: "
                yield f"{word} depends on the setting {name!r}, which nothing sets; {meant}{listed}"
        yield from _unused_values(configs, of_search)
        yield from _unknown_metrics(configs)

    def metrics(self, configs: Sequence[Config]) -> Sequence[Metric]:
        """Return the metrics that the configs request, in their order."""
        return declared(configs) if configs else ALL

    def limits(self, configs: Sequence[Config]) -> list[tuple[SplitLimits, ...]]:
        """Return the queries; a rate that is expected at 0 or 1 has no room for chance, so it cannot vary."""
        from ablate.trainers.simulated.limits import config_limits

        return config_limits(configs)

    def true_effects(self, configs: Sequence[Config], metric: Metric) -> TrueEffects | None:
        """Return the values, shifts and examples of the configs. What all rows must share is taken from the first."""
        from ablate.trainers.simulated.true_effects import true_effects

        return true_effects([self.config.model_validate(config, strict=False) for config in configs], metric)


def _unused_values(configs: Sequence[Config], searched: Set[str]) -> Iterator[str]:
    """Yield the values in the conditions of effects that no config has, with the values that configs have."""
    values: dict[str, dict[tuple[bool, Any], None]] = {}
    for config in configs:
        for name, value in config["settings"].items():
            values.setdefault(name, {})[_comparable(value)] = None
    conditions = [(word, *item) for word, when in _conditions(configs[0]) for item in when.items()]
    for word, name, value in conditions:
        if name in values and name not in searched and _comparable(value) not in values[name]:
            words = [_word(value) for _, value in values[name]]
            near = nearest(value, words) if isinstance(value, str) else None
            meant = f"did you mean {near}? " if near else ""
            yield (
                f"{word} depends on {name} = {_word(value)}, which no row has, so it never acts; "
                f"{meant}rows have: {', '.join(words)}"
            )


def _conditions(config: Config) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the conditions of effects and defects, each after the words for what depends on it."""
    yield from (("an effect", effect["when"]) for effect in config["effects"])
    yield from (("an entry of broken", defect["when"]) for defect in config["broken"])


def _settings_of_conditions(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the names of the settings on which effects and defects depend, each after the words for what depends."""
    for effect in config["effects"]:
        yield from (("an effect", name) for name in (*effect["when"], *effect["peak"]))
    for defect in config["broken"]:
        yield from (("an entry of broken", name) for name in defect["when"])


def _unknown_metrics(configs: Sequence[Config]) -> Iterator[str]:
    """Yield the metrics of defects that no run has."""
    names = [metric.name for metric in declared(configs)]
    for name in dict.fromkeys(defect["metric"] for defect in configs[0]["broken"]):
        if name is not None and name not in names:
            near = nearest(name, names)
            meant = f"did you mean {near!r}? runs have: " if near else "runs have: "
            yield f"an entry of broken names the metric {name!r}, which no run has; {meant}{', '.join(names)}"


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


def _none_of(groups: Sequence[str], metrics: Sequence[str]) -> str | None:
    """Return why nothing reads the keys of groups of metrics that are not requested."""
    return None if set(groups) & set(metrics) else f"metrics has no {' and no '.join(groups)}"


def _no_clusters(clusters: int) -> str | None:
    """Return why nothing reads the share of clusters that are not there."""
    return None if clusters else "clusters is 0"


def _in_one_order(metrics: Sequence[str]) -> list[str]:
    """Return metrics, each once, in the one order that stands for all."""
    return sorted(set(metrics))


def _no_shift(own: float, shared: float, effects: Sequence[Config]) -> str | None:
    """Return why no run has a shift."""
    has_shift = own or shared or any(effect["seed_sd_pp"] for effect in effects)
    return None if has_shift else "every SD of a shift is 0"


ENTRY = SimulatedEntry()
