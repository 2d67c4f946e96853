"""The config of a training as a file that its script reads: `${config.json}`, `${config.yaml}`, `${config.toml}`."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ablate.errors import AblateError
from ablate.trainers.measuring.files import OWN

NAME = f"{OWN}config"
"""The file's name without its ending. Scripts write a `config.json` of their own into their folder."""


def write_config(config: Mapping[str, Any], folder: Path, kind: str) -> Path:
    """Write the config into the folder as json, yaml or toml, and return the file.

    The file is written aside and renamed, so a script never reads half of it. AblateError for a config that the form
    cannot hold; OSError if the folder cannot be written.
    """
    text = FORMS[kind](config)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.{kind}"
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
    return path


def _json(config: Mapping[str, Any]) -> str:
    return json.dumps(config, ensure_ascii=False, indent=2) + "\n"


def _yaml(config: Mapping[str, Any]) -> str:
    return yaml.dump(config, Dumper=_ConfigDumper, sort_keys=False, allow_unicode=True, width=10_000)


class _ConfigDumper(yaml.SafeDumper):
    """Writes text in quotes that some readers of YAML take for a number: `1e-5` is text for PyYAML, not for others."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if _is_number(text) else None)


_ConfigDumper.add_representer(str, _represent_text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _toml(config: Mapping[str, Any]) -> str:
    return "\n".join(_table(config, ())) + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return the lines of a table: its values, then the tables in it. TOML has no null: such keys are left out."""
    values = {key: value for key, value in table.items() if not isinstance(value, Mapping) and value is not None}
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    lines = [f"[{'.'.join(map(_quoted, path))}]"] if path else []
    lines += [f"{_quoted(str(key))} = {_toml_value(value, (*path, str(key)))}" for key, value in values.items()]
    for key, value in tables.items():
        lines += _table(value, (*path, str(key)))
    return lines


def _toml_value(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, Mapping):
        kept = {str(key): inner for key, inner in value.items() if inner is not None}
        pairs = [f"{_quoted(key)} = {_toml_value(inner, (*path, key))}" for key, inner in kept.items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(inner, path) for inner in value) + "]"
    if value is None:
        raise AblateError(
            f"config.{'.'.join(path)}: TOML has no null in a list; use ${{config.json}} or ${{config.yaml}}"
        )
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"{value}"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Return text as TOML's basic string. JSON's escapes are the same, except that TOML escapes DEL as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


FORMS = {"json": _json, "yaml": _yaml, "toml": _toml}
"""{the ending of a config file: the function that writes its text}."""
