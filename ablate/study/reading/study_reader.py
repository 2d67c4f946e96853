"""Reads a study file into a Study. All faults are reported at once, each with its place."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from ablate.errors import StudyError
from ablate.filesystem import expanded
from ablate.study.config_keys import Config, flattened, overlaid, overlaps
from ablate.study.design.explicit import is_line
from ablate.study.design.reader import DesignReader
from ablate.study.model import ReferenceRow, Study
from ablate.study.reading import declared_numbers
from ablate.study.reading.config_checks import ConfigReader, keys_elsewhere, trainer_meant
from ablate.study.reading.factors import FactorReader, ReadFactor
from ablate.study.reading.metrics import MetricReader
from ablate.study.reading.mistakes.misspelt_keys import MeantOtherwise, corrected
from ablate.study.reading.nodes import Node, read_file, yaml_text
from ablate.study.reading.overrides import choose_profile, overlay, primary_of_delta, profile_names, typed_keys
from ablate.study.reading.problems import Problems
from ablate.study.reading.schema import StudyEntry
from ablate.study.reading.seeds_and_looks import read_seeds
from ablate.study.reading.trainer_reader import ReadTrainer, read_trainer
from ablate.study.search_space.budget import budget_warnings, check_fresh_seeds
from ablate.study.search_space.declared_trainers import check_declared_search
from ablate.study.search_space.libraries import missing_for_search
from ablate.study.search_space.reader import SearchReader
from ablate.study.search_space.space import SearchSpec
from ablate.trainers.declared.config_model import key_faults
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.registry import DEFAULT, TRAINERS

MOST_KEYS = 4
"""Config keys that a fault names of a file with the keys of another trainer."""


def read_study(
    path: FilePath, profile: str | None = None, settings: Sequence[str] = (), seeds: str | int | None = None
) -> Study:
    """Return the study of a file under a profile, `--set` options and `--seeds`; StudyError with every fault.

    The file's other profiles are read too, so that their faults are reported now and not at their first use.
    """
    path = FilePath(expanded(str(path)))
    written = read_file(path)
    check_is_mapping(written)
    root, meant_otherwise = corrected(written)
    faults: dict[str, None] = {}
    chosen = choose_profile(root, profile, faults)
    studies: list[Study] = []
    for name in dict.fromkeys([chosen, *profile_names(root)]):
        try:
            tree = overlay(root, name, settings, seeds) if name == chosen else overlay(root, name)
            study = _Reader(tree, root, path.parent, meant_otherwise).study(name)
            study = replace(study, warnings=(*study.warnings, *_warnings_on_delta(root, tree, study)))
            studies += [study] if name == chosen else []  # the others are large, and read for their faults alone
        except StudyError as error:
            faults |= dict.fromkeys(error.faults)
    if faults:
        raise StudyError(list(faults))
    return replace(studies[0], file=str(path), typed=typed_keys(settings))


def _warnings_on_delta(root: Node, tree: Node, study: Study) -> list[str]:
    """Return a sentence if a profile or an option changes the primary metric and leaves `delta` as that of another."""
    is_other, written = primary_of_delta(root, study.profile, tree)
    if not is_other:
        return []
    first = study.metrics[0]
    before = first if written is None else next((one for one in study.metrics if one.name == written.value), None)
    return declared_numbers.of_another_metric(study.delta, before, study.metric(study.primary)) if before else []


def check_is_mapping(root: Node) -> None:
    """Raise StudyError if a file holds anything but a mapping."""
    begin = "a study file is a mapping that begins with `study: NAME`"
    if root.value is None:
        raise StudyError([f"{root.place}: the file is empty; {begin}"])
    if isinstance(root.value, list):
        raise StudyError([f"{root.place}: the file is a list; {begin}, without a dash before it"])
    if isinstance(root.value, str) and (match := re.match(r"([a-z]+):(?=\S)", root.value)):
        message = f"found {yaml_text(root.value)}; write a space after the colon of {match[1]!r}"
        raise StudyError([f"{root.place}: {message}"])
    if not isinstance(root.value, dict):
        raise StudyError([f"{root.place}: found {yaml_text(root.value)}; {begin}, and other keys below it"])


class _Reader:
    """Reads one merged tree, part by part, so that a fault in one part does not hide those in another."""

    def __init__(
        self, root: Node, file: Node, folder: FilePath, meant_otherwise: Sequence[MeantOtherwise] = ()
    ) -> None:
        """`file`: the tree of the file without profiles and options; `folder`: that of the file."""
        self.root, self.file, self.folder = root, file, folder
        self.problems = Problems(root)
        for part in meant_otherwise:
            self.problems.add(part.path, part.message, part.place)
        self.trainer = ReadTrainer()
        self.config: ConfigReader | None = None
        self.unsure_levels: set[str] = set()

    def study(self, profile: str) -> Study:
        entry = self._entry()
        self.trainer = read_trainer(self.root, self.problems, self.folder, self._written())
        factor_reader = FactorReader(self.root, self.problems)
        factors = factor_reader.factors()
        references = self._references()
        written, preset, config = self._config(factors, references)
        unsure = self.unsure_levels | factor_reader.unsure
        reader = DesignReader(self.root, [read.factor for read in factors], self.problems, unsure)
        design = reader.read()
        searching = SearchReader(self.root, reader.names, design.rows, self.config)
        metrics = self._metrics(factors, references)
        primary = metrics.primary()
        delta = metrics.delta(primary)
        search = searching.search(written, metrics.metrics, primary)
        declared = self.trainer.entry(self.folder, written, metrics.sources) if self.trainer.kind else None
        if search and declared:
            check_declared_search(search, declared, self.problems)
        self._check_labels(references, {row.label for row in design.rows})
        seeds, looks = self._seeds()
        check_fresh_seeds(search, seeds, self.problems)
        self.problems.check()
        if entry is None or primary is None:  # its faults are recorded, so that the check has raised
            raise StudyError([f"{self.root.place}: is no study"])
        return Study(
            name=entry.study,
            profile=profile,
            question=entry.question,
            trainer=self.trainer.name,
            primary=primary.name,
            delta=delta,
            alpha=entry.alpha,
            config=config,
            written=written,
            preset=preset,
            factors=tuple(read.factor for read in factors),
            rows=design.rows,
            references=tuple(references),
            seeds=seeds,
            looks=looks,
            family=design.family,
            aliases=design.aliases,
            excluded=design.excluded,
            steps=design.steps,
            search=search,
            warnings=(
                *design.warnings,
                *searching.warnings,
                *declared_numbers.warnings(entry.alpha, delta, primary),
                *metrics.warnings(),
                *(budget_warnings(search) if search else ()),
            ),
            metrics=metrics.metrics,
            lacks=self._lacks(),
            search_lacks=self._search_lacks(search),
            declared_trainer=declared,
        )

    def _written(self) -> Config:
        node = self.root.child("config")
        return node.plain() if node and isinstance(node.value, dict) else {}

    def _entry(self) -> StudyEntry | None:
        """Return the file as its class; None if it has not the right shape, and record the faults."""
        try:
            return StudyEntry.model_validate(self.root.plain())
        except ValidationError as error:
            node = self.root.child("trainer")
            elsewhere = keys_elsewhere(node.plain() if node else DEFAULT)
            self.problems.invalid(error, StudyEntry, elsewhere=elsewhere, without=("seeds", "delta"))
            return None

    def _config(
        self, factors: Sequence[ReadFactor], references: Sequence[ReferenceRow]
    ) -> tuple[Config, str | None, Config]:
        """Return the config as it is written, its preset's name, and the config laid over the preset's values."""
        written = self._written()
        if self.trainer.kind is not None:
            return written, None, self._declared_config(factors, references, written)
        name = self.trainer.name
        if not name:
            return written, None, written
        keys = [*flattened(written), *(key for read in factors for key in read.factor.sets)]
        keys += [key for reference in references for key in reference.settings]
        if other := trainer_meant(name, keys):
            self.problems.add(("trainer",), self._other_trainer(name, other, keys))
            return written, None, written
        preset = written.pop("preset", None)
        if runtime := self.root.child("runtime"):
            written["runtime"] = runtime.plain()
        config = overlaid(self._preset(preset, TRAINERS[name]), written)
        self._check_config(TRAINERS[name], factors, references, config)
        return written, preset, config

    def _declared_config(
        self, factors: Sequence[ReadFactor], references: Sequence[ReferenceRow], written: Config
    ) -> Config:
        """Check the config of a declared trainer, which has the keys that the file writes, and return it."""
        before = len(self.problems)
        is_there = self.root.at(("config",)) is not None
        if not written and not is_there and (sets := [key for read in factors for key in read.factor.sets]):
            example = ", ".join(f"{key}: ..." for key in sets)
            self.problems.add(
                ("config",),
                f"missing; list the settings of the script with their usual values, like `config: {{{example}}}`",
            )
        for path, message in key_faults(written):
            self.problems.add(("config", *path), message)
        if self.trainer.kind is not None:
            for key, message in self.trainer.kind.key_faults(list(flattened(written))):
                self.problems.add(("config", *key.split(".")), message)
        self._check_new_keys(written)
        config = dict(written)
        if runtime := self.root.child("runtime"):
            config["runtime"] = runtime.plain()
        entry = self.trainer.entry(self.folder, written)
        if entry is not None and len(self.problems) == before:
            self._check_config(entry, factors, references, config)
        return config

    def _check_new_keys(self, written: Config) -> None:
        """Record the config keys of a profile or an option that the file itself does not have: misspelt keys."""
        node = self.file.child("config")
        base = node.plain() if node and isinstance(node.value, dict) else {}
        known = flattened(base)
        free = [key for key, value in known.items() if value == {}]
        for key in flattened(written) if base else ():
            if key not in known and not any(overlaps(key, other) for other in (*known, *free)):
                self.problems.unknown(("config", *key.split(".")), "config key", key, known)

    def _check_config(
        self,
        entry: TrainerEntry[Any],
        factors: Sequence[ReadFactor],
        references: Sequence[ReferenceRow],
        config: Config,
    ) -> None:
        varied = {key for read in factors for key in read.factor.sets}
        varied |= {key for reference in references for key in reference.settings}
        self.config = ConfigReader(entry.config, config, varied, self.problems)
        self.unsure_levels = self.config.check_levels(factors)
        for reference in references:
            self.config.check_settings(reference.settings, ("references", reference.label))

    def _other_trainer(self, name: str, other: str, keys: Sequence[str]) -> str:
        """Return the fault of a file whose config keys are all those of the trainer `other`, and none of `name`."""
        named = f"{', '.join(keys[:MOST_KEYS])}{', ...' if len(keys) > MOST_KEYS else ''}"
        return f"{self._named(name)} has none of the keys {named}; did you mean {other!r}, which has them all?"

    def _lacks(self) -> tuple[str, ...]:
        """Return the fault of a trainer whose libraries are not installed, if they are not."""
        name, needs = self.trainer.name, Problems(self.root)
        libraries = TRAINERS[name].libraries if name in TRAINERS else None
        if libraries and (fault := libraries.fault()):
            needs.add(("trainer",), f"{self._named(name)} {fault}, or name another trainer")
        return tuple(needs.faults())

    def _search_lacks(self, search: SearchSpec | None) -> tuple[str, ...]:
        """Return the faults of a search whose libraries are not installed, if they are not."""
        needs = Problems(self.root)
        for path, fault in missing_for_search(search).items() if search else ():
            needs.add(path, fault)
        return tuple(needs.faults())

    def _named(self, name: str) -> str:
        """Return the beginning of a fault of the trainer: the name that is in the file, or else the default."""
        return f"found {name!r}, which" if self.root.child("trainer") else f"missing, so it is {name!r}, which"

    def _preset(self, name: Any, trainer: TrainerEntry[Any]) -> Mapping[str, Any]:
        if name is None:
            return {}
        if not isinstance(name, str) or name not in trainer.presets:
            self.problems.unknown(("config", "preset"), "preset", name, trainer.presets)
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
                self.problems.expected(path, reference.label, "a label of one line of text")
            if reference.label in rows:
                self.problems.add(path, f"{reference.label!r} is also the label of a row")

    def _metrics(self, factors: Sequence[ReadFactor], references: Sequence[ReferenceRow]) -> MetricReader:
        """Return a reader of all metrics that some row can have, by the shared config and by each level."""
        trainer = self.trainer.entry(self.folder, self._written())
        shared = self.config.plain() if self.config else None
        if trainer is None or self.config is None or shared is None:
            return MetricReader(self.root, self.problems, trainer)
        configs = [shared]
        if list(trainer.metrics(configs)) != list(trainer.metrics([])):  # otherwise no config has others
            of_factors = [read.factor for read in factors]
            levels = [dict(zip(one.sets, level.values, strict=True)) for one in of_factors for level in one.levels]
            settings = [*levels, *(reference.settings for reference in references)]
            configs += [plain for each in settings if (plain := self.config.plain(each)) is not None]
        return MetricReader(self.root, self.problems, trainer, configs)

    def _seeds(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        node = self.root.child("seeds")
        return read_seeds(node.plain(), self.problems) if node else ((0,), ())
