"""Trainings that have ended, as folders with the files that their scripts left; and event files of TensorBoard."""

import base64
import json
import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.trainers.measuring.files import Outputs
from ablate.trainers.measuring.reader import Readings, read_measurements
from ablate.trainers.measuring.sources import MetricSource
from ablate.trainers.measuring.takes import Take

LONG_AGO = 1000.0
"""Seconds by which the files of an earlier attempt are older."""


def outputs(folder: Path, log: str | bytes = "", returned: Mapping[str, Any] | None = None, **files: Any) -> Outputs:
    """Return the outputs of a script that began a second ago, and write its output and `result=` as result.json."""
    of_training = folder / "runs" / "key"
    of_training.mkdir(parents=True, exist_ok=True)
    (of_training / "attempt-1.log").write_bytes(log if isinstance(log, bytes) else log.encode())
    for name, content in files.items():
        write(of_training / f"{name}.json", content)
    result = of_training / "result.json"
    return Outputs(of_training, of_training / "attempt-1.log", result, returned, folder, time.time() - 1)


def write(path: Path, content: Any, is_old: bool = False) -> Path:
    """Write a file: text or bytes as they are, other values as JSON. `is_old`: as an earlier attempt left it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    if is_old:
        then = time.time() - LONG_AGO
        os.utime(path, (then, then))
    return path


def reading(of: Outputs, origin: str = "", take: Take | None = None, metric: str = "acc", **source: Any) -> Readings:
    """Return the readings of one metric."""
    return read_measurements([MetricSource(metric, origin, take or Take(), **source)], of)


def value(of: Outputs, origin: str = "", take: Take | None = None, metric: str = "acc", **source: Any) -> float:
    """Return the value of one metric, which is not missing."""
    read = reading(of, origin, take, metric, **source)
    assert (dict(read.missing), dict(read.not_finite)) == ({}, {})
    return read.measurements[0].value


def reason(of: Outputs, origin: str = "", take: Take | None = None, metric: str = "acc", **source: Any) -> str:
    """Return the reason why one metric is missing."""
    read = reading(of, origin, take, metric, **source)
    assert not read.measurements
    return read.missing[metric]


def event_file(*scalars: tuple[str, int, float], wall_time: float = 1e9) -> bytes:
    """Return an event file with scalars (tag, step, value), as `simple_value`; with zeros in place of checksums."""
    events = [_field(1, 1, struct.pack("<d", wall_time)) + _field(3, 2, b"brain.Event:2")]
    for tag, step, number in scalars:
        summary = _field(1, 2, _field(1, 2, tag.encode()) + _field(2, 5, struct.pack("<f", number)))
        events.append(_field(1, 1, struct.pack("<d", wall_time)) + _field(2, 0, _varint(step)) + _field(5, 2, summary))
    return b"".join(struct.pack("<Q", len(one)) + b"\0\0\0\0" + one + b"\0\0\0\0" for one in events)


def _field(number: int, kind: int, content: bytes) -> bytes:
    return _varint(number << 3 | kind) + (_varint(len(content)) if kind == 2 else b"") + content


def _varint(number: int) -> bytes:
    more = b""
    while number > 127:
        more, number = more + bytes([number & 127 | 128]), number >> 7
    return more + bytes([number])


TORCH = base64.b64decode(
    "SAAAAAAAAAD+kkidCcl2lb+vw9pBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2ZW50X2Zp"
    "bGVfd3JpdGVyBlijHh0AAAAAAAAAYC/fIwnTfZW/r8PaQRAKKhAKDgoHdmFsL2FjYxUAAAA/LZWWth0AAAAAAAAAYC/fIwlJfpW/"
    "r8PaQRAUKhAKDgoHdmFsL2FjYxUAAEA/14v7Tj0AAAAAAAAAYEnx7AnlfpW/r8PaQRAUKjAKLgoRbm90ZS90ZXh0X3N1bW1hcnlC"
    "DwgHEgQSAggBQgVoZWxsb0oICgYKBHRleHShxh5pHQAAAAAAAABgL98jCR9/lb+vw9pBEB4qEAoOCgd2YWwvYWNjFQAAwH9afAh4"
)
"""torch 2.13, `SummaryWriter`: val/acc 0.5 at step 10, 0.75 at 20 with a text, nan at 30."""
TORCH_NEW_STYLE = base64.b64decode(
    "SAAAAAAAAAD+kkidCemJlb+vw9pBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2ZW50X2Zp"
    "bGVfd3JpdGVyVrsEHC8AAAAAAAAAbV0dUAnZj5W/r8PaQRAHKiIKIAoHdmFsL2FjY0IICAEqBAAAgD5KCwoJCgdzY2FsYXJzRhUr"
    "wTQAAAAAAAAAXjMXXAlukJW/r8PaQRAIKicKJQoIdmFsL2xvc3NCDAgCMgiamZmZmZm5P0oLCgkKB3NjYWxhcnMEELbR"
)
"""torch 2.13, `SummaryWriter.add_scalar(..., new_style=True)`: val/acc 0.25 at step 7; val/loss 0.1 at 8, a double."""
TENSORBOARD = base64.b64decode(
    "SAAAAAAAAAD+kkidCSg8lr+vw9pBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2ZW50X2Zp"
    "bGVfd3JpdGVys5WOizMAAAAAAAAADKcgVgnaP5a/r8PaQRAEKiYKJAoHdmFsL2FjY0IKCAESACoEAAAAP0oNCgkKB3NjYWxhcnMg"
    "AVQi7pU0AAAAAAAAAF4zF1wJ7UGWv6/D2kEQrAIqJgokCgd2YWwvYWNjQgoIARIAKgQAACA/Sg0KCQoHc2NhbGFycyABJ7WVKg=="
)
"""tensorboard 2.21, `tensorboard.summary.Writer`: val/acc 0.5 at step 4 and 0.625 at 300, as tensors."""
TENSORBOARDX = base64.b64decode(
    "GAAAAAAAAACjf0siCYcSlr+vw9pBGg1icmFpbi5FdmVudDoy82/pWSYAAAAAAAAAc0/jAAnGG5a/r8PaQRD///////////8BKhAK"
    "DgoHdmFsL2FjYxUAAAA+X3TXlQ=="
)
"""tensorboardX 2.6, `SummaryWriter`: val/acc 0.125 at step -1."""
