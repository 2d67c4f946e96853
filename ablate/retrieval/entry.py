"""The trainer `retrieval` for the rest of the tool."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.measurement import Metric
from ablate.retrieval.libraries import LIBRARIES
from ablate.trainers.entry import NOTE, CommandGroup, Config, FirstStudy, InputFile, LogLine, TrainerEntry
from ablate.trainers.limits import SplitLimits
from ablate.trainers.top_k import METRICS
from ablate.trainers.unread import ActsAs, UnreadIf

if TYPE_CHECKING:
    from ablate.retrieval.config.retrieval import RetrievalConfig

NOTES = ("coarse-grained classification (cross entropy loss)", "fine-grained metric learning (triplet loss)")
"""The two terms of the loss, as the first log names them."""


class RetrievalEntry(TrainerEntry["RetrievalConfig"]):
    """Trains a network for image retrieval."""

    train = "ablate.retrieval.training.trainer:train"
    shape = (
        *("data.name", "data.size", "model.backbone", "model.last_stride", "model.bn_grouping"),
        *("loss.metric", "loss.mining", "augment", "batch", "schedule.steps", "schedule.optimizer", "amp"),
        *("runtime.threads", "runtime.device", "runtime.compile", "runtime.trials_per_gpu"),
    )
    uses_gpus = True
    without_code = ("ablate.retrieval.config",)
    data_name_key = "data.name"
    log_row = (("loss", "softmax + triplet"),)
    libraries = LIBRARIES

    @property
    def config(self) -> "type[RetrievalConfig]":
        from ablate.retrieval.config.retrieval import RetrievalConfig

        return RetrievalConfig

    @property
    def presets(self) -> Mapping[str, Config]:
        from ablate.retrieval.config.presets import PRESETS

        return PRESETS

    @property
    def unread(self) -> Sequence[UnreadIf]:
        from ablate.retrieval.config.conditions import UNREAD

        return UNREAD

    @property
    def alike(self) -> Sequence[ActsAs]:
        from ablate.retrieval.config.conditions import ALIKE

        return ALIKE

    def commands(self) -> Mapping[str, CommandGroup]:
        from ablate.retrieval.cli.data import data_list, data_prepare

        data: dict[str, Callable[..., None]] = {"list": data_list, "prepare": data_prepare}
        return {"data": CommandGroup("Data sets: list the known ones, and pack one.", data)}

    def first_study(self, data: Path, study: str, list_path: Path) -> FirstStudy | None:
        from ablate.retrieval.first_study import first_study

        return first_study(data, study, list_path)

    def prepare_data(self, configs: Iterable[Config], warn: Callable[[str], None]) -> None:
        """Pack the data sets and detections that the configs name, with progress on stderr."""
        from ablate.retrieval.cli.preparation import prepare_data

        prepare_data(configs, warn)

    def faults(self, configs: Sequence[Config]) -> Sequence[Sequence[str]]:
        from ablate.retrieval.training.config_faults import config_faults

        return config_faults(configs)

    def metrics(self, configs: Sequence[Config]) -> Sequence[Metric]:
        """Return the rates of the k best and the mean precisions."""
        return METRICS

    def limits(self, configs: Sequence[Config]) -> Sequence[Sequence[SplitLimits]]:
        """Return the limits of the validation split and of the test split, from labels."""
        from ablate.retrieval.evaluation.config_limits import config_limits

        return config_limits(configs)

    def config_warnings(self, config: Config) -> Iterator[str]:
        """Return values that are valid but hardly meant, such as milestones beyond the last step."""
        from ablate.retrieval.config_warnings import config_warnings

        yield from config_warnings(config)

    def study_warnings(self, configs: Sequence[Config], searched: Sequence[str]) -> Iterator[str]:
        """Yield the leakage of packed data sets, photographs that have been replaced since, and searches over data."""
        from ablate.retrieval.cli.data_warnings import data_warnings

        yield from data_warnings(configs)
        for key in ("data.name", "data.root"):
            if key in searched:
                yield (
                    f"search.space: {key} is searched: if the data sets have different validation images, scores of "
                    "candidates cannot be compared; search each data set by itself then"
                )

    def log_setting(self, config: Config, baseline: Mapping[str, object]) -> Sequence[LogLine]:
        """Return the setting in the words of the first log."""
        size, schedule = config["data"]["size"], config["schedule"]
        return [
            ("backbone", str(baseline.get("backbone") or config["model"]["backbone"])),
            ("data", f"{config['data']['name']}, {size[0]}×{size[1]}"),
            ("bn-neck", f"**{config['evaluate']['neck']}**."),
            *((NOTE, note) for note in NOTES),
            ("train num.", f"{schedule['steps']}, {list(schedule['milestones'])}"),
            ("lr", f"{schedule['lr']:.12g}"),
            ("use-amp", str(config["amp"] != "none")),
        ]

    def data_fingerprint(self, config: "RetrievalConfig") -> str:
        from ablate.retrieval import data

        return data.fingerprint(config.data.name, config.data.root, config.data.size)

    def input_files(self, config: "RetrievalConfig") -> Sequence[InputFile]:
        """Return the files of initial weights and of detections."""
        from ablate.retrieval.config.model import NO_FILE

        weights, detections = config.model.pretrained, config.evaluate.detections
        files = []
        if weights not in NO_FILE:
            remedy = "give the path of a state dict saved by torch.save, or imagenet, or none"
            files.append(InputFile("model", "pretrained", weights, remedy))
        if detections is not None:
            remedy = "give the path of a JSON file of detected boxes, or null"
            files.append(InputFile("evaluate", "detections", detections, remedy))
        return files


ENTRY = RetrievalEntry()
