"""YAML as plain values: safe, of bounded depth and size, with the numbers that configurations write."""

import re
from typing import Any, ClassVar

import yaml

from ablate.imports.yaml_size import size_fault
from ablate.trainers.measuring.takes import NoValueError

LARGEST = 4 * 2**20
"""Bytes of the largest YAML file that is read."""
DEEPEST = 50
"""The largest number of levels of a document."""
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|\.(?:inf|Inf|INF))$|\.(?:nan|NaN|NAN)$"
)
"""Floats as OmegaConf reads them. YAML 1.1 takes 1e-3 for a text."""


class _PlainLoader(_BASE):  # type: ignore[misc]
    """Loads plain values only. A value with a tag of Python is the data in it; no object of it is made."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, regex) for tag, regex in resolvers if tag not in (f"{_TAG}timestamp", f"{_TAG}float")]
        for first, resolvers in _BASE.yaml_implicit_resolvers.items()
    }


def _plain(loader: Any, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value or tag.rpartition(":")[2].lstrip("!")


_PlainLoader.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+0123456789."))
_PlainLoader.add_multi_constructor("", _plain)


def yaml_values(text: str, name: str) -> Any:
    """Return the content of a YAML document as plain values.

    NoValueError if it is no YAML, or too deep, or if its aliases make it too large.
    """
    try:
        if fault := size_fault(text, DEEPEST):
            raise NoValueError(f"{name} {fault}")
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise NoValueError(f"{name} is not YAML: {getattr(error, 'problem', None) or error}{place}") from None
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise NoValueError(f"{name} cannot be read as YAML: {error}") from None
