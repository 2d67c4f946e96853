"""The value that a user's function returned, as plain numbers that a file can hold."""

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from ablate.measurement import TEST, Result

MOST_VALUES = 10_000
"""The largest number of values of an array that is kept."""


def metric_values(returned: Any) -> dict[str, Any]:
    """Return {name: value} of a returned dict or Result. TypeError for anything else.

    Numbers of arrays and tensors become plain ones. What no file can hold becomes a text that names its type.
    """
    if isinstance(returned, Result):
        return {one.metric: one.value for one in returned.measurements if one.split == TEST}
    if not isinstance(returned, Mapping):
        raise TypeError(
            f"the function returned {type(returned).__name__}; accepted: a dict, such as {{'accuracy': 0.93}}"
        )
    return {str(name): _plain(value) for name, value in returned.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(inner) for inner in value[:MOST_VALUES]]
    try:
        return _number_or_list(value)
    except (AttributeError, TypeError, ValueError, RuntimeError):  # RuntimeError: of tensors of some kinds
        return f"a value of the type {type(value).__name__}"


def _number_or_list(value: Any) -> Any:
    """Return the number of a scalar of any library, or the list of an array's values."""
    if isinstance(value, Real):
        return float(value)
    size = getattr(value, "numel", lambda: value.size)()
    plain = value.item() if size == 1 else value.tolist() if size <= MOST_VALUES else f"an array of {size} values"
    json.dumps(plain)
    return plain
