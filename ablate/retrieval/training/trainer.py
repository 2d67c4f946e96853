"""The built-in trainer: from a config to a result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.amp.grad_scaler import GradScaler

from ablate.errors import AblateError, DataError
from ablate.filesystem import file_hash
from ablate.measurement import COST, Measurement, Result
from ablate.retrieval.config.data import Data
from ablate.retrieval.config.evaluate import Evaluate
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data import fingerprint, load, tested
from ablate.retrieval.data.catalog import EMBEDDED
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.evaluation.pipeline import evaluate, extract, validate
from ablate.retrieval.input.samplers import sampler
from ablate.retrieval.input.targets import TrainingTargets, labels
from ablate.retrieval.input.transfer import fetcher
from ablate.retrieval.loss.pml_losses import metric_loss
from ablate.retrieval.model.network import network
from ablate.retrieval.training.checkpointing import CheckpointSaver
from ablate.retrieval.training.device import deterministic, environment, pick, sharing
from ablate.retrieval.training.loop import BatchSource, fit, thin
from ablate.retrieval.training.optimizer import OptimizerStepper
from ablate.retrieval.training.out_of_memory import explained, within_memory
from ablate.retrieval.training.preflight import check_boxes, check_data, check_width
from ablate.retrieval.training.pruning import ValidationWatch
from ablate.retrieval.training.state import TrainingState
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.costs import PARAMETERS
from ablate.trainers.protocol import TEST_EXAMPLES, Judge, Progress

if TYPE_CHECKING:
    from ablate.retrieval.data import DetectedBoxes


def train(
    configs: Sequence[RetrievalConfig],
    seed: int,
    attempt: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints | None = None,
    judge: Judge | None = None,
) -> list[Result]:
    """Train one network and evaluate it under each config's `evaluate`; satisfies `protocol.Trainer`.

    The results are a function of config and seed: `attempt` changes nothing. Raises AblateError if the device, the
    precision, the weights or the data of the config are not available.
    """
    data, steps = configs[0].data, configs[0].schedule.steps
    progress(Progress(0, steps))
    dataset = _loaded(data.name, data.root, data.size, _fingerprint(data))
    settings = {each.evaluate.detections: each.evaluate for each in configs}
    detections = {
        path: _detections(data, path, setting.detections_sha256)
        for path, setting in settings.items()
        if path is not None
    }
    progress(Progress(0, steps))
    results = train_on(dataset, configs, seed, progress, checkpoints, judge, detections)
    examples = {TEST_EXAMPLES: tested(data.name, data.root)}
    return [replace(result, environment={**result.environment, **examples}) for result in results]


@lru_cache(maxsize=1)
def _loaded(name: str, root: str | None, size: tuple[int, int], fingerprint: str) -> Dataset:
    """Return the data set, kept for the next trial of this process. Nothing writes into its arrays.

    A data set that has changed since has another `fingerprint`, and is loaded again.
    """
    return load(name, root, size)


def _fingerprint(data: Data) -> str:
    """Return the fingerprint of a data set that can change while a process runs; nothing for the embedded one."""
    return fingerprint(data.name, data.root, data.size) if data.root or data.name != EMBEDDED else ""


def _detections(data: Data, path: str, sha256: str | None) -> "DetectedBoxes":
    """Return the detected boxes of a file; AblateError if its hash is not `sha256`, that of the planned file."""
    try:
        digest = file_hash(Path(path))
    except OSError as fault:
        raise DataError(f"evaluate.detections: {path} cannot be read ({fault.strerror})") from None
    if sha256 not in (None, digest):
        raise AblateError(f"evaluate.detections: {path} has changed since the trial was planned; plan and run again")
    from ablate.retrieval.data import detected

    return detected(data.name, data.root, data.size, path)


def train_on(
    dataset: Dataset,
    configs: Sequence[RetrievalConfig],
    seed: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints | None = None,
    judge: Judge | None = None,
    detections: Mapping[str, "DetectedBoxes"] = {},
) -> list[Result]:
    """Train as `train` does, on a data set that is loaded: only the size in the section `data` is used.

    `detections` is {file: its detected boxes}.
    """
    config = configs[0]
    assert all(training_part(other) == training_part(config) for other in configs)
    for each in configs:
        check_data(dataset, each)
        if each.evaluate.detections is not None:
            check_boxes(detections[each.evaluate.detections], each.evaluate)
    deterministic(config.runtime.threads)
    device = pick(config.runtime.device, config.amp)
    fetch = fetcher(dataset.images, device)
    targets = labels(dataset, config.loss)
    with explained("making", config):
        training = begin(config, targets, seed, device)
    for each in configs:
        check_width(training.network.width, each)
    steps, runtime = config.schedule.steps, config.runtime
    circumstances = environment(device) | {"compile": runtime.compile} | sharing(device, runtime.trials_per_gpu)
    saver = CheckpointSaver(checkpoints, runtime.checkpoint_seconds, circumstances)
    saver.resume(training, steps)
    saver.stop_if_requested(training)
    begun = training.step

    def report() -> None:
        progress(Progress(training.step, steps, training.losses[-1] if training.losses else None, begun))

    if training.step < steps:
        source = BatchSource(sampler(dataset, config.batch), fetch, targets)
        validation = partial(validate, training.network, dataset, fetch, config, report)
        watch = ValidationWatch(judge, validation, steps) if judge else None
        within_memory(training, config, lambda: fit(training, source, config, seed, saver, progress, watch))

    def between() -> None:
        report()
        saver.stop_if_requested(training)

    with explained("testing", config):
        settings = [each.evaluate for each in configs]
        extracted = extract(training.network, dataset, fetch, config.amp, settings, between, detections=detections)
    results = [evaluate(training.network, extracted, each, between) for each in settings]
    parameters = Measurement(PARAMETERS.name, COST, float(sum(weight.numel() for weight in training.stepper.weights)))
    return [
        replace(
            result,
            measurements=[*result.measurements, parameters],
            environment=saver.environment,
            curve=thin(training.losses),
        )
        for result in results
    ]


def begin(config: RetrievalConfig, targets: TrainingTargets, seed: int, device: torch.device) -> TrainingState:
    """Return a training before its first step."""
    fresh = network(config, targets.classes, seed, device)
    metric = metric_loss(config.loss, targets.items, fresh.width, seed)
    fresh.metric = metric.to(device) if metric else None
    if config.runtime.compile != "none":
        fresh.backbone.compile(mode=config.runtime.compile)
    scaler = GradScaler(device.type, enabled=config.amp == "fp16")
    return TrainingState(fresh, OptimizerStepper(fresh, config.schedule, scaler))


def training_part(config: RetrievalConfig) -> RetrievalConfig:
    """Return the config with the section that training does not use set to its default."""
    return config.model_copy(update={"evaluate": Evaluate()})
