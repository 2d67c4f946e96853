"""Collects the faults of a study file: each with its place, path, value, and the values that are accepted."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ablate.errors import StudyError, unknown_name
from ablate.study.reading.mistakes.value_advice import advised, suggested
from ablate.study.reading.nodes import Node, SourcePlace, yaml_text
from ablate.text import written
from ablate.trainers.config import ConfigClash

Path = tuple[Any, ...]

SET = "--set"
"""The place of values that were given by that option."""

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "on or off",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
    "finite_number": "a finite number",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "small letters, digits and dashes, like baseline-log",
    "string_too_short": "text",
    "too_short": "at least {min_length} entries",
    "too_long": "at most {max_length} entries",
}

_WRONG_LENGTH = ("tuple_type", "missing", "too_long")
"""Pydantic's errors of a value that should be a list of a fixed length."""

EXAMPLES = {
    "study": "`study: NAME`, with small letters, digits and dashes",
    "design": "the rows to run, like `design: [add_one: {from: {}}]`",
}
"""{key that a study file must have: how it is written}."""
ENTRIES: dict[Path, str] = {
    ("factors",): "{sets: KEY, levels: [...]}",
    ("metrics",): "{better: higher} or {better: lower}",
    ("search", "space"): "{low: ..., high: ...} or {choices: [...]}",
}
"""{section: how its entries are written}."""


class Problems:
    """All faults of one study file, in the order of its lines."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._faults: dict[tuple[str, int, str], None] = {}

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, path: Path, message: str, place: SourcePlace | None = None) -> None:
        """Record a fault at the value of `path`, or at its nearest parent that is in the file."""
        place = place or self._place(path)
        is_named = not path or place.source == f"--{dotted(path)}"  # `--seeds` names the key `seeds`
        prefix = f"{place}: " if is_named else f"{place}: {dotted(path)}: "
        self._faults[(place.source, place.line or 0, prefix + message)] = None

    def expected(self, path: Path, value: Any, accepted: str) -> None:
        """Record a value that is not accepted, with the values that are, and with advice."""
        if accepted == "a mapping" and (entry := ENTRIES.get(path[:-1])):
            accepted = f"a mapping like {entry}"
        suggestion = suggested(value, accepted)
        advice = None if suggestion else advised(value, accepted, str(path[-1]) if path else "")
        meant = f" did you mean {suggestion}?" if suggestion else ""
        self.add(path, f"found {yaml_text(value)};{meant} accepted: {accepted}" + (f" ({advice})" if advice else ""))

    def unknown(
        self,
        path: Path,
        kind: str,
        name: Any,
        known: Iterable[Any],
        elsewhere: Iterable[str] = (),
        meant: str | None = None,
    ) -> None:
        """Record a name that is none of the known ones. The message suggests the nearest and lists the known ones.

        `elsewhere`: names that are right at another place. `meant`: the name to suggest, if it is sure. A key of
        `--set` is shown whole, so that the suggestion can be typed as it stands.
        """
        names, place = [written(k) for k in known], self._key_place(path)
        if kind == "key" and place.source == SET:
            return self._unknown_setting(path, names, elsewhere)
        if kind == "key" and isinstance(name, str) and (section := _section(name, elsewhere)):
            return self.add(path, f"unknown key {name!r}; a key stands in its section: `{section}`", place)
        shown = None if isinstance(name, str) else yaml_text(name)
        self.add(path, unknown_name(kind, name, names, elsewhere, meant, shown=shown), place)
        return None

    def _unknown_setting(self, path: Path, known: Sequence[str], elsewhere: Iterable[str]) -> None:
        parent = dotted(path[:-1])
        node, written = self.root.at(path), list(path)
        while node is not None and isinstance(node.value, dict) and len(node.value) == 1:
            (key,) = node.value
            if node.keys[key].source != SET:
                break
            written, node = [*written, key], node.value[key]
        keys = [f"{parent}.{key}" if parent else key for key in known]
        others = [key if key.startswith("runtime.") or path[0] != "config" else f"config.{key}" for key in elsewhere]
        self.add((), unknown_name("key", dotted(tuple(written)), keys, others), SourcePlace(SET))

    def invalid(
        self,
        error: ValidationError,
        model: type[BaseModel],
        prefix: Path = (),
        only: Path | None = None,
        cut: int = 0,
        elsewhere: Sequence[str] = (),
        without: Collection[str] = (),
    ) -> None:
        """Record the faults that pydantic found, in the words of this program.

        `prefix`: the place in the file of pydantic's input. `only`: record the faults of this location alone.
        `cut`: the number of the location's first keys that the prefix stands for. `elsewhere`: names that a
        message about an unknown key may suggest as well. `without`: keys whose values other parts check.
        """
        accepted: dict[Path, tuple[Any, list[str]]] = {}
        for detail in error.errors():
            if (only is not None and tuple(detail["loc"]) != only) or detail["loc"][:1] in [(key,) for key in without]:
                continue
            path, known = self._located(prefix, detail["loc"][cut:])
            if detail["type"] == "clash":
                self._clashes(detail["ctx"]["clashes"], path)
            elif detail["type"] == "extra_forbidden":
                known_there = fields_at(model, detail["loc"][:-1])
                self.unknown(path, "key", detail["loc"][-1], known_there, elsewhere)
            elif detail["type"] == "missing" and known:
                self.add(path, missing(str(detail["loc"][-1]), is_top=not prefix and len(detail["loc"]) == 1))
            else:
                texts = accepted.setdefault(path, (detail["input"], []))[1]
                fixed = _fixed_list(model, detail["loc"]) if detail["type"] in _WRONG_LENGTH else None
                texts.append(fixed or _accepted(detail))
                if _takes_null(model, detail["loc"]):
                    texts.append("null")
        for path, (value, texts) in accepted.items():
            value = list(value) if isinstance(value, tuple) else value
            self.expected(path, value, " or ".join(sorted(dict.fromkeys(texts), key="null".__eq__)))

    def _clashes(self, clashes: Iterable[ConfigClash], path: Path) -> None:
        """Record each clash at the first of its keys that is in the file."""
        for clash in clashes:
            keys = [(*(() if key.startswith("runtime.") else path), *key.split(".")) for key in clash.keys]
            self.add(next((key for key in keys if self.root.at(key)), path), clash.message)

    def check(self) -> None:
        """Raise StudyError if there is any fault."""
        if self._faults:
            raise StudyError(self.faults())

    def faults(self) -> list[str]:
        """Return the faults as messages, in the order of the file's lines."""
        return [text for _, _, text in sorted(self._faults, key=lambda fault: fault[:2])]

    def _located(self, prefix: Path, loc: Path) -> tuple[Path, bool]:
        """Return the part of pydantic's location that is in the file, and True if its value is a mapping.

        Union members and field checks are part of a location, but name no node.
        """
        node, path = self.root.at(prefix) or Node(None, self.root.place), prefix
        for key in loc:
            inner = node.child(key)
            if inner is None:
                break
            node, path = inner, (*path, key)
        return path, isinstance(node.value, dict) or not loc

    def _place(self, path: Path) -> SourcePlace:
        node = self.root
        for key in path:
            inner = node.child(key)
            if inner is None:
                return node.place
            node = inner
        return node.place

    def _key_place(self, path: Path) -> SourcePlace:
        if not path:
            return self.root.place
        parent = self.root
        for key in path[:-1]:
            parent = parent.child(key) or parent
        return parent.keys.get(path[-1], self._place(path))


def missing(key: str, is_top: bool = True) -> str:
    """Return the message for a key that must be there. `is_top`: the key is one of the whole file."""
    example = EXAMPLES.get(key) if is_top else None
    return f"{key!r} is missing" + (f"; write {example}" if example else "")


def fields_at(model: type[BaseModel], loc: Path) -> list[str]:
    """Return the keys that a config class accepts at a location."""
    for key in loc:
        field = model.model_fields.get(str(key))
        inner = models_in(field.annotation) if field else []
        if not inner:
            continue  # a list index or a union member's tag
        model = inner[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _takes_null(model: type[BaseModel], loc: Path) -> bool:
    """Return True if a config class takes null at a location. Pydantic's errors leave that out."""
    for at, key in enumerate(loc):
        field = model.model_fields.get(str(key))
        if field is None:
            return False
        if at == len(loc) - 1:
            return type(None) in get_args(field.annotation)
        inner = models_in(field.annotation)
        if not inner:
            return False
        model = inner[0]
    return False


def _fixed_list(model: type[BaseModel], loc: Path) -> str | None:
    """Return the words for the list that a config class accepts at a location; None if it has no fixed length."""
    field = None
    for key in loc:
        if inner := model.model_fields.get(str(key)):
            field, model = inner, next(iter(models_in(inner.annotation)), model)
    for each in (field.annotation, *get_args(field.annotation)) if field else ():
        if get_origin(each) is tuple and Ellipsis not in get_args(each):
            example = f", like {yaml_text(list(field.default))}" if field and isinstance(field.default, tuple) else ""
            return f"a list of {len(get_args(each))} values{example}"
    return None


def _section(name: str, elsewhere: Iterable[str]) -> str | None:
    """Return how a key that was written with dots is written in its section: `loss: {margin: ...}`."""
    known = set(elsewhere)
    for key in (name, f"config.{name}") if "." in name else ():
        if key in known:
            *sections, last = key.split(".")
            return "".join(f"{section}: {{" for section in sections) + f"{last}: ..." + "}" * len(sections)
    return None


def dotted(path: Path) -> str:
    """Return a path as messages print it: factors.margin.levels, design[0].rows."""
    text = ""
    for key in path:
        text += (
            f"[{key}]" if isinstance(key, int) and not isinstance(key, bool) else f".{yaml_text(key).strip(chr(39))}"
        )
    return text.lstrip(".")


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the config classes in an annotation: [RandomErasing] for RandomErasing | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in models_in(inner)]


def _accepted(detail: ErrorDetails) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    context = detail.get("ctx", {})
    if detail["type"] == "too_short" and context["min_length"] == 1:
        return "at least one entry"
    template = _EXPECTED.get(detail["type"], detail["msg"])
    return template.format(**{k: written(value) if isinstance(value, float) else value for k, value in context.items()})
