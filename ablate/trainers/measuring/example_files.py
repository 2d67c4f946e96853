"""The outcome of each example of a test, read from a CSV file with the columns `id`, `value` and, if any, `cluster`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import fsum, isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.trainers.measuring.csv_values import rows_of
from ablate.trainers.measuring.takes import NoValueError, number_of_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = ("id", "value", "cluster")
SLACK = 1e-6
"""Part of a value by which it may differ from the mean of its examples: float32 has seven digits."""
MOST_ROUNDED = 0.005
"""The largest difference that rounding explains, as a part of the value: a value with fewer digits proves nothing."""


@dataclass(frozen=True)
class Examples:
    """The outcomes of the examples of one test."""

    ids: tuple[str, ...] | None
    """None if the position of an example is its name."""
    values: tuple[float, ...]
    clusters: tuple[str, ...] | None
    """The name of the cluster of each example; None if there are none."""

    @property
    def mean(self) -> float:
        """The mean over the examples."""
        return fsum(self.values) / len(self.values)

    def array(self) -> "NDArray[np.bool_] | NDArray[np.float32]":
        """Return the values, shape (n,): as bool if all are 0 or 1, otherwise as float32."""
        import numpy as np

        is_binary = set(self.values) <= {0.0, 1.0}
        return np.array(self.values, dtype=np.bool_) if is_binary else np.array(self.values, dtype=np.float32)

    def cluster_numbers(self) -> "NDArray[np.int64] | None":
        """Return a number from 0 for each example, shape (n,): equal for examples of one cluster."""
        if self.clusters is None:
            return None
        import numpy as np

        numbers = {name: number for number, name in enumerate(sorted(set(self.clusters)))}
        return np.array([numbers[name] for name in self.clusters], dtype=np.int64)


OF_RATES = 'examples of a metric with the unit "%" are from 0 to 1'


class NotFiniteError(NoValueError):
    """An example with a value that is not finite. `text` is the value as it is written."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"an example is {text}")


def read_examples(path: Path, name: str, is_rate: bool) -> Examples:
    """Return the examples of a file. `is_rate`: values must be in [0, 1].

    NoValueError with the line of the first fault; NotFiniteError if some value is not finite and nothing else is wrong.
    """
    rows = rows_of(path, name)
    header = [cell.lower() for cell in next(rows, (0, []))[1]]
    _check_header(header, name)
    lines: dict[str, int] = {}
    values: list[float] = []
    clusters: list[str] = []
    not_finite = ""
    for line, cells in rows:
        row = _row(cells, header, f"line {line} of {name}")
        if row["id"] in lines:
            raise NoValueError(f"line {line} of {name} has the id {row['id']!r}, which line {lines[row['id']]} has too")
        value = _value(row["value"], f"line {line} of {name}", is_rate)
        not_finite = not_finite if isfinite(value) or not_finite else row["value"]
        lines[row["id"]] = line
        values.append(value)
        clusters.append(row.get("cluster", ""))
    if not values:
        raise NoValueError(f"{name} has a header and no examples")
    if not_finite:
        raise NotFiniteError(not_finite)
    return Examples(tuple(lines), tuple(values), tuple(clusters) if "cluster" in header else None)


def check_values(examples: Examples, is_rate: bool) -> None:
    """Raise NoValueError for outcomes that a metric cannot have, NotFiniteError if one is not finite."""
    if wrong := next((value for value in examples.values if is_rate and isfinite(value) and not 0 <= value <= 1), None):
        raise NoValueError(f"an example has the value {wrong:g}, but {OF_RATES}")
    if special := next((value for value in examples.values if not isfinite(value)), None):
        raise NotFiniteError(str(special))


def _check_header(header: Sequence[str], name: str) -> None:
    accepted = "its first line must be `id,value` or `id,value,cluster`"
    if not header:
        raise NoValueError(f"{name} is empty; {accepted}")
    if sorted(header) not in (["id", "value"], ["cluster", "id", "value"]):
        raise NoValueError(f"the first line of {name} is `{','.join(header)[:60]}`; {accepted}")


def _row(cells: Sequence[str], header: Sequence[str], place: str) -> Mapping[str, str]:
    if len(cells) != len(header):
        raise NoValueError(f"{place} has {len(cells)} of {len(header)} columns; it may be cut off")
    row = dict(zip(header, cells, strict=True))
    if empty := [column for column in header if not row[column]]:
        raise NoValueError(f"{place} has no {empty[0]}")
    return row


def _value(text: str, place: str, is_rate: bool) -> float:
    try:
        value = {"true": 1.0, "false": 0.0}.get(text.lower())
        value = number_of_text(text) if value is None else value
    except NoValueError:
        raise NoValueError(f"{place} has the value {text!r}, not a number") from None
    if is_rate and isfinite(value) and not 0 <= value <= 1:
        raise NoValueError(f"{place} has the value {text}, but {OF_RATES}")
    return value


def agree(text: str, value: float, mean: float) -> bool:
    """Return True if a value and the mean of its examples differ by rounding only.

    `text`: the value as it is written, of which the digits count: 0.931 is any number from 0.9305 to 0.9315. A
    difference of more than MOST_ROUNDED is no rounding, even if the text has few digits.
    """
    scale = max(abs(value), abs(mean))
    rounded = min(_half_a_digit(text), MOST_ROUNDED * max(scale, 1.0))
    return abs(value - mean) <= max(rounded, SLACK * scale) * (1 + SLACK)


def _half_a_digit(text: str) -> float:
    """Return half a unit of the last digit of a number, as it is written; in percent, of the share."""
    plain = text.strip().rstrip(".,;")
    try:
        exponent = Decimal(plain.removesuffix("%").strip()).as_tuple().exponent
    except InvalidOperation:
        return 0.0
    half = 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0
    return half / 100 if plain.endswith("%") else half
