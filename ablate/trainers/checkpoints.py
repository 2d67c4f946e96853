"""Checkpoints of a training: written to a temporary file, synced, renamed, and checked by their hash."""

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ablate.filesystem import sync_folder

KEEP = 2
"""Checkpoints kept of an unfinished training: if the newest is torn, the one before is used."""

DIGEST = hashlib.sha256().digest_size


def never() -> bool:
    """Return False: no stop is requested."""
    return False


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training: files `STEP.ckpt` in a folder of its own.

    A file is a SHA-256, then the state. The hash is over the owner and the state. So a file that was cut off, changed,
    or written for another training has the wrong hash and is ignored.
    """

    folder: Path
    """Folder of the checkpoints; it is made when the first is saved."""
    owner: str
    """Key of the training."""
    stopping: Callable[[], bool] = never
    """Return True if the training should save its state and stop. Trainers call it often."""
    earlier_seconds: float = 0.0
    """The time of the earlier attempts from which this one continues."""

    def reached(self) -> int:
        """Return the step of the latest checkpoint by its file name, or 0. The file may be torn or foreign."""
        return max((step for step, _ in self._files()), default=0)

    def newest(self) -> bytes | None:
        """Return the latest state that is whole and belongs to this training, or None."""
        for _, path in reversed(self._files()):
            state = self._state(path)
            if state is not None:
                return state
        return None

    def save(self, step: int, state: bytes | memoryview, keep: int = KEEP) -> None:
        """Add a state, and remove all but the `keep` latest up to its step. Raise OSError, such as for a full disk.

        If the process dies at any moment, either the earlier states or the new one are still there.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f"{step:09d}.{os.getpid()}.part"
        try:
            with temporary.open("wb") as file:
                file.write(self._digest(state))
                file.write(state)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self.folder / f"{step:09d}.ckpt")
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(self.folder)
        self._prune(step, keep)

    def offer(self, step: int, state: bytes | memoryview, keep: int = KEEP) -> bool:
        """Save a state, and return True if it was written.

        If it cannot be written, print a warning: a training's result matters more than its checkpoint.
        """
        try:
            self.save(step, state, keep)
        except OSError as fault:
            print(f"warning: no checkpoint of step {step} could be written: {fault}", file=sys.stderr)
            return False
        return True

    def clear(self) -> None:
        """Remove every checkpoint, and the folder if it is empty then."""
        if not self.folder.is_dir():
            return
        self._prune(-1, 0)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _state(self, path: Path) -> bytes | None:
        try:
            content = path.read_bytes()
        except OSError:
            return None
        state = memoryview(content)[DIGEST:]
        return bytes(state) if content[:DIGEST] == self._digest(state) else None

    def _digest(self, state: bytes | memoryview) -> bytes:
        digest = hashlib.sha256(self.owner.encode() + b"\0")
        digest.update(state)
        return digest.digest()

    def _files(self) -> list[tuple[int, Path]]:
        paths = self.folder.glob("*.ckpt")
        return sorted((int(path.stem), path) for path in paths if path.stem.isdecimal())

    def _prune(self, step: int, keep: int) -> None:
        """Keep the `keep` latest up to `step`. Remove the others, ignored at the start, and partial files."""
        files = self._files()
        upto = [path for at, path in files if at <= step]
        kept = upto[len(upto) - min(keep, len(upto)) :]
        for path in [path for _, path in files if path not in kept] + list(self.folder.glob("*.part")):
            path.unlink(missing_ok=True)
