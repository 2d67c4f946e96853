"""Configs compared with their data before anything is queued. Labels are read, images are not decoded."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ablate.errors import AblateError
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data import detected, load
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.training.preflight import check_boxes, check_data, check_width
from ablate.trainers.entry import Config

COMPARED = ("data", "model", "loss", "batch", "schedule", "evaluate")
"""The sections of a config on which it depends if it goes with its data."""


def config_faults(configs: Sequence[Config]) -> list[list[str]]:
    """Return, for each plain config, what keeps it from being trained or tested on its data: a sentence each."""
    checks = _DataChecks()
    faults: dict[str, list[str]] = {}
    texts = [json.dumps([config[section] for section in COMPARED], sort_keys=True) for config in configs]
    for config, text in zip(configs, texts, strict=True):
        if text not in faults:
            faults[text] = list(checks.faults(RetrievalConfig.model_validate(config, strict=False)))
    return [faults[text] for text in texts]


class _DataChecks:
    """The checks of one study, which keep the labels and the widths of networks that several configs share."""

    def __init__(self) -> None:
        self.labels: dict[str, Dataset] = {}
        """The labels of data sets, by the JSON of the section `data`."""
        self.widths: dict[str, int] = {}
        """The widths of features, by the JSON of the section `model` and the size of images."""

    def faults(self, config: RetrievalConfig) -> Iterator[str]:
        """Yield the faults of one config, a sentence each."""
        data, setting = config.data, config.evaluate
        checks: list[Callable[[], None]] = [partial(check_data, self._labels(config), config)]
        if setting.detections is not None:
            boxes = detected(data.name, data.root, data.size, setting.detections)
            checks.append(partial(check_boxes, boxes, setting))
        if setting.whitening:
            checks.append(lambda: check_width(self._width(config), config))
        for check in checks:
            try:
                check()
            except AblateError as error:
                yield from str(error).split("\n")

    def _labels(self, config: RetrievalConfig) -> Dataset:
        data, key = config.data, config.data.model_dump_json()
        if key not in self.labels:
            self.labels[key] = load(data.name, data.root, data.size, pixels=False)
        return self.labels[key]

    def _width(self, config: RetrievalConfig) -> int:
        """Return how wide the features are. Raise AblateError if the backbone cannot be built."""
        from ablate.retrieval.model.backbone import backbone
        from ablate.retrieval.model.network import width

        key = json.dumps([config.model.model_dump(mode="json"), config.data.size], sort_keys=True)
        if key not in self.widths:
            self.widths[key] = width(backbone(config), config)
        return self.widths[key]
