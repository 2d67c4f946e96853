"""Packs the data sets that a study names before it runs, with progress on stderr."""

from collections.abc import Callable, Iterable

from ablate.retrieval import data
from ablate.retrieval.cli.packing_progress import watch_packing
from ablate.retrieval.config.data import Data
from ablate.text import plural
from ablate.trainers.entry import Config


def prepare_data(configs: Iterable[Config], warn: Callable[[str], None]) -> None:
    """Pack each data set and each file of detections that the plain configs name, once.

    A data set that was packed without some of its images is used as it is, with a warning.
    """
    warned = set()
    for section, detections in _named(configs):
        arguments = (section.name, section.root, section.size)
        with watch_packing(section.name) as watcher:
            record = data.prepare(*arguments, watcher=watcher)
            if detections is not None:
                data.prepare_detections(*arguments, detections, watcher=watcher)
        if record and record.skipped and record.fingerprint not in warned:
            warned.add(record.fingerprint)
            images = plural(len(record.skipped), "image")
            warn(f"{section.name} is packed without {images} that could not be read; its pack.json lists them")


def _named(configs: Iterable[Config]) -> list[tuple[Data, str | None]]:
    """Return the different data sections with the detections that go with them, in the order of the configs."""
    different: dict[tuple[Data, str | None], None] = {}
    for config in configs:
        detections = config.get("evaluate", {}).get("detections")
        different[Data.model_validate(config.get("data", {})), detections] = None
    return list(different)
