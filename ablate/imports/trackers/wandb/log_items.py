"""The values in the records of a W&B log: names and JSON, of which only the last of each name is decoded.

A log can hold millions of values. The bytes of a name show which values are earlier ones of that name. These are
skipped, which costs a tenth of decoding all.
"""

import json
from collections.abc import Iterator
from typing import Any

from ablate.trainers.measuring.tensorboard_events import BYTES, fields

Values = dict[bytes, bytes]
"""{name as it is written, in the form of nested keys: the whole message ConfigItem, HistoryItem or SummaryItem}."""
KEY, NESTED_KEY, VALUE_JSON = 1, 2, 16
"""The fields of an item."""
UPDATE, REMOVE = 1, 2
"""The fields of the messages ConfigRecord and SummaryRecord; the items of HistoryRecord are in field 1 as well."""
_KEY_TAG, _NESTED_TAG = 10, 18
"""The bytes before a key and a nested key."""


def add_items(values: Values, record: bytes, objects: Values | None = None) -> None:
    """Set the values of a record; those that are objects in `objects`, if it is given.

    ValueError or IndexError if the record is no message.
    """
    for item in _messages(record, UPDATE):
        is_object = item.endswith(b"}")  # the value is the last field of an item, and a text ends with a quote
        (values if objects is None or not is_object else objects)[_name(item)] = item


def remove_items(values: Values, record: bytes) -> None:
    """Remove the values that a message ConfigRecord or SummaryRecord removes, and those nested in them."""
    for removed in [_decoded(item)[0] for item in _messages(record, REMOVE)]:
        for name in [name for name, item in values.items() if _decoded(item)[0][: len(removed)] == removed]:
            del values[name]


def plain(values: Values) -> dict[str, Any]:
    """Return values under dotted names; None for those that are no JSON."""
    return {".".join(keys): value for keys, value in map(_decoded, values.values())}


def _messages(record: bytes, number: int) -> Iterator[bytes]:
    """Yield the messages in one field. Short ones are read at once, and all after a long one field by field."""
    tag, at = number << 3 | BYTES, 0
    while at < len(record):
        first, size = record[at], record[at + 1]
        if first & 0x87 != BYTES or size > 127:
            yield from (value for each, wire, value in fields(record[at:]) if (each, wire) == (number, BYTES))
            return
        at += 2 + size
        if at > len(record):
            raise ValueError(f"a message of {size} bytes ends after the record")
        if first == tag:
            yield record[at - size : at]


def _name(item: bytes) -> bytes:
    """Return the bytes of the keys of an item. One key and one nested key are the same name."""
    at = 0
    while at < len(item) and item[at] in (_KEY_TAG, _NESTED_TAG):
        size = item[at + 1]
        at += 2 + size if size < 128 else 3 + (size & 127 | item[at + 2] << 7)
    return b"\x12" + item[1:at]


def _decoded(item: bytes) -> tuple[tuple[str, ...], Any]:
    """Return the keys and the value of an item."""
    keys: list[str] = []
    value = b"null"
    for number, wire, part in fields(item):
        if wire == BYTES and number in (KEY, NESTED_KEY):
            keys.append(part.decode("utf-8", errors="replace"))
        elif wire == BYTES and number == VALUE_JSON:
            value = part
    try:
        return tuple(keys), json.loads(value)
    except (ValueError, RecursionError):
        return tuple(keys), None
