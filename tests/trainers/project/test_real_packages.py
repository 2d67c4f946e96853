"""The import graph beside the modules that Python really loads, for packages that nobody here wrote."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.trainers.project.code import code_of

LOAD = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
top = sys.argv[1].partition(".")[0]
modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == top]
print(json.dumps([module.__file__ for module in modules if getattr(module, "__file__", None)]))
"""


def loaded_files(module: str) -> set[Path]:
    command = [sys.executable, "-c", LOAD, module]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    return {Path(file) for file in json.loads(output.splitlines()[-1]) if file.endswith(".py")}


@pytest.mark.parametrize(
    "module",
    [
        "email.message",
        "xml.dom.minidom",
        "unittest.mock",
        pytest.param("rich.console", marks=pytest.mark.slow),
        pytest.param("optuna.samplers", marks=pytest.mark.slow),
        pytest.param("pandas.core.frame", marks=pytest.mark.slow),
        pytest.param("sqlalchemy.orm", marks=pytest.mark.slow),
        pytest.param("hypothesis.strategies", marks=pytest.mark.slow),
    ],
)
def test_every_file_that_python_loads_is_in_the_graph(tmp_path: Path, module: str) -> None:
    files = loaded_files(module)
    names = code_of(tmp_path, None, module, None).hashes
    top = module.partition(".")[0]
    root = next(parent.parent for parent in next(iter(files)).parents if parent.name == top)
    assert len(files) > 3
    assert {file.relative_to(root).as_posix() for file in files} <= set(names)
