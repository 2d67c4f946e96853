"""JSON and YAML files of other programs, read within bounds. No tag of YAML makes an object, nothing is executed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ablate.errors import SourceError
from ablate.imports.yaml_size import size_fault

LARGEST_JSON, LARGEST_YAML, LARGEST_LINE = 128 * 2**20, 4 * 2**20, 16 * 2**20
"""Bytes of the largest JSON file, YAML file and line of JSON that is read."""
DEEPEST_YAML = 100
"""The deepest nesting of a YAML file that is read."""
_MEBIBYTE = 2**20


class LeftOut(NamedTuple):
    """A value of a YAML file that only executing code could make."""

    tag: str


class PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A loader of plain values. A tuple is read as a list; any other object of Python is left out.

    Numbers like 1e-05 are numbers, as for OmegaConf and YAML 1.2, which write them so.
    """


def _left_out(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> LeftOut:
    return LeftOut(str(node.tag).replace("tag:yaml.org,2002:", "!!"))


def _as_list(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else LeftOut(node.tag)


PlainLoader.add_multi_constructor(None, _left_out)
PlainLoader.add_constructor("tag:yaml.org,2002:python/tuple", _as_list)
PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def text_of(path: Path, largest: int) -> str:
    """Return a file's text. SourceError if it is too large, no UTF-8 or cannot be read."""
    try:
        if (size := path.stat().st_size) > largest:
            raise SourceError(
                f"{path}: {size / _MEBIBYTE:.0f} MiB, and a file of this kind is read up to {largest // _MEBIBYTE} MiB"
            )
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: is not UTF-8 text (byte {error.start})") from None


def json_of(path: Path) -> Any:
    """Return the content of a JSON file. SourceError if it is none."""
    text = text_of(path, LARGEST_JSON)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: is no valid JSON: {_reason(error)}") from None


def yaml_of(path: Path) -> Any:
    """Return the content of a YAML file, with `LeftOut` for objects of programs. SourceError if it is no YAML."""
    text = text_of(path, LARGEST_YAML)
    try:
        if fault := size_fault(text, DEEPEST_YAML):
            raise SourceError(f"{path}: is no valid YAML: it {fault}")
        return yaml.load(text, Loader=PlainLoader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise SourceError(f"{path}: is no valid YAML: {_reason(error)}") from None


def mapping_in(content: Any, path: Path) -> dict[str, Any]:
    """Return the content of a file that must be a mapping of names to values. SourceError if it is none."""
    if not isinstance(content, dict):
        raise SourceError(f"{path}: must hold names with values, but holds {'nothing' if content is None else 'none'}")
    return {str(key): value for key, value in content.items()}


class JsonLine(NamedTuple):
    """A line of a file of JSON lines."""

    number: int
    """Counted from 1."""
    content: Any


def json_lines(path: Path) -> Iterator[JsonLine]:
    """Yield the lines that are not empty.

    The last line may be torn, as a killed program leaves it; then the file ends before it. SourceError for a fault in
    another line.
    """
    torn = ""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LARGEST_LINE + 1):
            number += 1
            if torn:
                raise SourceError(torn)
            if len(line) > LARGEST_LINE:
                raise SourceError(f"{path}, line {number}: longer than {LARGEST_LINE // _MEBIBYTE} MiB")
            if line.strip():
                try:
                    content = json.loads(line)
                except (ValueError, RecursionError) as error:
                    torn = f"{path}, line {number}: is no valid JSON: {_reason(error)}"
                    continue
                yield JsonLine(number, content)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(error).split())[:200]
