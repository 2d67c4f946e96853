"""The modules of a project that a script imports, found from text."""

from pathlib import Path

import pytest

from ablate.trainers.project.code import code_of
from tests.support.project.files import write_files


def names(folder: Path, script: str = "train.py") -> list[str]:
    code = code_of(folder, Path(script), None, None)
    assert code.faults == ()
    return list(code.hashes)


@pytest.mark.parametrize(
    ("statement", "files"),
    [
        ("import helper", ["helper.py"]),
        ("import pkg", ["pkg/__init__.py"]),
        ("import pkg.sub.deep as d", ["pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/deep.py"]),
        ("from pkg import one", ["pkg/__init__.py", "pkg/one.py"]),
        ("from pkg import VALUE", ["pkg/__init__.py"]),
        ("from pkg.sub import deep, other", ["pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/deep.py"]),
        ("from plain import part", ["plain/part.py"]),
        ("import plain.inner.part", ["plain/inner/part.py"]),
        ("def f():\n    import helper", ["helper.py"]),
        ("try:\n    import helper\nexcept ImportError:\n    helper = None", ["helper.py"]),
        ("if TYPE_CHECKING:\n    from helper import X", ["helper.py"]),
        ("import importlib\nm = importlib.import_module('pkg.one')", ["pkg/__init__.py", "pkg/one.py"]),
        ("m = import_module('.one', 'pkg')", ["pkg/__init__.py", "pkg/one.py"]),
        ("m = import_module('..one', package='pkg.sub')", ["pkg/__init__.py", "pkg/one.py"]),
        ("m = __import__('helper')", ["helper.py"]),
        ("import packaged", ["src/packaged/__init__.py"]),
        ("import random", ["random.py"]),
        ("import numpy, torch.nn, os.path", []),
        ("import plain.test.part", ["plain/test/part.py"]),
        ("import code.part", []),
        ("import photos", []),
        ("import environment", []),
        ("import train", []),
    ],
)
def test_an_import_leads_to_its_files(tmp_path: Path, statement: str, files: list[str]) -> None:
    write_files(
        tmp_path,
        {
            "train.py": statement,
            "helper.py": "",
            "random.py": "hides = 'that of the standard library, as Python finds it first'",
            "pkg/__init__.py": "",
            "pkg/one.py": "",
            "pkg/sub/__init__.py": "",
            "pkg/sub/deep.py": "",
            "plain/part.py": "",
            "plain/inner/part.py": "",
            "plain/test/part.py": "",
            "code/part.py": "a folder does not hide a module of the standard library",
            "src/packaged/__init__.py": "",
            "photos/1.jpg": "",
            "environment/pyvenv.cfg": "",
            "environment/helper.py": "",
            "unused.py": "",
        },
    )
    assert names(tmp_path) == sorted(["train.py", *files])


def test_imports_are_followed_through_modules_and_circles(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "train.py": "from model import net",
            "model/__init__.py": "from .losses import margin",
            "model/net.py": "from . import blocks\nfrom ..train import main",
            "model/blocks.py": "from .net import Net\nimport tools.log",
            "model/losses/__init__.py": "from ..shared import EPSILON",
            "model/losses/margin.py": "",
            "model/shared.py": "",
            "tools/log.py": "",
        },
    )
    assert names(tmp_path) == [
        "model/__init__.py",
        "model/blocks.py",
        "model/losses/__init__.py",
        "model/losses/margin.py",
        "model/net.py",
        "model/shared.py",
        "tools/log.py",
        "train.py",
    ]


def test_an_edit_changes_the_hash_of_its_file_only(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": "import helper", "helper.py": "x = 1", "other.py": ""})
    before = code_of(tmp_path, Path("train.py"), None, None).hashes
    write_files(tmp_path, {"helper.py": "x = 2", "other.py": "x = 1"})
    after = code_of(tmp_path, Path("train.py"), None, None).hashes
    assert before["train.py"] == after["train.py"]
    assert before["helper.py"] != after["helper.py"]
    assert set(before) == set(after) == {"train.py", "helper.py"}


def test_a_study_in_a_folder_of_its_own_finds_the_whole_project(tmp_path: Path) -> None:
    """An editable install puts `src/` on the path of every script, from wherever it is run."""
    write_files(
        tmp_path,
        {
            "pyproject.toml": "",
            "src/pkg/__init__.py": "",
            "src/pkg/model.py": "",
            "scripts/train.py": "import local\nfrom pkg import model\nfrom tools import log",
            "scripts/local.py": "",
            "tools/log.py": "",
            "studies/study.yaml": "",
        },
    )
    assert names(tmp_path / "studies", "../scripts/train.py") == [
        "../scripts/local.py",
        "../scripts/train.py",
        "../src/pkg/__init__.py",
        "../src/pkg/model.py",
        "../tools/log.py",
    ]


def test_names_do_not_depend_on_where_the_project_lies(tmp_path: Path) -> None:
    codes = []
    for place in ("here", "there/deep/down"):
        project = tmp_path / place
        write_files(project, {"studies/a.yaml": "", "lib/train.py": "import other", "lib/other.py": "x = 1"})
        codes.append(code_of(project / "studies", Path("../lib/train.py"), None, None))
        codes.append(code_of(project / "studies", project / "lib" / "train.py", None, None))
    assert codes[0] == codes[2]
    assert codes[1] == codes[3]
    assert list(codes[0].hashes) == ["../lib/other.py", "../lib/train.py"]
    assert list(codes[1].hashes) == ["other.py", "train.py"]


def test_an_absolute_path_into_the_folder_is_a_path_in_it(tmp_path: Path) -> None:
    write_files(tmp_path, {"study/sub/train.py": "import other", "study/sub/other.py": ""})
    (tmp_path / "link").symlink_to(tmp_path / "study")
    for given in ("study", "link"):
        code = code_of(tmp_path / "study", tmp_path / given / "sub" / "train.py", None, None)
        assert list(code.hashes) == ["sub/other.py", "sub/train.py"]


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    write_files(tmp_path, {"shared/train.py": "import helper, inside", "shared/helper.py": "a = 1"})
    write_files(tmp_path / "study", {"inside.py": "from . import helper", "helper.py": "b = 1"})
    hashes = code_of(tmp_path / "study", tmp_path / "shared" / "train.py", None, None).hashes
    assert list(hashes) == ["helper.py", "helper.py (2)", "inside.py", "train.py"]


def test_a_linked_script_finds_the_modules_next_to_its_target(tmp_path: Path) -> None:
    write_files(tmp_path, {"lib/train.py": "import near", "lib/near.py": ""})
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "train.py").symlink_to(tmp_path / "lib" / "train.py")
    assert names(tmp_path / "study") == ["near.py", "train.py"]


def test_a_missing_script_is_a_fault_with_the_near_name(tmp_path: Path) -> None:
    write_files(tmp_path, {"trian.py": ""})
    (tmp_path / "loop.py").symlink_to("loop.py")
    code = code_of(tmp_path, Path("train.py"), None, None)
    assert code.faults == (f"there is no file train.py in {tmp_path}; did you mean 'trian.py'?",)
    assert code.hashes == {}
    for script in ("loop.py", "a\0b", ".", "trian.py/x.py"):
        assert (
            code_of(tmp_path, Path(script), None, None).faults[0].startswith(f"there is no file {script} in {tmp_path}")
        )


def test_a_command_without_a_script_is_noted(tmp_path: Path) -> None:
    assert "no file of the project is the script" in code_of(tmp_path, None, None, None).notes[0]
    assert code_of(tmp_path, None, None, []).notes == ()
