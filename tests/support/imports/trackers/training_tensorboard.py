"""Folders of event files in the form of TensorBoard's writers, with settings of its hparams plugin."""

import struct
from collections.abc import Mapping
from pathlib import Path

from tests.support.imports.canonical import runs
from tests.support.trainers.outputs import event_file

NAME = "events.out.tfevents.{}.host.1.0"


def message(number: int, content: bytes) -> bytes:
    """Return a field of a protobuf message that holds bytes, of any length below 2**14."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def hparams_record(settings: Mapping[str, bool | float | str]) -> bytes:
    """Return the record in which `hparams_pb` of TensorBoard's `summary_v2.py` stores settings."""
    entries = b"".join(
        message(1, message(1, name.encode()) + message(2, _value(value))) for name, value in settings.items()
    )
    session = message(3, entries + message(4, b"group") + bytes([5 << 3 | 1]) + struct.pack("<d", 1e9))
    plugin = message(1, message(1, b"hparams") + message(2, session))
    value = message(1, b"_hparams_/session_start_info") + message(9, plugin)
    event = bytes([1 << 3 | 1]) + struct.pack("<d", 1e9) + message(5, message(1, value))
    return struct.pack("<Q", len(event)) + b"\0\0\0\0" + event + b"\0\0\0\0"


def _value(value: bool | float | str) -> bytes:
    if isinstance(value, bool):
        return bytes([4 << 3, value])
    if isinstance(value, str):
        return message(3, value.encode())
    return bytes([2 << 3 | 1]) + struct.pack("<d", value)


def save(
    folder: Path,
    *scalars: tuple[str, int, float],
    settings: Mapping[str, bool | float | str] | None = None,
    time: int = 1_700_000_000,
) -> Path:
    """Write an event file into the folder of a run, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME.format(time)
    path.write_bytes(event_file(*scalars, wall_time=time) + (hparams_record(settings) if settings else b""))
    return path


def write(folder: Path) -> Path:
    """Write the canonical study as twelve folders, each with a series of three steps."""
    for number, run in enumerate(runs()):
        series = [("acc", 1, 0.2), ("acc", 2, 0.9), ("acc", 3, run.acc), ("epoch", 3, 3.0)]
        save(folder / "logs" / f"run{number}", *series, settings={"lr": run.lr, "norm": run.norm, "seed": run.seed})
    return folder / "logs"
