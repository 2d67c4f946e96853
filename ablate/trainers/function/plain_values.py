"""The value that a user's function returned, as plain numbers that a file can hold."""

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from ablate.measurement import TEST, VALIDATION, Result

MOST_VALUES = 10_000
"""The largest number of values of an array that is kept."""


def metric_values(returned: Any) -> dict[str, Any]:
    """Return {name: value} of a returned dict or Result. TypeError for anything else.

    Numbers of arrays and tensors become plain ones. What no file can hold becomes a text that names its type.
    """
    if isinstance(returned, Result):
        ordered = sorted(returned.measurements, key=lambda one: one.split == TEST)  # those of the test count
        return {one.metric: one.value for one in ordered if one.split in (TEST, VALIDATION)}
    if not isinstance(returned, Mapping):
        raise TypeError(
            f"the function returned {type(returned).__name__}; accepted: a dict, such as {{'accuracy': 0.93}}"
        )
    return {str(name): _plain(value) for name, value in returned.items()}


def result_examples(returned: Any) -> dict[str, dict[str, Any]]:
    """Return {metric: the fields of its `Examples`} of a returned Result; none of anything else."""
    measured = [one for one in returned.measurements if one.split == TEST] if isinstance(returned, Result) else []
    return {
        one.metric: {
            "values": [float(value) for value in one.examples],
            "ids": None if one.ids is None else list(one.ids),
            "clusters": None if one.clusters is None else [str(each) for each in one.clusters],
        }
        for one in measured
        if one.examples is not None
    }


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
