"""A study file -> a frozen Study; every fault at once, with its place."""

from collections.abc import Mapping, Sequence, Set
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError

from ablate.errors import StudyError
from ablate.study.config_keys import Config, flattened, overlaid
from ablate.study.design.explicit import is_line
from ablate.study.design.reader import DesignReader
from ablate.study.model import ReferenceRow, Study
from ablate.study.reading.config_checks import ConfigReader
from ablate.study.reading.factors import FactorReader, ReadFactor
from ablate.study.reading.nodes import Node, read_file
from ablate.study.reading.overrides import choose_profile, overlay, profile_names
from ablate.study.reading.problems import Path, Problems
from ablate.study.reading.schema import StudyEntry
from ablate.study.reading.seeds import read_seeds
from ablate.study.search_space.reader import SearchReader
from ablate.study.search_space.space import METRICS
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.registry import DEFAULT, TRAINERS


def read_study(path: FilePath, profile: str | None = None, settings: Sequence[str] = ()) -> Study:
    """The study of a file under a profile and `--set` options; StudyError with every fault found.

    The file's other profiles are read too, so that a fault in one of them does not wait for its turn.
    """
    root = read_file(path)
    if not isinstance(root.value, dict):
        raise StudyError([f"{root.place}: a study file is a mapping that begins with `study: NAME`"])
    chosen = choose_profile(root, profile)
    faults: dict[str, None] = {}
    asked: Study | None = None  # the others are only read for their faults: they can be large
    for name in dict.fromkeys([chosen, *profile_names(root)]):
        try:
            merged = overlay(root, name, settings if name == chosen else ())
            study = _Reader(merged).study(name)
            asked = study if name == chosen else asked
        except StudyError as error:
            faults |= dict.fromkeys(error.faults)
    if faults:
        raise StudyError(list(faults))
    assert asked is not None
    return asked


class _Reader:
    """Reads one merged tree, part by part, so that a fault in one part does not hide those in another."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.faults = Problems(root)
        self.config: ConfigReader | None = None

    def study(self, profile: str) -> Study:
        entry = self._usable(StudyEntry, ())
        factors = FactorReader(self.root, self.faults).factors()
        references = self._references()
        written, preset, config = self._config(factors, references)
        reader = DesignReader(self.root, [read.factor for read in factors], self.faults)
        wanted = reader.read()
        search = SearchReader(self.root, reader.names, wanted.rows, self.config).search(written, self._primary())
        self._check_labels(references, {row.label for row in wanted.rows})
        seeds, looks = self._seeds()
        self.faults.check()
        assert isinstance(entry, StudyEntry)
        return Study(
            name=entry.study,
            profile=profile,
            question=entry.question,
            trainer=entry.trainer,
            primary=entry.primary,
            delta=entry.delta,
            alpha=entry.alpha,
            config=config,
            written=written,
            preset=preset,
            factors=tuple(read.factor for read in factors),
            rows=wanted.rows,
            references=tuple(references),
            seeds=seeds,
            looks=looks,
            family=wanted.family,
            aliases=wanted.aliases,
            excluded=wanted.excluded,
            search=search,
            warnings=wanted.warnings,
        )

    def _usable(self, model: type[BaseModel], path: Path) -> BaseModel | None:
        """The part at `path` as its class, or None after its faults have been recorded."""
        node = self.root.at(path)
        try:
            return model.model_validate(node.plain() if node else None)
        except ValidationError as error:
            self.faults.invalid(error, model, path)
            return None

    def _config(
        self, factors: Sequence[ReadFactor], references: Sequence[ReferenceRow]
    ) -> tuple[Config, str | None, Config]:
        """The config as it is written, its preset's name, and the config with the preset beneath it."""
        node = self.root.child("config")
        written: Config = node.plain() if node and isinstance(node.value, dict) else {}
        trainer = self.root.child("trainer")
        name = trainer.value if trainer else DEFAULT
        if not isinstance(name, str) or name not in TRAINERS:
            self.faults.add(("trainer",), TRAINERS.fault(trainer.plain() if trainer else name))
            return written, None, written
        preset = written.pop("preset", None)
        if runtime := self.root.child("runtime"):
            written["runtime"] = runtime.plain()
        config = overlaid(self._preset(preset, TRAINERS[name]), written)
        varied = {key for read in factors for key in read.factor.sets}
        varied |= {key for reference in references for key in reference.settings}
        self.config = ConfigReader(TRAINERS[name].config, config, varied, self.faults)
        self.config.check_levels(factors)
        for reference in references:
            self.config.check_settings(reference.settings, ("references", reference.label))
        return written, preset, config

    def _preset(self, name: Any, trainer: TrainerEntry[Any]) -> Mapping[str, Any]:
        if name is None:
            return {}
        if not isinstance(name, str) or name not in trainer.presets:
            self.faults.unknown(("config", "preset"), "preset", name, trainer.presets)
            return {}
        return trainer.presets[name]

    def _references(self) -> list[ReferenceRow]:
        node = self.root.child("references")
        entries = node.value if node and isinstance(node.value, dict) else {}
        return [
            ReferenceRow(label, flattened(entry.plain()))
            for label, entry in entries.items()
            if isinstance(label, str) and isinstance(entry.value, dict)
        ]

    def _check_labels(self, references: Sequence[ReferenceRow], rows: Set[str]) -> None:
        for reference in references:
            path = ("references", reference.label)
            if not is_line(reference.label):
                self.faults.expected(path, reference.label, "a label of one line of text")
            if reference.label in rows:
                self.faults.add(path, f"{reference.label!r} is also the label of a row")

    def _primary(self) -> str:
        """The metric that a search goes by unless it names another; a wrong one is told with the file's shape."""
        node = self.root.child("primary")
        return node.value if node and node.value in METRICS else METRICS[0]

    def _seeds(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        node = self.root.child("seeds")
        return read_seeds(node.plain(), self.faults) if node else ((0,), ())
