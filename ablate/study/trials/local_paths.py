"""The files and folders that a config names, located on this machine: next to the study file, or as for a shell."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ablate.filesystem import expanded, stat_or_none
from ablate.study.config_keys import overlaps, value_at
from ablate.study.model import Study
from ablate.study.reading.problems import models_in
from ablate.trainers.config import LocalPath, OutsideIdentity


@dataclass(frozen=True, slots=True)
class PathField:
    """A field of a config that holds the path of a file or folder."""

    section: str
    name: str
    words: tuple[str, ...]
    """Values that are no path."""
    is_outside: bool
    """True if the field is marked as outside the identity."""

    @property
    def key(self) -> str:
        """The dotted config key."""
        return f"{self.section}.{self.name}"


class PathFinder:
    """Locates the relative paths of one study: in the folder of its file, or else in the working directory.

    A path that was typed as an option is searched in the working directory first.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.folder = study.folder if study.folder and not _is_same(study.folder, ".") else ""
        """The folder of the study file; empty if it is the working directory."""
        self.fields = path_fields(study.entry.config)
        self.known: dict[tuple[PathField, str], str] = {}
        """The place of each path that was located."""

    def located(self, config: BaseModel) -> BaseModel:
        """Return the config with paths that this process can open."""
        for field in self.fields:
            section = getattr(config, field.section)
            path = getattr(section, field.name)
            if self.is_path(field, path) and (place := self.place(field, path)) != path:
                config = config.model_copy(update={field.section: section.model_copy(update={field.name: place})})
        return config

    def place(self, field: PathField, path: str) -> str:
        """Return the path at which a file or folder is, or at which it should be."""
        if (field, path) not in self.known:
            places = self._places(field, path)
            there = (place for place in places if len(places) == 1 or stat_or_none(Path(place)))
            self.known[field, path] = next(there, places[0])
        return self.known[field, path]

    def declared(self, field: PathField, path: Any) -> Any:
        """Return a path as it belongs to the declaration of a trial.

        The same words in two places are two data sets. Fields whose hash is in the identity are declared as they are
        written, if they are found as a shell would find them, because earlier versions declared them so.
        """
        if not self.is_path(field, path):
            return path
        place = self.place(field, path)
        return os.path.normpath(Path(place).absolute()) if field.is_outside or place != expanded(path) else path

    def missing(self, config: BaseModel) -> list[str]:
        """Return a sentence for each relative path of a located config that is in neither place."""
        return [
            f"{field.key}: {here} is neither in the folder of the study file ({self.folder}) nor in the working "
            f"directory ({Path.cwd()})"
            for field in self.fields
            if self.is_path(field, path := getattr(getattr(config, field.section), field.name))
            and not stat_or_none(Path(path))
            and (here := self._relative(field, path)) is not None
        ]

    def notes(self) -> list[str]:
        """Return a sentence for each path that is not found where a reader of the file would look first."""
        found = {
            self._note(field, path)
            for field in self.fields
            for path in _values(self.study, field.key)
            if self.is_path(field, path)
        }
        return sorted(note for note in found if note)

    def _note(self, field: PathField, path: str) -> str:
        here = expanded(path)
        if not self._is_searched_twice(here) or self._is_typed(field):
            return ""
        beside = str(Path(self.folder) / here)
        has_beside, has_here = (stat_or_none(Path(place)) is not None for place in (beside, here))
        if has_here and not has_beside:
            return (
                f"config.{field.key}: {path} is not in {self.folder}, the folder of the study file; that of the "
                f"working directory is used; write {os.path.relpath(here, self.folder)} to find it from anywhere"
            )
        if has_here and not _is_same(beside, here):
            return (
                f"config.{field.key}: {path} is in {self.folder}, the folder of the study file, and in the working "
                "directory; that of the study file is used"
            )
        return ""

    def _places(self, field: PathField, path: str) -> tuple[str, ...]:
        here = expanded(path)
        if not self._is_searched_twice(here):
            return (here,)
        beside = str(Path(self.folder) / here)
        return (here, beside) if self._is_typed(field) else (beside, here)

    def _relative(self, field: PathField, place: str) -> str | None:
        """Return the relative path whose first place this is; None if it was searched in one place only."""
        here = place if self._is_typed(field) else place.removeprefix(f"{self.folder}/")
        return here if self._is_searched_twice(here) and place == self._places(field, here)[0] else None

    def _is_searched_twice(self, here: str) -> bool:
        return bool(self.folder) and not Path(here).is_absolute()

    def _is_typed(self, field: PathField) -> bool:
        return any(overlaps(field.key, key) for key in self.study.typed)

    @staticmethod
    def is_path(field: PathField, value: Any) -> bool:
        """Return True if a value of the field is a path."""
        return isinstance(value, str) and value not in field.words


def path_fields(model: type[BaseModel]) -> list[PathField]:
    """Return the fields of a config's sections that are marked as paths."""
    return [
        PathField(section, name, mark.words, OutsideIdentity in field.metadata)
        for section, whole in model.model_fields.items()
        for inner in models_in(whole.annotation)
        for name, field in inner.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, LocalPath)
    ]


def _values(study: Study, key: str) -> Iterator[Any]:
    """Yield the values that a study gives a config key."""
    yield value_at(study.config, key)
    for factor in study.factors:
        for at, sets in enumerate(factor.sets):
            if sets == key:
                yield from (level.values[at] for level in factor.levels)
    yield from (reference.settings.get(key) for reference in study.references)


def _is_same(one: str, other: str) -> bool:
    first, second = stat_or_none(Path(one)), stat_or_none(Path(other))
    return first is not None and second is not None and os.path.samestat(first, second)
