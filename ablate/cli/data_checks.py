"""Rows held against their data before anything is queued: what cannot be trained or tested on it is a wrong request."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ablate.errors import AblateError
from ablate.study.config_keys import canonical
from ablate.study.trials.identity import Trial

if TYPE_CHECKING:
    from ablate.retrieval.data import Dataset
    from ablate.trainers.registry import RetrievalConfig

LOOKED_AT = ("data", "model", "loss", "batch", "schedule", "evaluate")
"""The parts of a config that are held against the data."""

MOST_NAMED = 3


def check_on_data(wanted: Sequence[Trial]) -> None:
    """Raises one AblateError with every fault of every row, each with the rows that have it; reads labels only."""
    alike: dict[str, dict[str, Trial]] = {}  # rows that are alike to the data: the first trial of each label
    for trial in wanted:
        if trial.training.trainer == "retrieval":
            about = canonical([trial.config[part] for part in LOOKED_AT])
            alike.setdefault(about, {}).setdefault(trial.label, trial)
    faults: dict[str, list[str]] = {}
    known = _DataCache()
    for trials in alike.values():
        for fault in _faults(next(iter(trials.values())).config, known):
            faults.setdefault(fault, []).extend(trials)
    if faults:
        raise AblateError("\n".join(f"{_rows(labels)}: {fault}" for fault, labels in faults.items()))


class _DataCache:
    """Labels that are read already, and the widths of networks, by the parts of configs that they depend on."""

    def __init__(self) -> None:
        self.labels: dict[str, Dataset] = {}
        self.widths: dict[str, int] = {}


def _faults(values: dict[str, Any], known: _DataCache) -> Iterable[str]:
    """What one config finds wrong with its data, and with its features where it matters how wide they are."""
    from ablate.retrieval.data import detected, load
    from ablate.retrieval.training.preflight import check_boxes, check_data, check_width
    from ablate.trainers.registry import RetrievalConfig

    config = RetrievalConfig.model_validate(values)
    of_data = canonical(values["data"])
    if of_data not in known.labels:
        known.labels[of_data] = load(config.data.name, config.data.root, config.data.size, pixels=False)
    checks: list[Callable[[], None]] = [partial(check_data, known.labels[of_data], config)]
    if config.evaluate.detections is not None:
        boxes = detected(config.data.name, config.data.root, config.data.size, config.evaluate.detections)
        checks.append(partial(check_boxes, boxes, config.evaluate))
    if config.evaluate.whitening:
        checks.append(lambda: check_width(_width(config, known), config))
    faults = []
    for check in checks:
        try:
            check()
        except AblateError as error:
            faults += str(error).split("\n")
    return faults


def _width(config: "RetrievalConfig", known: _DataCache) -> int:
    """How wide the features are; AblateError if the backbone cannot be built."""
    from ablate.retrieval.model.backbone import backbone
    from ablate.retrieval.model.network import width

    of_network = canonical([config.model.model_dump(mode="json"), config.data.size])
    if of_network not in known.widths:
        known.widths[of_network] = width(backbone(config), config)
    return known.widths[of_network]


def _rows(labels: Sequence[str]) -> str:
    """`row 'plain'`; of many, the first few and how many more."""
    shown = ", ".join(map(repr, labels[:MOST_NAMED]))
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return f"row{'s' if len(labels) > 1 else ''} {shown}{more}"
