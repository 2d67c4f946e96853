"""Folders of W&B's runs, with their files and their logs `run-ID.wandb`, in the form of W&B's own."""

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.support.imports.canonical import METRIC, runs

HEAD = b":W&B\xe1\xbe\x00"
BLOCK = 32 * 1024
HISTORY, SUMMARY, CONFIG, RUN, EXIT = 2, 3, 5, 17, 18


def _varint(number: int) -> bytes:
    more, number = number & 127, number >> 7
    return bytes([more | 128]) + _varint(number) if number else bytes([more])


def message(*parts: tuple[int, bytes | str | int]) -> bytes:
    """Return a protobuf message of (field, bytes, text or number)."""
    out = b""
    for field, value in parts:
        if isinstance(value, int):
            out += _varint(field << 3) + _varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += _varint(field << 3 | 2) + _varint(len(data)) + data
    return out


def item(keys: Iterable[str], value: object) -> bytes:
    """Return a message HistoryItem, SummaryItem or ConfigItem."""
    names = list(keys)
    fields: list[tuple[int, bytes | str | int]] = [(1, names[0])] if len(names) == 1 else [(2, name) for name in names]
    return message(*fields, (16, json.dumps(value)))


def record(number: int, kind: int, content: bytes) -> bytes:
    return message((1, number), (kind, content))


def config(values: Mapping[str, object]) -> bytes:
    return message(*[(1, item([name], value)) for name, value in values.items()])


def history(step: int, values: Mapping[str, object]) -> bytes:
    items = [(1, item(name.split("."), value)) for name, value in {**values, "_step": step}.items()]
    return message(*items, (2, message((1, step))))


def run_record(key: str, name: str, settings: Mapping[str, object], project: str = "p") -> bytes:
    start = message((1, 1_700_000_000))
    return message((1, key), (3, project), (4, config({"_wandb": {}, **settings})), (8, name), (13, "vm"), (17, start))


def log(records: Iterable[bytes]) -> bytes:
    """Return a log of records: blocks of 32 KiB, with records in several parts if they cross the end of a block."""
    out = HEAD
    for content in records:
        is_first = True
        while is_first or content:
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += b"\x00" * room
                continue
            data, content = content[: room - 7], content[room - 7 :]
            kind = {(True, False): 1, (True, True): 2, (False, True): 3, (False, False): 4}[is_first, bool(content)]
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + data), len(data), kind) + data
            is_first = False
    return out


def records(
    key: str,
    name: str,
    settings: Mapping[str, object],
    steps: Iterable[Mapping[str, object]],
    exit_code: int | None = 0,
) -> list[bytes]:
    """Return the records of a run; without that of its end if `exit_code` is None."""
    bodies = [(RUN, run_record(key, name, settings))]
    bodies += [(HISTORY, history(step, values)) for step, values in enumerate(steps)]
    bodies += [] if exit_code is None else [(EXIT, message((1, exit_code)) if exit_code else b"")]
    return [record(number, kind, body) for number, (kind, body) in enumerate(bodies, start=2)]


def add(root: Path, number: int, content: bytes | None, kind: str = "offline-run", key: str = "") -> Path:
    """Add the folder of a run to a folder `wandb`, and return it. Each run starts a second after the one before it."""
    key = key or f"run{number:05d}"
    folder = root / f"{kind}-20260101_1200{number:02d}-{key}"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "requirements.txt").write_text("numpy==2.1.0\n")
    if content is not None:
        (folder / f"run-{key}.wandb").write_bytes(content)
    return folder


def add_files(folder: Path, settings: Mapping[str, object], summary: Mapping[str, object]) -> None:
    """Add the files that runs that were online have."""
    lines = ["_wandb:", "    value:", "        cli_version: 0.19.0"]
    for name, value in settings.items():
        lines += [f"{name}:", f"    value: {json.dumps(value)}"]
    (folder / "files" / "config.yaml").write_text("\n".join(lines) + "\n")
    whole = {"_step": 2, "_runtime": 3.5, "_timestamp": 1.7e9, "_wandb": {"runtime": 3}, **summary}
    (folder / "files" / "wandb-summary.json").write_text(json.dumps(whole))


def write(folder: Path) -> Path:
    """Write the canonical study as offline runs, and return the folder `wandb`."""
    for number, run in enumerate(runs()):
        settings = {"lr": run.lr, "norm": run.norm, "seed": run.seed}
        steps = [{METRIC: 0.25}, {METRIC: 0.9}, {METRIC: run.acc, "epoch": 2}]
        name = f"run-{number}"
        add(folder / "wandb", number, log(records(f"run{number:05d}", name, settings, steps)))
    return folder / "wandb"
