"""The log of a W&B run, `run-ID.wandb`: config, last values and exit code. It is read without W&B's own library.

The file is a head of 7 bytes and blocks of 32 KiB, as in LevelDB's log. Each record has a head of 7 bytes: checksum,
length and kind. A record that crosses blocks has several parts. The checksum is the plain CRC-32 of kind and data.
Records are messages of `wandb/proto/wandb_internal.proto`.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ablate.errors import SourceError
from ablate.imports.trackers.wandb.log_items import Values, add_items, remove_items
from ablate.trainers.measuring.tensorboard_events import BYTES, VARINT, fields

HEAD = b":W&B\xe1\xbe\x00"
"""The beginning of a log: a name, the number 0xBEE1, and the version 0."""
BLOCK = 32 * 1024
LARGEST_RECORD = 64 * 2**20
"""Bytes of a record above which it is passed over."""
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
"""The kinds of parts of a record."""
HISTORY, SUMMARY, CONFIG, RUN, EXIT = 2, 3, 5, 17, 18
"""The fields of the message Record that are read."""
ABOUT = {1: "run_id", 3: "project", 6: "group", 7: "job_type", 8: "name", 12: "sweep", 13: "host"}
"""The texts in the message RunRecord that are kept."""
RUN_CONFIG, EXIT_CODE = 4, 1


class TornLogError(Exception):
    """A log that ends before its run does. The message gives the reason, as the end of a sentence."""


@dataclass
class RunLog:
    """The content of a log, as far as it goes."""

    config: Values = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    """The last values, from history and summary in the order of the records."""
    objects: Values = field(default_factory=dict)
    """The last values that are objects, such as `best: {"max": 0.9}`, while the history has numbers for `best`."""
    about: dict[str, str] = field(default_factory=dict)
    """{one of ABOUT: its text}."""
    exit_code: int | None = None
    """None if the run did not end, or its log has not got so far."""
    torn: str = ""
    """Why the log ends early, as the end of a sentence; empty if each record is whole."""

    def add(self, record: bytes) -> None:
        """Take up a record. TornLogError if it is no message."""
        try:
            for number, wire, content in fields(record):
                if wire == BYTES:
                    self._add_part(number, content)
        except (ValueError, IndexError, struct.error, UnicodeDecodeError):
            raise TornLogError("a record cannot be read") from None

    def _add_part(self, number: int, content: bytes) -> None:
        if number in (HISTORY, SUMMARY):
            add_items(self.values, content, self.objects)
        if number == SUMMARY:
            remove_items(self.values, content)
        elif number == CONFIG:
            add_items(self.config, content)
            remove_items(self.config, content)
        elif number == RUN:
            self._add_run(content)
        elif number == EXIT:
            codes = [value for each, wire, value in fields(content) if (each, wire) == (EXIT_CODE, VARINT)]
            self.exit_code = int.from_bytes(codes[-1], "little", signed=True) if codes else 0

    def _add_run(self, content: bytes) -> None:
        for number, wire, value in fields(content):
            if wire == BYTES and number == RUN_CONFIG:
                add_items(self.config, value)
            elif wire == BYTES and number in ABOUT:
                self.about[ABOUT[number]] = value.decode("utf-8", errors="replace")


def read_log(path: Path) -> RunLog:
    """Return the content of a log, as far as it goes. SourceError if it is no log of W&B, or cannot be opened."""
    log = RunLog()
    try:
        with path.open("rb") as file:
            head = file.read(len(HEAD))
            if not head.startswith(HEAD[:4]):
                raise SourceError(f"{path}: is no log of W&B, which begins with the letters {HEAD[:4].decode()}")
            try:
                if head != HEAD:
                    raise TornLogError(f"its head is {head!r}, but only {HEAD!r} is known")
                for record in _records(file):
                    log.add(record)
            except TornLogError as error:
                log.torn = str(error)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    return log


def _records(file: BinaryIO) -> Iterator[bytes]:
    """Yield the records after the head. TornLogError at the end of the last one that is whole, if the file goes on."""
    parts: list[bytes] = []
    size = 0
    for kind, data in _parts(file):
        if kind in (FULL, FIRST):
            parts, size = [], 0
        size += len(data)
        parts = [*parts, data] if size <= LARGEST_RECORD else []
        if kind in (FULL, LAST):
            if size <= LARGEST_RECORD:
                yield b"".join(parts)
            parts = []
    if parts:
        raise TornLogError("it ends in the middle of a record")


def _parts(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (kind, data) of the parts of records. TornLogError if a part is cut or has another checksum."""
    block = file.read(BLOCK - len(HEAD))
    while block:
        at = 0
        while at + 7 <= len(block):
            checksum, length, kind = struct.unpack_from("<IHB", block, at)
            if (kind, length) == (0, 0):
                break  # the rest of the block is empty
            data = block[at + 7 : at + 7 + length]
            if len(data) < length:
                raise TornLogError("it ends in the middle of a record")
            if zlib.crc32(data, zlib.crc32(bytes([kind]))) != checksum:
                raise TornLogError("a record has another checksum than its content")
            yield kind, data
            at += 7 + length
        block = file.read(BLOCK)
