"""The keys of a Hydra application: those of its main config file, and its config groups."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ablate.study.starting.scanning.options import OptionKind, ScriptOption, ScriptOptions
from ablate.study.starting.scanning.source import Function, PythonSource, dotted, keyword, text_of

HYDRA = "Hydra"
OWN_KEYS = ("defaults", "hydra")
"""Keys of a config file that mean something to Hydra itself."""


class HydraFiles(NamedTuple):
    """The config of a Hydra application, by the decorator of its main function."""

    folder: Path
    """The folder `config_path`, which may not be there."""
    main: Path | None
    """The main config file; None if it is not there, as for a config that the script itself declares."""


def hydra_files(source: PythonSource) -> HydraFiles | None:
    """Return the files of a Hydra application; None for any other script."""
    for node in ast.walk(source.tree):
        for call in node.decorator_list if isinstance(node, Function) else ():
            if isinstance(call, ast.Call) and dotted(call.func) in ("hydra.main", "main") and _is_hydra(source):
                path = text_of(keyword(call, "config_path") or (call.args[0] if call.args else None))
                name = text_of(keyword(call, "config_name") or (call.args[1] if len(call.args) > 1 else None))
                folder = source.path.parent / path
                files = [folder / f"{name.removesuffix('.yaml')}.yaml", folder / f"{name}.yml"] if name else []
                return HydraFiles(folder, next((file for file in files if file.is_file()), None))
    return None


def hydra_options(files: HydraFiles) -> ScriptOptions:
    """Return the plain keys of the main config file, and its config groups, whose choices are the group's files."""
    content = _content(files.main)
    groups = list(_groups(content.get("defaults"), files.folder))
    names = {option.name for option in groups}
    own = {key: value for key, value in content.items() if key not in OWN_KEYS and key not in names}
    sections = {key for key, value in content.items() if key in names}
    kept = [option for option in groups if option.name not in sections]
    return ScriptOptions(HYDRA, (*kept, *_keys(own)))


def _is_hydra(source: PythonSource) -> bool:
    return "hydra" in source.imported


def _content(path: Path | None) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_bytes()) if path else None
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _groups(defaults: Any, folder: Path) -> Iterator[ScriptOption]:
    """Yield the config groups that a list of defaults chooses from: `- model: resnet`."""
    for entry in defaults if isinstance(defaults, list) else ():
        for name, chosen in entry.items() if isinstance(entry, dict) else ():
            files = sorted(file.stem for file in (folder / str(name)).glob("*.y*ml"))
            if isinstance(name, str) and isinstance(chosen, str) and chosen in files and "@" not in name:
                yield ScriptOption("", name, default=chosen, choices=tuple(files))


def _keys(section: Mapping[Any, Any], prefix: str = "") -> Iterator[ScriptOption]:
    for key, value in section.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from _keys(value, f"{name}.")
        elif isinstance(value, str) and "${" in value:
            continue
        elif value == "???":
            yield ScriptOption("", name, is_required=True)
        elif isinstance(value, str | int | float | bool | list):
            kind = OptionKind.BOOLEAN if isinstance(value, bool) else OptionKind.VALUE
            yield ScriptOption("", name, kind, _number(value), attribute=name.rpartition(".")[2])


def _number(value: Any) -> Any:
    """Return the number of a text such as `1e-3`, which PyYAML reads as text and OmegaConf as a number."""
    try:
        return float(value) if isinstance(value, str) and "e" in value.lower() else value
    except ValueError:
        return value
