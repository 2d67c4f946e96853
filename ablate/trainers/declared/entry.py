"""A trainer that a study file declares, for the rest of the tool."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any, Self

from ablate.errors import AblateError
from ablate.filesystem import expanded
from ablate.trainers.config import TrainerConfig
from ablate.trainers.declared.config_model import config_model
from ablate.trainers.declared.named_files import is_covered, named_path, texts_of
from ablate.trainers.declared.planned_files import PlannedFiles
from ablate.trainers.declared.spec import DeclaredSpec
from ablate.trainers.entry import Config, Fault, TrainerEntry
from ablate.trainers.measuring.files import OWN, Outputs
from ablate.trainers.measuring.sources import MetricSource
from ablate.trainers.project.code import ProjectCode
from ablate.trainers.project.data import data_fingerprint
from ablate.trainers.project.imports.by_name import READS_CONFIGS
from ablate.trainers.protocol import Trainer

OR_WRITTEN = ", or, if the script writes it, write it into ${dir}"
"""The remedy for a file that a script overwrites in each training."""
RUN_FOLDER = "${dir}"
"""The working directory of scripts that write files under fixed names: the folder of the training."""
OWN_FILES = (OWN, "attempt-", "result.json")
"""How the names of the files begin that this program writes into the folder of a training."""


@dataclass(frozen=True)
class DeclaredEntry(TrainerEntry[TrainerConfig]):
    """A trainer by its declaration."""

    folder: Path
    """The folder of the study file, absolute: a script may run in another one."""
    defaults: Config
    """The config of the study, plain."""
    metric_sources: tuple[MetricSource, ...]
    """The place from which the values of each metric are read."""
    spec: DeclaredSpec
    """The declaration in the study file."""
    planned: PlannedFiles | None = field(default=None, kw_only=True)
    """The code and the data as they were when the trials were planned. Only the entry of a worker has them."""

    stall_margin = 120.0
    uses_gpus = True
    measures_listed = True
    evaluates_apart = False
    outputs_folder = "runs"
    counts_steps = False

    def project_code(self) -> ProjectCode:
        """Return the hashes of the user's code, and what is wrong with its files."""
        raise NotImplementedError

    @cached_property
    def config(self) -> type[TrainerConfig]:
        """The class of the config: it has the keys that the study file writes."""
        return config_model(self.defaults)

    @cached_property
    def sources(self) -> Mapping[str, Any]:  # type: ignore[override]
        return {source.metric: source.to_json() for source in self.metric_sources}

    @cached_property
    def options(self) -> Mapping[str, Any]:  # type: ignore[override]
        return {
            "spec": self.spec.model_dump(mode="json", by_alias=True),
            "folder": os.fspath(self.folder.absolute()),
            "config": self.defaults,
            "sources": [source.to_json() for source in self.metric_sources],
            "code": dict(self.code.files),
            "data": [data_fingerprint(self.folder, [each]) for each in self.spec.data_entries],
        }

    @classmethod
    def from_options(cls, spec: DeclaredSpec, options: Mapping[str, Any]) -> Self:
        """Return the trainer whose options these are, with its declaration, which they hold as plain values."""
        folder = Path(options["folder"])
        sources = tuple(MetricSource.from_json(source) for source in options["sources"])
        data = list(zip(spec.data_entries, options["data"], strict=True))
        planned = PlannedFiles(folder, options["code"], data)
        return cls(folder, options["config"], sources, spec, planned=planned)

    def working_folder(self, run_folder: Path) -> Path:
        """Return the working directory of a training with this folder."""
        cwd = self.spec.cwd
        return run_folder if cwd == RUN_FOLDER else self.folder / cwd

    def load(self) -> Trainer:
        """Return the training function of the kind, bound to this declaration."""
        train: Callable[..., Any] = super().load()
        return partial(train, self)

    def parsed(self, config: Config) -> Config:
        return config

    @cached_property
    def code(self) -> ProjectCode:
        """The hashes of the user's code."""
        return self.project_code()

    def own_code(self) -> Mapping[str, str]:
        if self.code.faults:
            raise AblateError("\n".join(f"trainer: {fault}" for fault in self.code.faults))
        return self.code.hashes

    def data_fingerprint(self, config: TrainerConfig) -> str | None:
        return data_fingerprint(self.folder, self.spec.data_entries)

    def study_warnings(self, configs: Sequence[Config], searched: Sequence[str]) -> Iterator[str]:
        paths = [PurePosixPath(entry.path) for entry in self.spec.data_entries]
        done = tuple(READS_CONFIGS.format(name) for path in paths for name in (path, path.name))
        yield from (note for note in self.code.notes if not note.endswith(done))
        texts = dict.fromkeys(pair for config in configs for pair in texts_of(config))
        yield from self.unnoticed_paths((f"config.{key}", text) for key, text in texts)

    def unnoticed_paths(self, texts: Iterable[tuple[str, str]]) -> Iterator[str]:
        """Yield a warning for each (place, text) that names a file or folder whose changes make no result stale."""
        data = [os.fspath(self.folder / expanded(each.path)) for each in self.spec.data_entries]
        for place, text in texts:
            path = named_path(text, [self.folder])
            if path and not is_covered(path, self.code.files, data):
                yield f"{place} names {text!r}, and no change in it makes results stale; list it in `data:`{OR_WRITTEN}"

    def prepare_data(self, configs: Any, warn: Callable[[str], None]) -> None:
        """Check what only this machine can show. Nothing of the user's is run."""

    def outputs(self, folder: Path, began: float) -> Outputs:
        """Return the places of the results of a first attempt with this folder. `began`: seconds since the epoch."""
        log, result = folder / "attempt-1.log", folder / "result.json"
        return Outputs(folder, log, result, None, self.working_folder(folder), began)

    def reached(self, folder: Path) -> int:
        """Return the time at which the user's newest file in the folder of a training was changed, in whole seconds."""
        times = [0.0]
        for path in folder.iterdir() if folder.is_dir() else ():
            if not path.name.startswith(OWN_FILES):
                times.append(path.stat().st_mtime)
        return int(max(times))


def folder_faults(spec: DeclaredSpec, folder: Path) -> Iterator[Fault]:
    """Yield the fault of a working directory that is not there. `folder`: that of the study file."""
    if spec.cwd != RUN_FOLDER and not (folder / spec.cwd).is_dir():
        yield (
            ("cwd",),
            f"found {spec.cwd!r}, and there is no such folder in {folder.absolute()}, the folder of the study file; "
            f"accepted: a folder, or {RUN_FOLDER}, the folder of the training",
        )


def dotted_keys(config: Config, prefix: str = "") -> list[str]:
    """Return the dotted keys of a config, without those of `runtime`. A mapping without keys is a value."""
    keys: list[str] = []
    for name, value in config.items():
        if isinstance(value, Mapping) and value and (prefix or name != "runtime"):
            keys += dotted_keys(value, f"{prefix}{name}.")
        elif prefix or name != "runtime":
            keys.append(f"{prefix}{name}")
    return keys
