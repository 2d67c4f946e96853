"""Event files of TensorBoard, written by hand: records of TFRecord, and the few protobuf messages that they need.

The messages are those of `tensorboard/compat/proto/{event,summary,tensor}.proto` and of
`tensorboard/plugins/hparams/plugin_data.proto`; the numbers below are those of their fields.
"""

import struct
from collections.abc import Iterable, Mapping
from math import copysign, inf, isfinite

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Protobuf's wire types."""
FLOAT = 1
"""The type of a tensor, by its number in `types.proto`."""
LARGEST = (2 - 2**-24) * 2.0**127
"""The smallest number that rounds to infinity in 32 bits."""
POLYNOMIAL = 0x82F63B78
"""The reflected polynomial of the checksum CRC-32C (Castagnoli): RFC 3720, appendix B.4."""


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


TABLE = _table()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of some bytes."""
    value = 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """Return a record: length, its checksum, data, its checksum."""
    length = struct.pack("<Q", len(data))
    return length + _checksum(length) + data + _checksum(data)


def _checksum(data: bytes) -> bytes:
    """Return the checksum as TFRecord masks it: rotated by 15 bits, plus a constant."""
    value = crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def event(seconds: float, *, version: str = "", summary: bytes = b"") -> bytes:
    """Return the message Event at step 0: its time in seconds since the epoch, and a version or a summary."""
    content = text_field(3, version) if version else field(5, summary)
    return number_field(1, seconds) + content


def scalar(tag: str, value: float) -> bytes:
    """Return the message Summary with one scalar: 1 value {1 tag, 2 simple_value}, which has 32 bits.

    TensorBoard would show tensors of 64 bits only with `--load_fast=false`.
    """
    return field(1, text_field(1, tag) + _key(2, FIXED32) + struct.pack("<f", _of_32_bits(value)))


def _of_32_bits(value: float) -> float:
    """Return a value as 32 bits can hold it: one that is too large is infinite."""
    return value if not isfinite(value) or abs(value) < LARGEST else copysign(inf, value)


def hyperparameters(values: Mapping[str, str | float], name: str, started: float) -> bytes:
    """Return the message Summary that opens a run of the plugin HParams: 1 hparams, 4 group_name, 5 start_time_secs."""
    entries = b"".join(field(1, text_field(1, key) + field(2, _value(value))) for key, value in values.items())
    start = entries + text_field(4, name) + number_field(5, started)
    return _of_hparams("session_start_info", field(3, start))


def end_of_run(ended: float, has_succeeded: bool) -> bytes:
    """Return the message Summary that closes a run of the plugin HParams: 1 status, 2 end_time_secs."""
    return _of_hparams("session_end_info", field(4, whole_field(1, 1 if has_succeeded else 2) + number_field(2, ended)))


def _of_hparams(tag: str, content: bytes) -> bytes:
    """Return a Summary with data of the plugin and, as it requires, an empty tensor.

    1 value {1 tag, 8 tensor {1 dtype, 2 shape}, 9 metadata {1 plugin_data {1 plugin_name, 2 content}}}.
    """
    empty = whole_field(1, FLOAT) + field(2, field(2, b""))
    metadata = field(1, text_field(1, "hparams") + field(2, content))
    return field(1, text_field(1, f"_hparams_/{tag}") + field(8, empty) + field(9, metadata))


def _value(value: str | float) -> bytes:
    """Return the message Value of `struct.proto`: 2 number_value, 3 string_value."""
    return text_field(3, value) if isinstance(value, str) else number_field(2, value)


def field(number: int, content: bytes) -> bytes:
    return _key(number, BYTES) + _varint(len(content)) + content


def text_field(number: int, text: str) -> bytes:
    return field(number, text.encode("utf-8", "backslashreplace"))


def number_field(number: int, value: float) -> bytes:
    return _key(number, FIXED64) + struct.pack("<d", value)


def whole_field(number: int, value: int) -> bytes:
    return _key(number, VARINT) + _varint(value)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    """Return a number of 7 bits a byte, the lowest first."""
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])


def records(messages: Iterable[bytes]) -> bytes:
    """Return an event file with these messages."""
    return b"".join(map(record, messages))
