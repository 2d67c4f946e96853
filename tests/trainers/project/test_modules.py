"""Modules by their names: those that `python -m` and functions name, of the project or installed."""

import json.decoder
from pathlib import Path

import numpy
import pytest

from ablate.trainers.project.code import code_of
from ablate.trainers.project.modules import find_module
from tests.support.project.files import write_files


def test_a_module_runs_its_package_and_its_main(tmp_path: Path) -> None:
    write_files(tmp_path, {"pkg/__init__.py": "", "pkg/__main__.py": "from . import net", "pkg/net.py": "", "x.py": ""})
    assert list(code_of(tmp_path, None, "pkg", None).hashes) == ["pkg/__init__.py", "pkg/__main__.py", "pkg/net.py"]
    assert list(code_of(tmp_path, None, "pkg.net", None).hashes) == ["pkg/__init__.py", "pkg/net.py"]


def test_an_installed_package_is_followed_inside_itself_only(tmp_path: Path) -> None:
    code = code_of(tmp_path, None, "json.tool", None)
    files = ["__init__", "decoder", "encoder", "scanner", "tool"]
    assert list(code.hashes) == [f"json/{name}.py" for name in files]
    assert code.notes == ()


def test_a_module_that_is_nowhere_is_noted(tmp_path: Path) -> None:
    for name in ("nowhere.train", "json.nowhere", "a b"):
        code = code_of(tmp_path, None, name, None)
        assert code.hashes == {}
        assert f"the module {name} is not in the project" in code.notes[0]


def test_modules_are_found_by_name(tmp_path: Path) -> None:
    write_files(tmp_path, {"pkg/__init__.py": "", "pkg/net.py": "", "src/own.py": "", "space/part.py": ""})
    assert find_module("pkg.net", tmp_path) == tmp_path / "pkg" / "net.py"
    assert find_module("pkg", tmp_path) == tmp_path / "pkg" / "__init__.py"
    assert find_module("own", tmp_path) == tmp_path / "src" / "own.py"
    assert find_module("space.part", tmp_path) == tmp_path / "space" / "part.py"
    assert find_module("json.decoder", tmp_path) == Path(json.decoder.__file__)
    assert find_module("numpy", tmp_path) == Path(numpy.__file__)


def test_other_names_lead_to_no_module(tmp_path: Path) -> None:
    write_files(tmp_path, {"pkg/__init__.py": "", "pkg/net.py": "", "space/part.py": ""})
    for name in ("pkg.other", "nowhere", "space", "", "a..b", "../x", "pkg.net.x", "__main__", "sys", "a/b"):
        assert find_module(name, tmp_path) is None, name


def test_the_home_folder_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_files(tmp_path, {".git/HEAD": "", "helper.py": "", "work/train.py": "import helper", "work/a/train.py": ""})
    assert list(code_of(tmp_path / "work", Path("train.py"), None, None).hashes) == ["train.py"]
