"""Scalars in TensorBoard's event files: a reader of their records and of the few protobuf fields that it needs.

The records are those of TFRecord: length (8 bytes), checksum (4), data, checksum (4). The fields are those of
`tensorboard/compat/proto/{event,summary,tensor}.proto`. Checksums are not
compared: a torn record is seen by its length.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ablate.text import listed
from ablate.trainers.measuring.takes import NoValueError, Point, unknown_in

EVENT_FILES = "*tfevents*"
"""The names of event files, as TensorBoard itself looks for them."""
LARGEST_RECORD = 256 * 2**20
"""Bytes of a record above which it is passed over unread: it holds an image or a graph, not a scalar."""
FLOAT, DOUBLE = 1, 2
"""The types of tensors that hold a scalar, by their numbers in `tensor_shape.proto`'s DataType."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The wire types of protobuf."""


class Scalar(NamedTuple):
    """One value of a tag."""

    tag: str
    step: int
    wall_time: float
    """Seconds since the epoch."""
    value: float


def scalars(path: Path) -> Iterator[Scalar]:
    """Yield the scalars of an event file in the order of its records, up to its end or to a torn record.

    NoValueError if it is no event file.
    """
    for number, record in enumerate(records(path)):
        try:
            yield from _of_event(record)
        except (ValueError, IndexError, struct.error):
            if not number:
                raise NoValueError(f"{path.name} is no event file of TensorBoard") from None
            return  # torn in the middle of a record that a crash of the machine left


def records(path: Path) -> Iterator[bytes]:
    """Yield the records of a file, up to its end or to a torn one; those of more than `LARGEST_RECORD` are left out."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while len(head := file.read(12)) == 12:
            (length,) = struct.unpack("<Q", head[:8])
            if file.tell() + length + 4 > size:
                return
            if length > LARGEST_RECORD:
                file.seek(length + 4, 1)
                continue
            yield file.read(length)
            file.seek(4, 1)


def _of_event(record: bytes) -> Iterator[Scalar]:
    """Yield the scalars of the message Event: 1 wall_time, 2 step, 5 summary."""
    wall_time, step, summaries = 0.0, 0, []
    for field, kind, value in fields(record):
        if (field, kind) == (1, FIXED64):
            (wall_time,) = struct.unpack("<d", value)
        elif (field, kind) == (2, VARINT):
            step = _signed(value)
        elif (field, kind) == (5, BYTES):
            summaries.append(value)
    for summary in summaries:
        for field, kind, value in fields(summary):
            if (field, kind) == (1, BYTES) and (scalar := _of_value(value)):
                yield Scalar(scalar[0], step, wall_time, scalar[1])


def _of_value(message: bytes) -> tuple[str, float] | None:
    """Return the tag and the number of the message Summary.Value; None if it is no scalar.

    1 tag, 2 simple_value, 8 tensor.
    """
    tag, number = "", None
    for field, kind, value in fields(message):
        if (field, kind) == (1, BYTES):
            tag = value.decode("utf-8", errors="replace")
        elif (field, kind) == (2, FIXED32):
            (number,) = struct.unpack("<f", value)
        elif (field, kind) == (8, BYTES):
            number = _of_tensor(value)
    return None if number is None else (tag, number)


def _of_tensor(message: bytes) -> float | None:
    """Return the number of the message TensorProto if it is one float or double: 1 dtype, 4 content, 5 and 6 values."""
    kind_of_number, packed = 0, b""
    for field, kind, value in fields(message):
        if (field, kind) == (1, VARINT):
            kind_of_number = int.from_bytes(value, "little")
        elif field in (4, 5, 6):
            packed = value
    form = {(FLOAT, 4): "<f", (DOUBLE, 8): "<d"}.get((kind_of_number, len(packed)))
    return None if form is None else float(struct.unpack(form, packed)[0])


def fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (number, wire type, content) of the fields of a protobuf message; a varint as 8 little-endian bytes.

    ValueError, IndexError or struct.error if it is no message.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        field, kind = key >> 3, key & 7
        if kind == VARINT:
            number, at = _varint(message, at)
            yield field, kind, (number % 2**64).to_bytes(8, "little")
            continue
        length = {FIXED64: 8, FIXED32: 4}.get(kind)
        if kind == BYTES:
            length, at = _varint(message, at)
        if length is None or at + length > end:
            raise ValueError(f"wire type {kind} at byte {at}")
        yield field, kind, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, and the position after it."""
    number, shift = 0, 0
    while True:
        byte = message[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def _signed(value: bytes) -> int:
    return int.from_bytes(value, "little", signed=True)


class EventFile(NamedTuple):
    """An event file of a training."""

    path: Path
    folder: str
    """The name of its folder in messages, in the folder of the training; `.` for that folder itself."""
    is_fresh: bool
    """True if this attempt wrote the file, False if an earlier one did."""


def event_points(files: Sequence[EventFile], tag: str) -> list[Point]:
    """Return the values of a tag in event files of this attempt and of earlier ones, merged by their steps.

    Of several values at a step the one that was written last counts, so an attempt that went on from a checkpoint
    completes the one before it. NoValueError if this attempt wrote no such tag, or wrote it in several folders: those
    may be different series of one name.
    """
    tags: set[str] = set()
    folders: set[str] = set()
    series: dict[str, dict[int, Scalar]] = {}
    for path, folder, is_fresh in files:
        for scalar in scalars(path):
            if is_fresh:
                tags.add(scalar.tag)
            if scalar.tag == tag:
                folders |= {folder} if is_fresh else set()
                _add(series.setdefault(folder, {}), scalar)
    if not folders:
        raise unknown_in("the event files", "tag", tag, sorted(tags))
    if len(folders) > 1:
        raise NoValueError(_of_several_folders(tag, sorted(folders)))
    return [Point(step, scalar.value) for step, scalar in sorted(series[folders.pop()].items())]


def _of_several_folders(tag: str, folders: Sequence[str]) -> str:
    return (
        f"the tag {tag} is in the event files of {listed(folders)}, which may be different series; name the folder, as "
        f"in `from: {folders[-1]}/events.out.tfevents.*:{tag}`"
    )


def _add(series: dict[int, Scalar], scalar: Scalar) -> None:
    if scalar.step not in series or series[scalar.step].wall_time <= scalar.wall_time:
        series[scalar.step] = scalar
