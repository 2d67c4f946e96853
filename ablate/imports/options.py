"""The options of an import, as they are typed, as a request."""

from collections.abc import Sequence

from ablate.errors import AblateError
from ablate.imports.source import Request
from ablate.measurement import Direction


def request_of(
    *,
    factors: str = "",
    seed: str = "",
    metrics: Sequence[str] = (),
    where: Sequence[str] = (),
    examples: int | None = None,
    columns_are: str = "",
    names: str = "",
) -> Request:
    """Return the request of options; AblateError with every fault.

    `factors`: names with commas between them. `metrics`: each a name, or a name with `:higher` or `:lower`. `where`:
    each a column and its value, as `model=bert`.
    """
    faults: list[str] = []
    directions: dict[str, Direction] = {}
    named: list[str] = []
    for text in metrics:
        name, colon, better = text.rpartition(":")
        if colon and better in {direction.better for direction in Direction}:
            directions[name] = Direction.of_better(better)
        else:
            name = text
        named.append(name.strip())
    for text in where:
        if "=" not in text:
            faults.append(f"--where: found {text!r}; accepted: a column and its value, as model=bert")
    if examples is not None and examples < 1:
        faults.append(f"--examples: found {examples}; accepted: the number of test examples, from 1")
    if faults:
        raise AblateError("\n".join(faults))
    conditions = {column.strip(): value.strip() for column, _, value in (text.partition("=") for text in where)}
    listed = tuple(name.strip() for name in factors.split(",") if name.strip())
    return Request(listed, seed, tuple(dict.fromkeys(named)), directions, conditions, examples, columns_are, names)
