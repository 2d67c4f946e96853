"""A study file -> a frozen Study; every fault at once, with its place."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError

from ablate.errors import StudyError
from ablate.study.config import ConfigReader
from ablate.study.design import Designer, Row, is_line
from ablate.study.faults import Faults, Path
from ablate.study.levels import FactorReader, ReadFactor
from ablate.study.overlay import choose_profile, overlay, profile_names
from ablate.study.schema import DesignEntry, StudyEntry
from ablate.study.settings import Config, flattened, overlaid
from ablate.study.source import Node, read_file
from ablate.study.study import Reference, Study
from ablate.train.config import TRAINERS, TrainerEntry

SEEDS = "a number of seeds (1 to 10,000), a list of different seeds from 0 to 2^31 - 1, first..last, {looks: [...]}"

MOST_SEEDS, LARGEST_SEED = 10_000, 2**31


def read_study(path: FilePath, profile: str | None = None, settings: Sequence[str] = ()) -> Study:
    """The study of a file under a profile and `--set` options; StudyError with every fault found.

    The file's other profiles are read too, so that a fault in one of them does not wait for its turn.
    """
    root = read_file(path)
    if not isinstance(root.value, dict):
        raise StudyError([f"{root.place}: a study file is a mapping that begins with `study: NAME`"])
    chosen = choose_profile(root, profile)
    faults: dict[str, None] = {}
    studies: list[Study] = []
    for name in dict.fromkeys([chosen, *profile_names(root)]):
        try:
            merged = overlay(root, name, settings if name == chosen else ())
            studies.append(_Reader(merged).study(name))
        except StudyError as error:
            faults |= dict.fromkeys(error.faults)
    if faults:
        raise StudyError(list(faults))
    return studies[0]


class _Reader:
    """Reads one merged tree, part by part, so that a fault in one part does not hide those in another."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.faults = Faults(root)

    def study(self, profile: str) -> Study:
        entry = self._usable(StudyEntry, ())
        factors = FactorReader(self.root, self.faults).factors()
        references = self._references()
        written, preset, config = self._config(factors, references)
        rows = self._rows(factors)
        for reference in references:
            if not is_line(reference.label):
                self.faults.expected(("references", reference.label), reference.label, "a label of one line of text")
            if reference.label in [row.label for row in rows]:
                self.faults.add(("references", reference.label), f"{reference.label!r} is also the label of a row")
        seeds = self._seeds()
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
            rows=tuple(rows),
            references=tuple(references),
            seeds=tuple(seeds),
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
        self, factors: Sequence[ReadFactor], references: Sequence[Reference]
    ) -> tuple[Config, str | None, Config]:
        """The config as it is written, its preset's name, and the config with the preset beneath it."""
        node = self.root.child("config")
        written: Config = node.plain() if node and isinstance(node.value, dict) else {}
        trainer = self.root.child("trainer")
        name = trainer.value if trainer else "retrieval"
        if not isinstance(name, str) or name not in TRAINERS:
            self.faults.unknown(("trainer",), "trainer", name, TRAINERS)
            return written, None, written
        preset = written.pop("preset", None)
        config = overlaid(self._preset(preset, TRAINERS[name]), written)
        varied = {key for read in factors for key in read.factor.sets}
        varied |= {key for reference in references for key in reference.settings}
        reader = ConfigReader(TRAINERS[name].config, config, varied, self.faults)
        reader.check_levels(factors)
        for reference in references:
            reader.check_settings(reference.settings, ("references", reference.label))
        return written, preset, config

    def _preset(self, name: Any, trainer: TrainerEntry) -> Mapping[str, Any]:
        if name is None:
            return {}
        if not isinstance(name, str) or name not in trainer.presets:
            self.faults.unknown(("config", "preset"), "preset", name, trainer.presets)
            return {}
        return trainer.presets[name]

    def _rows(self, factors: Sequence[ReadFactor]) -> list[Row]:
        node = self.root.child("design")
        designs: dict[Path, DesignEntry] = {}
        for index in range(len(node.value) if node and isinstance(node.value, list) else 0):
            path = ("design", index)
            entry = self._usable(DesignEntry, path)
            if isinstance(entry, DesignEntry):
                self._one_kind(path, entry)
                designs[path] = entry
        return Designer([read.factor for read in factors], self.faults).rows(designs)

    def _one_kind(self, path: Path, entry: DesignEntry) -> None:
        kinds = [kind for kind in DesignEntry.model_fields if getattr(entry, kind) is not None]
        if len(kinds) != 1:
            self.faults.add(path, f"each entry of the list is one of: {', '.join(DesignEntry.model_fields)}")
        if entry.rows == {}:
            self.faults.add((*path, "rows"), "no row; name at least one, like `baseline: {}`")

    def _references(self) -> list[Reference]:
        node = self.root.child("references")
        entries = node.value if node and isinstance(node.value, dict) else {}
        return [
            Reference(label, flattened(entry.plain()))
            for label, entry in entries.items()
            if isinstance(label, str) and isinstance(entry.value, dict)
        ]

    def _seeds(self) -> list[int]:
        node = self.root.child("seeds")
        if node is None:
            return [0]
        seeds = _seed_list(node.plain())
        if not seeds or min(seeds) < 0 or max(seeds) >= LARGEST_SEED or len(set(seeds)) < len(seeds):
            self.faults.expected(("seeds",), node.plain(), SEEDS)
        return seeds


def _seed_list(value: Any) -> list[int]:
    """The seeds that a value asks for; empty where it asks for none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return list(range(value)) if value <= MOST_SEEDS else []
    if isinstance(value, str) and (match := re.fullmatch(r"(\d{1,9})\.\.(\d{1,9})", value)):
        first, last = int(match[1]), int(match[2])
        return list(range(first, last + 1)) if last - first < MOST_SEEDS else []
    if isinstance(value, dict):
        looks = value.get("looks") if set(value) == {"looks"} else None
        return _seed_list(looks[0]) if isinstance(looks, list) and _ascending(looks) else []
    return value if isinstance(value, list) and all(type(seed) is int for seed in value) else []


def _ascending(looks: list[Any]) -> bool:
    if not looks or not all(type(look) is int for look in looks):
        return False
    return looks[0] > 0 and all(before < after for before, after in pairwise(looks))
