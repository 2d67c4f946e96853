"""Reads the `trainer` of a study file: a name of the registry, or the declaration of a trainer of the user's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from ablate.errors import unknown_name
from ablate.study.config_keys import Config
from ablate.study.reading.nodes import Node
from ablate.study.reading.problems import Path, Problems
from ablate.trainers.entry import DeclaredKind, TrainerEntry
from ablate.trainers.registry import DECLARED, DEFAULT, TRAINERS, declared_kind

TRAINER: Path = ("trainer",)
OWN_TRAINER = "write `{command: [python, train.py, '${args}']}` or `{function: train.py:main}`"
EXAMPLE = f"{OWN_TRAINER}, or the name of a trainer"


@dataclass(frozen=True)
class ReadTrainer:
    """The trainer of a study file, as far as it can be read."""

    name: str = ""
    """Its name in the registry, or its kind; empty if it cannot be read, which is recorded."""
    kind: DeclaredKind | None = None
    """The kind of a declared trainer."""
    spec: Any = None
    """Its declaration, valid."""

    def entry(self, folder: FilePath, config: Config, sources: Sequence[Any] = ()) -> TrainerEntry[Any] | None:
        """Return the trainer; None if it cannot be read. `sources`: where a declared one's metrics are read from."""
        if self.kind is not None:
            return self.kind.entry(self.spec, folder, config, sources)
        return TRAINERS[self.name] if self.name else None


def read_trainer(root: Node, problems: Problems, folder: FilePath, config: Config) -> ReadTrainer:
    """Return the trainer of a study file in `folder` with a plain `config`; record the faults."""
    node = root.at(TRAINER)
    if node is None:
        return ReadTrainer(DEFAULT) if DEFAULT in TRAINERS else _not_there(problems, DEFAULT)
    if isinstance(node.value, dict):
        return _declared(node, problems, folder, config)
    name = node.plain()
    if not isinstance(name, str):
        problems.expected(TRAINER, name, "text or a mapping")
        return ReadTrainer()
    if name in DECLARED:
        problems.add(TRAINER, f"found {name!r}, which is a key of the trainer: {EXAMPLE}")
        return ReadTrainer()
    return ReadTrainer(name) if name in TRAINERS else _not_there(problems, name)


def _not_there(problems: Problems, name: Any) -> ReadTrainer:
    problems.add(TRAINER, f"{TRAINERS.fault(name)}; for a script of your own, {OWN_TRAINER}")
    return ReadTrainer()


def _declared(node: Node, problems: Problems, folder: FilePath, config: Config) -> ReadTrainer:
    kinds = [name for name in DECLARED if name in node.value]
    if len(kinds) != 1:
        if kinds:
            problems.add(TRAINER, f"found both {' and '.join(kinds)}; a trainer has one of them")
        else:
            names = [name for name in node.value if isinstance(name, str)]
            unknown = unknown_name("key", names[0], DECLARED) if names else "found an empty mapping"
            problems.add(TRAINER, f"{unknown}; {EXAMPLE}")
        return ReadTrainer()
    kind = declared_kind(kinds[0])
    plain: Mapping[str, Any] = node.plain()
    if advice := kind.advice(plain):
        problems.add((*TRAINER, kinds[0]), advice)
        return ReadTrainer()
    try:
        spec = kind.spec.model_validate(plain)
    except ValidationError as error:
        problems.invalid(error, kind.spec, TRAINER)
        return ReadTrainer()
    for path, message in kind.faults(spec, folder, config):
        problems.add((*TRAINER, *path), message)
    return ReadTrainer(kinds[0], kind, spec)
