"""The built-in trainer: config to result."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from ablate.data import load
from ablate.data.dataset import Dataset
from ablate.train.config.retrieval import Evaluate, RetrievalConfig
from ablate.train.device import deterministic, environment, pick
from ablate.train.evaluate import evaluate, extract
from ablate.train.images import fetcher
from ablate.train.interface import Outcome, Progress
from ablate.train.loop import fit, thin
from ablate.train.model import network


def train(configs: Sequence[RetrievalConfig], seed: int, attempt: int, progress: Callable[[Progress], None]) -> Outcome:
    """Trains one network and evaluates it under each config's `evaluate`; satisfies `interface.Trainer`.

    The outcome is a function of config and seed: `attempt` changes nothing. Raises AblateError where the
    config asks for a device, a precision, weights or data that are not to be had.
    """
    data = configs[0].data
    return train_on(_loaded(data.name, data.root, data.size), configs, seed, progress)


@lru_cache(maxsize=1)
def _loaded(name: str, root: str | None, size: tuple[int, int]) -> Dataset:
    """The data set, kept for the next trial of this process: nothing writes into it."""
    return load(name, root, size)


def train_on(
    dataset: Dataset, configs: Sequence[RetrievalConfig], seed: int, progress: Callable[[Progress], None]
) -> Outcome:
    """`train` on a data set at hand: `data` is not looked at."""
    config = configs[0]
    assert all(training_part(other) == training_part(config) for other in configs)
    deterministic(config.runtime.threads)
    device = pick(config.runtime.device, config.amp)
    fetch = fetcher(dataset.images, device)
    trained = network(config.model, len(dataset.categories), seed, device)
    history = fit(trained, dataset, fetch, config, seed, progress)
    tested = extract(trained, dataset, fetch, config.amp)
    return Outcome(
        evaluations=[evaluate(trained, tested, each.evaluate) for each in configs],
        environment=environment(device),
        curve=thin(history),
    )


def training_part(config: RetrievalConfig) -> RetrievalConfig:
    """The config with the part that training does not see set to its default."""
    return config.model_copy(update={"evaluate": Evaluate()})
