"""Configs compared with their data and this machine before anything is prepared or queued.

Labels are read, from a pack or from annotations. Images are not decoded, and torch is imported only if nothing else
can answer. Without torch those questions stay open: a plan shows the rest, and a run is refused anyway.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from ablate.errors import AblateError
from ablate.retrieval.config.model import FEATURE_WIDTHS
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data import detected_labels, load_labels
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.data.detections.detections import DetectedBoxes
from ablate.retrieval.libraries import LIBRARIES
from ablate.retrieval.training.preflight import check_boxes, check_data, check_width
from ablate.trainers.entry import Config
from ablate.trainers.gpus import visible_gpus

T = TypeVar("T")

COMPARED = ("data", "model", "loss", "batch", "schedule", "evaluate", "amp", "runtime")
"""The parts of a config on which it depends if it goes with its data and with this machine."""


def config_faults(configs: Sequence[Config]) -> list[list[str]]:
    """Return, for each plain config, what keeps it from being trained or tested on its data: a sentence each.

    Raises AblateError with every fault of the data sets themselves.
    """
    checks = ConfigChecks()
    faults = [checks.faults(config) for config in configs]
    if checks.unreadable:
        raise AblateError("\n".join(dict.fromkeys(checks.unreadable.values())))
    return faults


class ConfigChecks:
    """The checks of one study, which keep everything that several configs share."""

    def __init__(self) -> None:
        self.faults_of_parts: dict[tuple[int, ...], list[str]] = {}
        """The faults of configs by the ids of their parts: rows share parts, and all configs stay alive."""
        self.faults_of_values: dict[Hashable, list[str]] = {}
        """The same faults by the values that they depend on."""
        self.labels: dict[Hashable, Dataset] = {}
        """The labels of data sets."""
        self.boxes: dict[Hashable, DetectedBoxes] = {}
        """The labels of detections."""
        self.unreadable: dict[Hashable, str] = {}
        """The faults of data sets and detections that cannot be read."""
        self.widths: dict[Hashable, int] = {}
        """The widths of features."""

    def faults(self, config: Config) -> list[str]:
        """Return the faults of one plain config, a sentence each."""
        parts = tuple([id(config[name]) for name in COMPARED])
        if parts not in self.faults_of_parts:
            values = _values(config)
            if values not in self.faults_of_values:
                validated = RetrievalConfig.model_validate(config, strict=False)
                self.faults_of_values[values] = list(self._faults(validated))
            self.faults_of_parts[parts] = self.faults_of_values[values]
        return self.faults_of_parts[parts]

    def _faults(self, config: RetrievalConfig) -> Iterator[str]:
        for check in self._checks(config):
            try:
                check()
            except AblateError as error:
                yield from str(error).split("\n")

    def _checks(self, config: RetrievalConfig) -> Iterator[Callable[[], object]]:
        yield partial(check_device, config)
        data, path = config.data, config.evaluate.detections
        of_data = (data.name, data.root, data.size)
        labels = self._read(of_data, self.labels, load_labels)
        if labels is not None:
            yield partial(check_data, labels, config)
        if path is not None and labels is not None:
            boxes = self._read((*of_data, path), self.boxes, detected_labels)
            if boxes is not None:
                yield partial(check_boxes, boxes, config.evaluate)
        if config.evaluate.whitening and (config.model.backbone in FEATURE_WIDTHS or not LIBRARIES.missing()):
            yield lambda: check_width(self._width(config), config)

    def _read(self, arguments: tuple[Any, ...], kept: dict[Hashable, T], read: Callable[..., T]) -> T | None:
        """Return what `read` returns, read once; None, and a fault, if it cannot be read."""
        if arguments not in kept and arguments not in self.unreadable:
            try:
                kept[arguments] = read(*arguments)
            except AblateError as error:
                self.unreadable[arguments] = str(error)
        return kept.get(arguments)

    def _width(self, config: RetrievalConfig) -> int:
        """Return how wide the features are. Raise AblateError if the backbone cannot be built."""
        if config.model.backbone in FEATURE_WIDTHS:
            return FEATURE_WIDTHS[config.model.backbone]
        from ablate.retrieval.model.backbone import backbone
        from ablate.retrieval.model.network import width

        key = (config.model.model_dump_json(), config.data.size)
        if key not in self.widths:
            self.widths[key] = width(backbone(config), config)
        return self.widths[key]


def check_device(config: RetrievalConfig) -> None:
    """Raise AblateError if this machine lacks the device, or one that supports the precision.

    torch decides, but only if the GPUs that are seen without it do not suffice.
    """
    name, gpus = config.runtime.device, visible_gpus()
    if name == "cpu" or (name == "auto" and (gpus or config.amp != "fp16")):
        return
    if name.startswith("cuda") and int(name.partition(":")[2] or 0) < len(gpus):
        return
    if LIBRARIES.missing():
        return
    from ablate.retrieval.training.device import pick

    pick(name, config.amp)


def _values(config: Config) -> Hashable:
    """Return the values of a plain config on which its faults depend."""
    loss, evaluate, data = config["loss"], config["evaluate"], config["data"]
    model = config["model"] if evaluate["whitening"] else None
    of_training = (loss["omega"] == 1, loss["target"], config["schedule"]["steps"] > 0, config["batch"])
    return _hashable([data, evaluate, model, of_training, config["amp"], config["runtime"]["device"]])


def _hashable(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        return tuple((key, _hashable(inner)) for key, inner in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value
