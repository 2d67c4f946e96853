"""A disk of the tests' own, to fill up or to make read-only: a small file system in memory."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

FILLER = "filler"


@dataclass(frozen=True)
class Disk:
    path: Path

    def fill(self, leave: int = 0) -> None:
        """Leaves so many bytes of room."""
        with (self.path / FILLER).open("wb", buffering=0) as file, suppress(OSError):  # others write at the same time
            while (room := self._room() - leave) > 0:
                file.write(bytes(room))

    def empty(self) -> None:
        (self.path / FILLER).unlink()

    def resize(self, size: str) -> None:
        _mount("-o", f"remount,size={size}", self.path)

    def make_read_only(self) -> None:
        """For whom opens files from now on; what is open stays as it is."""
        _mount("--bind", self.path, self.path)
        _mount("-o", "remount,ro,bind", self.path)

    def make_writable(self) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=True)

    def _room(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 16 megabytes."""
    path = tmp_path / "disk"
    path.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", path)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", b"").decode().strip() or str(error)
        pytest.skip(f"file systems cannot be mounted here: {reason}")
    yield Disk(path)
    while path.is_mount():
        subprocess.run(["umount", "--lazy", path], check=True)


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)
