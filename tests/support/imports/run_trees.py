"""Folders of runs for tests: files written by their relative paths."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_tree(folder: Path, files: Mapping[str, Any]) -> Path:
    """Write files below a folder: a text as it is, all else as JSON. Return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder
