"""Misspelt keys of a study file, and parts of another shape. Each is one fault, and is read as it was meant.

So a misspelt `factors:` is not one more fault for every factor that the design names.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from ablate.errors import nearest, unknown_name
from ablate.study.reading.config_checks import keys_elsewhere
from ablate.study.reading.nodes import Node, SourcePlace, scalar, yaml_text
from ablate.study.reading.problems import Path
from ablate.study.reading.schema import KINDS, StudyEntry
from ablate.trainers.registry import DEFAULT, TRAINERS

OTHER_WORDS = {
    "study": ("name", "title", "experiment", "id"),
    "question": ("description", "comment", "hypothesis"),
    "primary": ("metric", "target", "objective"),
    "metrics": ("measures", "scores"),
    "better": ("direction", "goal", "mode"),
    "factors": ("parameters", "variables", "switches", "ablate", "ablations"),
    "seeds": ("runs", "repeats", "repetitions", "n_seeds", "num_seeds"),
    "config": ("settings", "defaults", "base", "params"),
    "levels": ("values", "options", "choices"),
    "sets": ("key", "path", "param", "parameter", "config", "field"),
    "low": ("min", "minimum", "from", "start"),
    "high": ("max", "maximum", "to", "stop", "end"),
    "choices": ("values", "options", "levels"),
    "from": ("start", "base", "baseline", "row"),
    "add": ("rungs", "steps", "factors"),
    "if": ("when", "condition"),
    "then": ("needs", "requires"),
}
"""{key: words that people write for it}. A word counts only while the key itself is missing."""

SURE = 0.75
"""The likeness of a misspelt key to a key that is missing, from which on it is read as that key."""


@dataclass(frozen=True)
class MeantOtherwise:
    """A part of a study file that was read as it was meant, not as it stands there."""

    path: Path
    """The path as the file writes it."""
    place: SourcePlace
    message: str


def corrected(root: Node) -> tuple[Node, list[MeantOtherwise]]:
    """Return the tree of a file with its misspelt keys and other shapes put right, and the fault of each.

    Only a key whose right form is missing is put right. All others are faults of the file's shape.
    """
    corrector = _Corrector(root)
    return corrector.tree(root), corrector.found


class _Corrector:
    """Puts the parts of one file right, and collects their faults."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.found: list[MeantOtherwise] = []
        self.elsewhere: frozenset[str] = frozenset()
        self.tree_factors: list[Any] = []

    def tree(self, root: Node) -> Node:
        if not isinstance(root.value, dict):
            return root
        name = next((root.value[key].value for key in root.value if _is_like(key, "trainer")), DEFAULT)
        model = TRAINERS[name].config if isinstance(name, str) and name in TRAINERS else None
        self.elsewhere = frozenset(key.removeprefix("config.") for key in keys_elsewhere(name))
        tree = self._layer(root, (), model)
        factors = tree.child("factors")
        self.tree_factors = [*factors.value] if factors and isinstance(factors.value, dict) else []
        profiles = tree.child("profiles")
        if profiles and isinstance(profiles.value, dict):
            layers = {}
            for name, layer in profiles.value.items():
                path = ("profiles", name)
                layers[name] = self._profile_factors(self._layer(layer, path, model), path)
            tree = _with(tree, {"profiles": Node(layers, profiles.place, profiles.keys)})
        return tree

    def _layer(self, layer: Node, path: Path, model: type[BaseModel] | None) -> Node:
        """Return the whole file or a profile with its keys put right, those of its `config` included."""
        if not isinstance(layer.value, dict):
            return layer
        layer = self._reshaped(self._part(layer, StudyEntry, path), path)
        config = layer.child("config")
        return _with(layer, {"config": self._part(config, model, (*path, "config"))} if config and model else {})

    def _part(self, node: Node, annotation: Any, path: Path) -> Node:
        """Return a value of an annotated type with its misspelt keys put right, at every depth."""
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._part(node, inner[0], path)
        if origin in (Union, UnionType):
            for member in inner:
                node = self._part(node, member, path)
        elif isinstance(node.value, dict):
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                return self._entry(node, annotation, path)
            if origin in (dict, Mapping):
                if isinstance(inner[1], type) and issubclass(inner[1], BaseModel):
                    node = self._indented_entries(node, set(_fields(inner[1])), path)
                children = {k: self._part(child, inner[1], (*path, node.name(k))) for k, child in node.value.items()}
                return Node(children, node.place, node.keys)
        elif isinstance(node.value, list) and origin in (list, tuple) and inner:
            return Node([self._part(child, inner[0], (*path, i)) for i, child in enumerate(node.value)], node.place)
        return node

    def _entry(self, node: Node, model: type[BaseModel], path: Path) -> Node:
        """Return a mapping with the keys of a class put right."""
        annotations = _fields(model)
        for put_right in (self._respaced, self._bracketed, self._indented):
            node = put_right(node, annotations, path)
        value: dict[Any, Node] = {}
        keys: dict[Any, SourcePlace] = {}
        for key, child in node.value.items():
            missing = [name for name in annotations if name not in node.value and name not in value]
            right = self._meant(key, missing, model) if isinstance(key, str) and key not in annotations else key
            if right != key:
                self._note((*path, key), node.keys[key], unknown_name("key", key, annotations, meant=right))
            value[right], keys[right] = child, node.keys[key]
            if right in annotations:
                value[right] = self._part(child, annotations[right], (*path, right))
        return Node(value, node.place, keys)

    def _bracketed(self, node: Node, annotations: Mapping[str, Any], path: Path) -> Node:
        """Return `{levels: 0.3, 0.2}` as `{levels: [0.3, 0.2]}`: YAML reads the second value as a key without value."""
        value: dict[Any, Node] = {}
        several: dict[str, list[Node]] = {}
        before: Any = None
        for key, child in node.value.items():
            if (
                before in annotations
                and key not in annotations
                and child.value is None
                and _takes_list(annotations[before])
            ):
                several.setdefault(before, [value[before]]).append(Node(node.name(key), node.keys[key]))
            else:
                value[key], before = child, key
        if "levels" in annotations and (levels := value.get("levels")) is not None and _is_set(levels):
            several["levels"] = [Node(levels.name(key), levels.keys[key]) for key in levels.value]
        for key, items in several.items():
            value[key] = Node([_without_parenthesis(item) for item in items], items[0].place)
            message = f"several values stand in brackets: {yaml_text(value[key].plain())}"
            self._note((*path, key), node.keys[key], message)
        return Node(value, node.place, node.keys)

    def _respaced(self, node: Node, annotations: Mapping[str, Any], path: Path) -> Node:
        """Return `{sets:loss.margin}` as `{sets: loss.margin}`: without the space, YAML reads one key without value."""
        value, keys = {}, dict(node.keys)
        for key, child in node.value.items():
            right, colon, rest = key.partition(":") if isinstance(key, str) else ("", "", "")
            if (
                colon
                and child.value is None
                and right in annotations
                and right not in node.value
                and key not in annotations
            ):
                self._note((*path, right), node.keys[key], f"write a space after the colon: `{right}: {rest}`")
                value[right], keys[right] = Node(scalar(rest), node.keys[key]), node.keys[key]
            else:
                value[key] = child
        return Node(value, node.place, keys)

    def _indented(self, node: Node, annotations: Mapping[str, Any], path: Path) -> Node:
        """Return a mapping in which unknown keys below a key without value are the value of that key."""
        value: dict[Any, Node] = {}
        into: str | None = None
        for key, child in node.value.items():
            if into is not None and self._belongs(key, into, annotations, path):
                if value[into].value is None:
                    message = f"the lines below belong to {into!r}: indent them further than `{into}:`"
                    self._note((*path, into), node.keys[into], message)
                    value[into] = Node({}, node.keys[into])
                value[into].value[key], value[into].keys[key] = child, node.keys[key]
                continue
            value[key] = child
            is_empty = key in annotations and child.value is None and _takes_mapping(annotations[key])
            into = key if is_empty else None if key in annotations else into
        return Node(value, node.place, node.keys)

    def _belongs(self, key: Any, into: str, annotations: Mapping[str, Any], path: Path) -> bool:
        """Return True if a key may be one of those below the key `into`, which has no value."""
        if key in _fields_of(annotations[into]) and (key not in annotations or "rows" in annotations):
            return True  # the `from` of a design, where one of a grid could stand as well
        is_known = isinstance(key, str) and nearest(key, annotations, cutoff=SURE) is not None
        return (key in self.elsewhere) if into == "config" and not path else not is_known

    def _indented_entries(self, node: Node, fields: Set[str], path: Path) -> Node:
        """Return a mapping of entries in which the fields below an entry without value are those of that entry."""
        value: dict[Any, Node] = {}
        into: Any = None
        for key, child in node.value.items():
            if into is not None and key in fields and not isinstance(child.value, dict):
                if value[into].value is None:
                    message = f"the lines below belong to {into!r}: indent them further than `{into}:`"
                    self._note((*path, into), node.keys[into], message)
                    value[into] = Node({}, node.keys[into])
                value[into].value[key], value[into].keys[key] = child, node.keys[key]
            else:
                value[key], into = child, key if child.value is None else None
        return Node(value, node.place, node.keys)

    def _profile_factors(self, layer: Node, path: Path) -> Node:
        """Return a profile without the factors that the file does not have and that set nothing, which are faults."""
        factors, known = layer.child("factors"), self.tree_factors
        if factors is None or not isinstance(factors.value, dict):
            return layer
        value: dict[Any, Node] = {}
        for name, child in factors.value.items():
            if name in known or child.child("sets") or not known:
                value[name] = child
                continue
            message = unknown_name("factor", name, known)
            self._note((*path, "factors", name), factors.keys[name], f"{message} (a new factor has `sets`)")
        return _with(layer, {"factors": Node(value, factors.place, factors.keys)})

    def _meant(self, key: str, missing: Sequence[str], model: type[BaseModel]) -> str:
        """Return the missing key that a key was meant as; the key itself if there is none."""
        if model is StudyEntry and (key in KINDS or key in self.elsewhere):
            return key
        by_word = next((name for name in missing if key in OTHER_WORDS.get(name, ())), None)
        if model is StudyEntry and by_word:
            return by_word  # `metric` is as near to `metrics` as can be, and means `primary`
        return nearest(key, missing, cutoff=SURE) or by_word or key

    def _reshaped(self, layer: Node, path: Path) -> Node:
        """Return a layer with designs, constraints and factors in the shape that the reader expects."""
        changed: dict[str, Node] = {}
        outside = [kind for kind in KINDS if layer.child(kind)]
        design, factors = layer.child("design"), layer.child("factors")
        if outside and design is None:
            for kind in outside:
                where = f"stands inside `design`, as an entry of its list: `design:`, and below it `- {kind}:`"
                self._note((*path, kind), layer.keys[kind], where)
            changed["design"] = Node([_only(layer, kind) for kind in outside], layer.place)
            layer = Node({k: v for k, v in layer.value.items() if k not in outside}, layer.place, layer.keys)
        if design and isinstance(design.value, dict) and design.value:
            remedy = f"write a dash before each design, like `- {_first(design, KINDS)}:`"
            message = f"found {yaml_text(design.plain())}; accepted: a list ({remedy})"
            self._note((*path, "design"), layer.keys["design"], message)
            changed["design"] = Node(_designs(design), design.place)
        for part in ("exclude", "require"):
            entry = layer.child(part)
            if entry and isinstance(entry.value, dict) and entry.value:
                remedy = "write a dash before each entry, also if there is only one"
                message = f"found {yaml_text(entry.plain())}; accepted: a list ({remedy})"
                self._note((*path, part), layer.keys[part], message)
                changed[part] = Node([entry], entry.place)
        stray = [key for key, child in layer.value.items() if key not in _fields(StudyEntry) and _is_factor(child)]
        if stray and (factors is None or factors.value is None or isinstance(factors.value, dict)):
            for key in stray:
                message = f"{key!r} is a factor: write it below `factors:`, and indent it like the others there"
                self._note((*path, key), layer.keys[key], message)
            own = factors if factors is not None and factors.value else Node({}, layer.keys[stray[0]])
            outer = _only(layer, *stray)
            changed["factors"] = Node({**own.value, **outer.value}, own.place, {**own.keys, **outer.keys})
            layer = Node({k: v for k, v in layer.value.items() if k not in stray}, layer.place, layer.keys)
        if factors and isinstance(factors.value, list) and all(_is_mapping(item) for item in factors.value):
            remedy = "write each factor as `name: {sets: ..., levels: [...]}`, without a dash before it"
            message = f"found {yaml_text(factors.plain())}; accepted: a mapping ({remedy})"
            self._note((*path, "factors"), layer.keys["factors"], message)
            changed["factors"] = _joined(factors)
        return _with(layer, changed)

    def _note(self, path: Path, place: SourcePlace, message: str) -> None:
        self.found.append(MeantOtherwise(path, place, message))


def _designs(design: Node) -> list[Node]:
    """Return the entries of a design that was written as a mapping: of kinds of designs, or of rows."""
    kinds = [key for key in design.value if key in KINDS]
    if not kinds:
        return [Node({"rows": design}, design.place, {"rows": design.place})]
    beside = {"from"} & design.value.keys()
    return [_only(design, kind, *(beside if kind == "grid" else ())) for kind in kinds]


def _only(node: Node, *keys: str) -> Node:
    return Node({key: node.value[key] for key in keys}, node.place, {key: node.keys[key] for key in keys})


def _first(node: Node, names: Sequence[str]) -> str:
    return next((name for name in names if name in node.value), names[0])


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Return {key: annotation} of a class."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _members(annotation: Any) -> Iterator[Any]:
    """Yield the types that a value of an annotated type may have."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _members(inner[0])
    elif origin in (Union, UnionType):
        for member in inner:
            yield from _members(member)
    else:
        yield origin or annotation


def _takes_list(annotation: Any) -> bool:
    return any(member in (list, tuple) for member in _members(annotation))


def _takes_mapping(annotation: Any) -> bool:
    members = [*_members(annotation)]
    return any(member is dict or (isinstance(member, type) and issubclass(member, BaseModel)) for member in members)


def _fields_of(annotation: Any) -> set[str]:
    """Return the keys of the classes that a value of an annotated type may be of."""
    members = [each for each in _members(annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
    return {name for member in members for name in _fields(member)}


def _is_set(levels: Node) -> bool:
    """Return True for `{0.3, 0.2}`, which YAML reads as keys without values."""
    values = levels.value.values() if isinstance(levels.value, dict) else ()
    return len(values) > 1 and all(child.value is None for child in values)


def _without_parenthesis(item: Node) -> Node:
    """Return a value without the parenthesis of a tuple, which YAML takes for a letter of it."""
    if not isinstance(item.value, str) or not re.search(r"^\(|\)$", item.value):
        return item
    return Node(scalar(item.value.strip("() ")), item.place)


def _joined(factors: Node) -> Node:
    """Return a list of mappings as one mapping."""
    named = {key: child for item in factors.value for key, child in item.value.items()}
    places = {key: place for item in factors.value for key, place in item.keys.items()}
    return Node(named, factors.place, places)


def _is_factor(node: Node) -> bool:
    return node.child("sets") is not None and node.child("levels") is not None


def _is_mapping(item: Node) -> bool:
    return isinstance(item.value, dict) and bool(item.value)


def _is_like(key: Any, name: str) -> bool:
    return isinstance(key, str) and nearest(key, [name], cutoff=SURE) is not None


def _with(layer: Node, changed: Mapping[str, Node]) -> Node:
    """Return a mapping with some of its values replaced."""
    if not changed:
        return layer
    keys = {name: node.place for name, node in changed.items()} | layer.keys
    return Node({**layer.value, **changed}, layer.place, keys)
