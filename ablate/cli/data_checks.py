"""Rows held against their data before anything is queued: what cannot be trained or tested on it is a wrong request."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ablate.errors import AblateError
from ablate.study.settings import canonical
from ablate.study.trial import Trial

if TYPE_CHECKING:
    from ablate.data import Dataset

LOOKED_AT = ("data", "loss", "batch", "schedule", "evaluate")
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
    known: dict[str, Dataset] = {}
    for trials in alike.values():
        for fault in _faults(next(iter(trials.values())).config, known):
            faults.setdefault(fault, []).extend(trials)
    if faults:
        raise AblateError("\n".join(f"{_rows(labels)}: {fault}" for fault, labels in faults.items()))


def _faults(values: dict[str, Any], known: "dict[str, Dataset]") -> Iterable[str]:
    """What one config finds wrong with its data; `known` keeps labels that are read already."""
    from ablate.data import detected, load
    from ablate.train.checks import check_boxes, check_data
    from ablate.train.config import RetrievalConfig

    config = RetrievalConfig.model_validate(values)
    of_data = canonical(values["data"])
    if of_data not in known:
        known[of_data] = load(config.data.name, config.data.root, config.data.size, pixels=False)
    try:
        check_data(known[of_data], config)
        if config.evaluate.detections is not None:
            boxes = detected(config.data.name, config.data.root, config.data.size, config.evaluate.detections)
            check_boxes(boxes, config.evaluate)
    except AblateError as error:
        return str(error).split("\n")
    return []


def _rows(labels: Sequence[str]) -> str:
    """`row 'plain'`; of many, the first few and how many more."""
    shown = ", ".join(map(repr, labels[:MOST_NAMED]))
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return f"row{'s' if len(labels) > 1 else ''} {shown}{more}"
