"""Queueing rows again, and removing the checkpoints that nothing needs."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ablate.store import Store
from ablate.store.queue import maintenance
from ablate.store.queue.maintenance import TrialStatus
from ablate.trainers.checkpoints import Checkpoints

KEY = re.compile(r"[0-9a-f]{20}")
"""The name of a training's folder: its key."""

PART = re.compile(r"\d+\.(\d+)\.part")
"""The name of a checkpoint that is being written; the group is the process id."""


@dataclass(frozen=True)
class ResetResult:
    """The rows and seeds that a reset queued again."""

    queued: tuple[TrialStatus, ...]
    """The requested rows and seeds that are queued again."""
    others: tuple[TrialStatus, ...]
    """Other rows and seeds that are queued again because they share a training with these."""
    running: Mapping[TrialStatus, str]
    """The requested rows and seeds that are not reset because a runner trains them: {row and seed: runner}."""
    results: int
    """The number of results that no longer count; they stay in the store as history."""


def reset(store: Store, study: str, profile: str, rows: Mapping[str, Mapping[int, str]]) -> ResetResult:
    """Queue rows of a study again, {label: {seed: trial key}}, and all trials that share a training with them."""
    cells = {(label, seed) for label, of_seeds in rows.items() for seed in of_seeds}
    keys = {key for of_seeds in rows.values() for key in of_seeds.values()}
    with store.write(alone=True) as connection:
        accepted = maintenance.withdraw(connection, keys)
        trainings = set(maintenance.trainings_of(connection, {accepted.get(key, key) for key in keys}).values())
        held = maintenance.runners(connection, trainings)
        affected = maintenance.standing(connection, trainings)
        results = maintenance.reset(connection, free) if (free := trainings - set(held)) else 0
        for key in free:  # before a runner can claim it: a finished network would only be evaluated again
            Checkpoints(store.folder / "checkpoints" / key, key).clear()
            _set_aside(store.folder / "runs" / key)
    is_named = {status: status[:2] == (study, profile) and status[2:4] in cells for status in affected}
    return ResetResult(
        tuple(dict.fromkeys(status for status in affected if is_named[status] and status.training in free)),
        tuple(status for status in affected if status.training in free and not is_named[status]),
        {status: held[status.training] for status in affected if is_named[status] and status.training in held},
        results,
    )


def _set_aside(folder: Path) -> None:
    """Rename the folder of a training by a script, so that the next attempt begins without its files."""
    if not folder.is_dir():
        return
    numbers = (number for number in count(1) if not folder.with_name(f"{folder.name}.reset-{number}").exists())
    folder.rename(folder.with_name(f"{folder.name}.reset-{next(numbers)}"))


@dataclass(frozen=True)
class CheckpointLeftovers:
    """The folders of checkpoints of a store."""

    removable: tuple[Path, ...]
    """Folders of trainings that are finished, or that no plan or search waits for."""
    needed: tuple[Path, ...]
    """Folders of trainings that a plan or a search waits for."""
    unknown: tuple[Path, ...]
    """Folders that this store does not know; another store in the same folder may."""
    parts: tuple[Path, ...]
    """Files in needed folders that a process began to write before it died."""

    def size(self) -> int:
        """Return the bytes of everything that can be removed."""
        files = (file for folder in self.removable for file in folder.rglob("*") if file.is_file())
        return sum(file.stat().st_size for file in (*files, *self.parts))

    def remove(self) -> None:
        """Remove the removable folders and the torn files. Raises OSError if one cannot be removed."""
        for folder in self.removable:
            shutil.rmtree(folder)
        for part in self.parts:
            part.unlink(missing_ok=True)


def leftovers(store: Store) -> CheckpointLeftovers:
    """Return the folders of checkpoints next to a store, by whether they are still needed."""
    folder = store.folder / "checkpoints"
    folders = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    keys = {path.name for path in folders if KEY.fullmatch(path.name)}
    with store.read() as connection:
        is_needed = maintenance.needed(connection, keys)
        held = maintenance.runners(connection, keys)
    needed = tuple(path for path in folders if is_needed.get(path.name))
    return CheckpointLeftovers(
        tuple(path for path in folders if is_needed.get(path.name) is False),
        needed,
        tuple(path for path in folders if path.name not in is_needed),
        tuple(part for path in needed if path.name not in held for part in _torn_files(path)),
    )


def _torn_files(folder: Path) -> Iterator[Path]:
    """Yield the files that a process began to write before it died."""
    for path in folder.glob("*.part"):
        name = PART.fullmatch(path.name)
        if name and not _is_alive(int(name[1])):
            yield path


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
