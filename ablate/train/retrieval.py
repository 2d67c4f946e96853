"""The built-in trainer: config to result."""

from collections.abc import Callable, Sequence

from ablate.data import load
from ablate.data.dataset import Dataset
from ablate.train.config import Evaluate, RetrievalConfig
from ablate.train.device import environment, pick
from ablate.train.evaluate import evaluate, extract
from ablate.train.images import fetcher
from ablate.train.interface import Outcome, Progress
from ablate.train.loop import fit, thin
from ablate.train.model import network
from ablate.train.seeding import deterministic


def train(configs: Sequence[RetrievalConfig], seed: int, attempt: int, progress: Callable[[Progress], None]) -> Outcome:
    """Trains one network and evaluates it under each config's `evaluate`; satisfies `interface.Trainer`.

    The outcome is a function of config and seed: `attempt` changes nothing. Raises AblateError where the
    config asks for a device, a precision, weights or data that are not to be had.
    """
    data = configs[0].data
    return train_on(load(data.name, data.root, data.size), configs, seed, progress)


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
        environment=environment(device, config.amp),
        curve=thin(history),
    )


def training_part(config: RetrievalConfig) -> RetrievalConfig:
    """The config with the part that training does not see set to its default."""
    return config.model_copy(update={"evaluate": Evaluate()})
