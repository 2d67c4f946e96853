"""Prints docs/config.md: every config field of the built-in trainers, read from their classes, and the presets.

    python tools/config_reference.py > docs/config.md

The tests compare the two, so a new field is in the reference or they fail.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from ablate.retrieval.config import presets
from ablate.retrieval.config.model import BACKBONES
from ablate.retrieval.data import DATASETS
from ablate.study.config_keys import flattened
from ablate.trainers.config import OutsideIdentity, Runtime, Section
from ablate.trainers.registry import TRAINERS

INTRO = """# Config keys

Written by `python tools/config_reference.py > docs/config.md` from the config classes of the trainers.

A study file sets these keys under `config:`, a factor names them in `sets:`, and `--set config.KEY=VALUE` sets one for
a run ([study files](study-files.md)). The keys of `runtime` stand at top level instead of under `config:`. A value of
another kind is a fault, and so are values that do not go together: `ablate plan` names them and the remedy. Numbers are
shown to six digits.

The column identity shows [what a key is part of](study-files.md#when-a-trial-is-the-same-trial). `training`: another
value is another training. `trial`: another value is another trial, and rows that differ only there share one training.
`outside`: of neither, unless a factor varies it.
"""
RUNTIME = """## runtime

How a trial is run, whatever the trainer. A study file has these keys at top level, as `runtime: {threads: 2}`, a factor
names them as `runtime.threads`, and `--set runtime.threads=2` sets one for a run. Older files have them under
`config:`, as `config: {runtime: {threads: 2}}`, which keeps working. They are recorded with each result.
"""
TRIAL_ONLY = "evaluate."

# Values that the classes check by a function, or that only loading the data can check.
NAMES = {
    "data.name": tuple(DATASETS),
    "model.backbone": ("a name below", "timm/NAME"),
    "loss.metric": ("triplet", "pml/NAME"),
}
NOTES = {
    "model": f"Backbones by name: {', '.join(f'`{name}`' for name in BACKBONES)}.",
}
HEAD = ("key", "accepted", "default", "identity", "meaning")
COUNTS = ("no", "one", "two", "three", "four")


def reference() -> str:
    """The whole page."""
    parts = [
        INTRO,
        RUNTIME,
        table(HEAD, [row(f"runtime.{name}", field) for name, field in Runtime.model_fields.items()]),
    ]
    for name, trainer in TRAINERS.items():
        parts.append(f"## {name}\n")
        parts += section(trainer.config)
    parts += [preset_part(name, trainer.presets) for name, trainer in TRAINERS.items() if trainer.presets]
    return "\n".join(parts)


def section(model: type[Section], prefix: str = "") -> Iterator[str]:
    """Yield the docstring of a class, a table of its fields, and the same of the classes inside it."""
    yield f"{inspect.getdoc(model)}\n"
    if issubclass(model, Runtime):
        yield "The keys of every trainer are [above](#runtime). This trainer adds:\n"
    fields = {name: field for name, field in model.model_fields.items() if not is_of_every_trainer(model, name)}
    rows = [row(prefix + name, field) for name, field in fields.items() if not is_section(field.annotation)]
    if rows:
        yield table(HEAD, rows)
    if prefix.rstrip(".") in NOTES:
        yield f"{NOTES[prefix.rstrip('.')]}\n"
    for name, field in fields.items():
        for inner in sections_in(field.annotation):
            several = get_origin(field.annotation) is tuple
            yield f"### {prefix}{name}{', each entry' if several else ''}\n"
            yield from section(inner, f"{prefix}{name}{'[]' if several else ''}.")


def is_of_every_trainer(model: type[Section], name: str) -> bool:
    """Return True for `runtime` without keys of the trainer, and for the keys that it has in every trainer."""
    return model.model_fields[name].annotation is Runtime or (
        issubclass(model, Runtime) and name in Runtime.model_fields
    )


def row(key: str, field: FieldInfo) -> tuple[str, ...]:
    """A field as the cells of its table."""
    values = either(NAMES[key]) if key in NAMES else accepted(field.annotation, field.metadata)
    identity = "outside" if OutsideIdentity in field.metadata else "training"
    if key.startswith(TRIAL_ONLY):
        identity = "trial"
    return f"`{key}`", values, f"`{written(field.default)}`", identity, str(field.description)


def accepted(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """The values that an annotation accepts, in plain words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return accepted(inner[0], inner[1:])
    if origin is Literal:
        return either(inner)
    if origin in (Union, UnionType):
        return either(accepted(each) for each in inner)
    if origin is tuple:
        count = "" if Ellipsis in inner else f"{COUNTS[len(inner)]} "
        return f"list of {count}{plural(accepted(inner[0]))}"
    if origin is dict:
        return "mapping" if inner[1] is Any else f"mapping to {plural(accepted(inner[1]))}"
    if is_section(annotation):
        return "mapping"
    if annotation in (int, float):
        return number("whole number" if annotation is int else "number", bounds(metadata))
    return {bool: "on or off", str: "text", NoneType: "null"}[annotation]


def number(noun: str, limits: Mapping[str, float]) -> str:
    """A number with its bounds."""
    low, high = (limits.get(name) for name in ("ge", "le"))
    if low is not None and "lt" in limits:
        return f"{noun} from {low:g} to below {limits['lt']:g}"
    if low is not None and high is not None:
        return f"{noun} from {low:g} to {high:g}"
    if low is not None:
        return f"{noun}, at least {low:g}"
    return f"{noun} > {limits['gt']:g}" if "gt" in limits else noun


def bounds(metadata: Iterable[Any]) -> dict[str, float]:
    """{ge: 0.0, ...} of what stands beside a type."""
    found: dict[str, float] = {}
    for entry in metadata:
        if isinstance(entry, FieldInfo):
            found |= bounds(entry.metadata)
        found |= {name: getattr(entry, name) for name in ("ge", "gt", "le", "lt") if hasattr(entry, name)}
    return found


def is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def sections_in(annotation: Any) -> list[type[Section]]:
    """The config classes that an annotation names."""
    if is_section(annotation):
        return [annotation]
    return [model for inner in get_args(annotation) for model in sections_in(inner)]


def either(words: Iterable[Any]) -> str:
    """a, b or c; with a comma before the `or` if a word has one itself."""
    *most, last = (str(word) for word in words)
    pause = "," if any("," in word for word in most) else ""
    return f"{', '.join(most)}{pause} or {last}" if most else last


def plural(words: str) -> str:
    """A whole number, at least 1 -> whole numbers, each at least 1."""
    return re.sub(r"number\b(, )?", lambda m: f"numbers{', each ' if m[1] else ''}", words).replace(
        "mapping", "mappings"
    )


def written(value: Any) -> str:
    """A value as a study file has it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(each) for each in value)}]"
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def preset_part(trainer: str, recipes: Mapping[str, Mapping[str, Any]]) -> str:
    """The presets of a trainer: what each is, where they differ, and what they share."""
    defaults, flat = flattened(TRAINERS[trainer].config().model_dump()), {n: flattened(p) for n, p in recipes.items()}
    keys = dict.fromkeys(key for each in flat.values() for key in each)
    about = said(presets)
    cells = {key: [f"`{written(each.get(key, defaults[key]))}`" for each in flat.values()] for key in keys}
    cells = {key: [*values, f"`{written(defaults[key])}`"] for key, values in cells.items()}
    shared = {key for key, values in cells.items() if len(set(values[:-1])) == 1}
    names = [f"`{name}`" for name in flat]
    return "\n".join(
        [
            f"## Presets of `{trainer}`\n",
            f"{inspect.getdoc(presets)}\n",
            "In a study file: `config: {preset: NAME}`, with other keys beside it.\n",
            *(f"- `{name}`: {about[name.upper()]}" for name in flat),
            "\nKeys that a preset does not name are at their default. Where the presets differ:\n",
            table(("key", *names, "default"), [(f"`{key}`", *cells[key]) for key in keys if key not in shared]),
            "What they share:\n",
            table(("key", " and ".join(names), "default"), [(f"`{k}`", *cells[k][-2:]) for k in keys if k in shared]),
        ]
    )


def said(module: ModuleType) -> dict[str, str]:
    """{NAME: the string below its assignment} of a module."""
    body = ast.parse(inspect.getsource(module)).body
    found = {}
    for statement, below in pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[ast.unparse(statement.target)] = " ".join(str(below.value.value).split())
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand below each other in the raw text too; the last one runs free."""
    lines = [[cell.replace("|", r"\|") for cell in line] for line in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head) - 1)]
    lines.insert(1, ["-" * width for width in widths] + ["---"])
    padded = [[*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded) + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(reference(), end="")
