"""The options of an import, as they are typed, as a request."""

from collections.abc import Sequence

from ablate.errors import AblateError
from ablate.imports.source import Request
from ablate.measurement import Direction
from ablate.trainers.measuring.regexes import compiled


def request_of(
    *,
    factors: str = "",
    seed: str = "",
    metrics: Sequence[str] = (),
    where: Sequence[str] = (),
    examples: int | None = None,
    seeds: int | None = None,
    columns_are: str = "",
    names: str = "",
    patterns: Sequence[str] = (),
) -> Request:
    """Return the request of options; AblateError with every fault.

    `factors`: names with commas between them. `metrics`: each a name, or a name with `:higher` or `:lower`. `where`:
    each a column and its value, as `model=bert`. `patterns`: each a metric and the regular expression that finds its
    values in text logs, as `acc=val acc: ([0-9.]+)`.
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
    regexes, of_patterns = _patterns(patterns)
    faults += of_patterns
    if seeds is not None and seeds < 1:
        faults.append(f"--seeds: found {seeds}; accepted: the number of seeds that each mean is of, from 1")
    if faults:
        raise AblateError("\n".join(faults))
    conditions = {column.strip(): value.strip() for column, _, value in (text.partition("=") for text in where)}
    listed = tuple(name.strip() for name in factors.split(",") if name.strip())
    return Request(
        factors=listed,
        seed=seed,
        metrics=tuple(dict.fromkeys(named)),
        directions=directions,
        where=conditions,
        examples=examples,
        seeds=seeds,
        columns_are=columns_are,
        names=names,
        patterns=regexes,
    )


def _patterns(texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return {metric: regular expression} of options, and the faults of those that cannot be used."""
    patterns: dict[str, str] = {}
    faults: list[str] = []
    for text in texts:
        name, equals, regex = text.partition("=")
        try:
            if not equals or not name.strip():
                raise ValueError("accepted: a metric and a regular expression, as 'acc=val acc: ([-+.0-9eE]+)'")
            compiled(regex)
        except ValueError as error:
            faults.append(f"--pattern: found {text!r}: {error}")
        patterns[name.strip()] = regex
    return patterns, faults
