"""The settings that TensorBoard's hparams plugin writes into event files, read by hand.

The messages are those of `tensorboard/plugins/hparams/plugin_data.proto`: HParamsPluginData (3 session_start_info),
SessionStartInfo (1 hparams, a map), and `google/protobuf/struct.proto`: Value (2 number, 3 string, 4 bool).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from ablate.imports.source import Cell
from ablate.imports.trackers.cells import LONGEST_TEXT
from ablate.trainers.measuring.tensorboard_events import BYTES, FIXED64, VARINT, fields, records

TAG = b"_hparams_/session_start_info"
"""The tag of the record with a run's settings."""


def hparams_of(path: Path) -> dict[str, Cell]:
    """Return the settings of the last session in an event file; empty if it has none."""
    settings: dict[str, Cell] = {}
    for record in records(path):
        if TAG in record:
            try:
                settings = dict(_of_event(record)) or settings
            except (ValueError, IndexError, struct.error):
                break
    return settings


def _of_event(record: bytes) -> Iterator[tuple[str, Cell]]:
    """Yield the settings of the message Event: 5 summary, in it 1 value, in it 1 tag and 9 metadata."""
    for summary in _messages(record, 5):
        for value in _messages(summary, 1):
            if TAG in _messages(value, 1):
                for content in _contents(value):
                    yield from _of_session(content)


def _contents(value: bytes) -> Iterator[bytes]:
    """Yield the plugin's content: in SummaryMetadata 1 plugin_data, in it 2 content."""
    for metadata in _messages(value, 9):
        for plugin in _messages(metadata, 1):
            yield from _messages(plugin, 2)


def _of_session(content: bytes) -> Iterator[tuple[str, Cell]]:
    for session in _messages(content, 3):
        for entry in _messages(session, 1):
            for name in _messages(entry, 1):
                for value in _messages(entry, 2):
                    yield name.decode("utf-8", errors="replace"), _cell(value)


def _cell(value: bytes) -> Cell:
    for number, kind, content in fields(value):
        if (number, kind) == (2, FIXED64):
            (real,) = struct.unpack("<d", content)
            return int(real) if real.is_integer() and abs(real) < 2**53 else float(real)
        if (number, kind) == (3, BYTES):
            return content.decode("utf-8", errors="replace")[:LONGEST_TEXT]
        if (number, kind) == (4, VARINT):
            return any(content)
    return None


def _messages(message: bytes, wanted: int) -> list[bytes]:
    return [content for number, kind, content in fields(message) if (number, kind) == (wanted, BYTES)]
