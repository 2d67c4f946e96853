"""States that a training goes on from: written aside, synced, renamed, and known by their hash."""

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ablate.filesystem import sync_folder

KEEP = 2
"""States kept of an unfinished training: should the newest be torn, the one before is used."""

DIGEST = hashlib.sha256().digest_size


def never() -> bool:
    """Nobody asks for a stop."""
    return False


@dataclass(frozen=True)
class Checkpoints:
    """The states of one training, files `STEP.ckpt` in a folder of its own.

    A file is a SHA-256 and the state; the hash is over `owner` and the state. So a file that was cut off, changed,
    or written for another training has the wrong hash, and is passed over. `stopping` says whether the training
    is asked to save itself and stop; it is called often.
    """

    folder: Path
    owner: str
    stopping: Callable[[], bool] = never

    def reached(self) -> int:
        """The step of the latest state by its name, which may be torn or foreign; 0 if there is none."""
        return max((step for step, _ in self._files()), default=0)

    def newest(self) -> bytes | None:
        """The state of the latest step that is whole and ours; None if there is none."""
        for _, path in reversed(self._files()):
            state = self._state(path)
            if state is not None:
                return state
        return None

    def save(self, step: int, state: bytes | memoryview, keep: int = KEEP) -> None:
        """Adds a state and removes all but the `keep` latest up to its step. Raises OSError, such as a full disk.

        Whatever moment the process dies at, the states that were there before still are, or the new one is.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f"{step:09d}.{os.getpid()}.part"
        try:
            with aside.open("wb") as file:
                file.write(self._digest(state))
                file.write(state)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(self.folder / f"{step:09d}.ckpt")
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        sync_folder(self.folder)
        self._prune(step, keep)

    def offer(self, step: int, state: bytes | memoryview, keep: int = KEEP) -> bool:
        """`save`, with a warning where it cannot be written: what a training finds matters more than how it is kept.

        Whether it was written.
        """
        try:
            self.save(step, state, keep)
        except OSError as fault:
            print(f"warning: no checkpoint of step {step} could be written: {fault}", file=sys.stderr)
            return False
        return True

    def clear(self) -> None:
        """Removes every state."""
        self._prune(-1, 0)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
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
        found = self.folder.glob("*.ckpt")
        return sorted((int(path.stem), path) for path in found if path.stem.isdecimal())

    def _prune(self, step: int, keep: int) -> None:
        """States beyond `step` were passed over at the start, so they are of no use; nor are left-over parts."""
        files = self._files()
        upto = [path for at, path in files if at <= step]
        kept = upto[len(upto) - min(keep, len(upto)) :]
        for path in [path for _, path in files if path not in kept] + list(self.folder.glob("*.part")):
            path.unlink(missing_ok=True)
