"""Queueing rows again, and removing the checkpoints that nothing needs."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ablate.store import Store
from ablate.store.queue import maintenance
from ablate.store.queue.maintenance import TrialStatus
from ablate.trainers.checkpoints import Checkpoints

KEY = re.compile(r"[0-9a-f]{20}")
PART = re.compile(r"\d+\.(\d+)\.part")


@dataclass(frozen=True)
class ResetResult:
    """`queued`: the rows and seeds that were asked for and are queued again; `others`: those that share a training.

    `running`: what was asked for and is not reset, with the runner that has it. `results`: how many are history now.
    """

    queued: tuple[TrialStatus, ...]
    others: tuple[TrialStatus, ...]
    running: Mapping[TrialStatus, str]
    results: int


def reset(store: Store, study: str, profile: str, wanted: Mapping[str, Mapping[int, str]]) -> ResetResult:
    """Queues rows again, {label: {seed: trial key}}, with all that their trainings stand for."""
    cells = {(label, seed) for label, of_seeds in wanted.items() for seed in of_seeds}
    with store.write(alone=True) as connection:
        accepted = maintenance.withdraw(connection, {key for of_seeds in wanted.values() for key in of_seeds.values()})
        trials = {accepted.get(key, key) for of_seeds in wanted.values() for key in of_seeds.values()}
        trainings = set(maintenance.trainings_of(connection, trials).values())
        held = maintenance.runners(connection, trainings)
        standing = maintenance.standing(connection, trainings)
        results = maintenance.reset(connection, free) if (free := trainings - set(held)) else 0
        for key in free:  # before anybody can claim it: a finished network would only be evaluated again
            Checkpoints(store.folder / "checkpoints" / key, key).clear()
    asked = {each: None for each in standing if each[:2] == (study, profile) and each[2:4] in cells}
    return ResetResult(
        tuple(each for each in asked if each.training in free),
        tuple(each for each in standing if each.training in free and each not in asked),
        {each: held[each.training] for each in asked if each.training in held},
        results,
    )


@dataclass(frozen=True)
class CheckpointLeftovers:
    """Folders of checkpoints: `removable`, still `needed`, and `unknown` to the store; `parts` are torn files."""

    removable: tuple[Path, ...]
    needed: tuple[Path, ...]
    unknown: tuple[Path, ...]
    parts: tuple[Path, ...]

    def size(self) -> int:
        """Bytes of all that can be removed."""
        files = (file for folder in self.removable for file in folder.rglob("*") if file.is_file())
        return sum(file.stat().st_size for file in (*files, *self.parts))

    def remove(self) -> None:
        for folder in self.removable:
            shutil.rmtree(folder)
        for part in self.parts:
            part.unlink(missing_ok=True)


def leftovers(store: Store) -> CheckpointLeftovers:
    """What lies in the store's folder of checkpoints."""
    folder = store.folder / "checkpoints"
    found = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    keys = {path.name for path in found if KEY.fullmatch(path.name)}
    with store.read() as connection:
        known = maintenance.needed(connection, keys)
        held = maintenance.runners(connection, keys)
    needed = tuple(path for path in found if known.get(path.name))
    return CheckpointLeftovers(
        tuple(path for path in found if known.get(path.name) is False),
        needed,
        tuple(path for path in found if path.name not in known),
        tuple(part for path in needed if path.name not in held for part in _dead_parts(path)),
    )


def _dead_parts(folder: Path) -> Iterator[Path]:
    """Files that a process began to write which is no more."""
    for path in folder.glob("*.part"):
        named = PART.fullmatch(path.name)
        if named and not _is_alive(int(named[1])):
            yield path


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
