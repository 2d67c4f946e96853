"""The metrics of the trainer `simulated`, as its configs request them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ablate.measurement import Direction, Display, Kind, Metric
from ablate.trainers.entry import Config
from ablate.trainers.top_k import TOP_K

_LOSS = Display(unit="nats", difference_unit="nats")

ALL = (
    *TOP_K.values(),
    Metric("loss", Direction.MINIMIZE, Kind.MEAN, "nats", display=_LOSS),
    Metric("score"),
)
"""The metrics under the defaults of the config."""

_OF_NAME = {metric.name: metric for metric in ALL}


def declared(configs: Sequence[Config]) -> list[Metric]:
    """Return the metrics of all plain configs, in the order in which they name them."""
    of_name = {metric.name: metric for config in configs for metric in _of_config(config)}
    return list(of_name.values())


def _of_config(config: Config) -> Iterator[Metric]:
    for group in config["metrics"]:
        if group == "rates":
            yield from TOP_K.values()
            continue
        metric = replace(_OF_NAME[group], direction=Direction.of_better(config[group]["better"]))
        is_positive = group == "score" and config["score"]["positive"]
        yield replace(metric, bounds=(0.0, float("inf"))) if is_positive else metric
