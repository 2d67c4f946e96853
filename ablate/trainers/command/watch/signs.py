"""The signs of life of a script: its output grows, a file in its folder changes, or it sends a message."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from ablate.filesystem import stat_or_none

MOST_ENTRIES = 2000
"""Files and folders that are looked at, those nearest to the top first."""

FILES_SECONDS = 1.0
"""The shortest time between two looks at the files."""

MOST_LOAD = 0.05
"""The greatest part of the time that may go into looks at the files. A network disk answers slowly."""

LONGEST_GAP = 1.0
"""The most silence that counts between two looks. If they lie further apart, this process was stopped, or waited."""


class SignsOfLife:
    """The signs of life of one script, from its start on."""

    def __init__(self, log: int, watched: Path, stall_seconds: float) -> None:
        """`log`: the open file with its output. `watched`: its folder. Both are only looked at."""
        self.log, self.watched, self.stall_seconds = log, watched, stall_seconds
        self.messages = 0
        self.silence = 0.0
        """Seconds since the last sign, without the time in which this process itself did not run."""
        self.size = os.fstat(log).st_size
        self.looked = time.monotonic()
        self.pause = min(FILES_SECONDS, stall_seconds / 4)
        self.files_due = self.looked + self.pause
        self.files = _state(watched)

    def look(self, messages: int) -> bool:
        """Return True if there was a sign since the last look. `messages`: the number of messages so far."""
        now = time.monotonic()
        was_there = messages > self.messages or self._has_output() or self._has_changed_files(now)
        self.silence = 0.0 if was_there else self.silence + min(now - self.looked, LONGEST_GAP)
        self.looked, self.messages = now, messages
        if was_there:
            self.files_due = now + self.pause
        return was_there

    @property
    def has_stalled(self) -> bool:
        """True if the script has been silent for too long."""
        return self.silence > self.stall_seconds

    def _has_output(self) -> bool:
        before, self.size = self.size, os.fstat(self.log).st_size
        return self.size != before

    def _has_changed_files(self, now: float) -> bool:
        if now < self.files_due:
            return False
        before, self.files = self.files, _state(self.watched)
        took = time.monotonic() - now
        self.pause = min(max(FILES_SECONDS, took / MOST_LOAD), self.stall_seconds / 4)
        self.files_due = now + self.pause
        return self.files != before


def _state(folder: Path) -> int:
    """Return a number that changes when a file below the folder is made, written, renamed or removed."""
    return hash(frozenset(_entries(folder)))


def _entries(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield path, time of the last change and size of a folder and the entries below it, level by level."""
    folders, left = [str(folder)], MOST_ENTRIES
    if its := stat_or_none(folder):
        yield str(folder), its.st_mtime_ns, 0
    for each in folders:  # which grows
        try:
            with os.scandir(each) as entries:
                for entry in entries:
                    if left == 0:
                        return
                    left -= 1
                    its = entry.stat(follow_symlinks=False)
                    yield entry.path, its.st_mtime_ns, its.st_size
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError:  # it has just been removed, or cannot be read
            continue
