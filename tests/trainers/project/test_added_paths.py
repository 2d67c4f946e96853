"""Folders that scripts add to `sys.path`, in the ways in which research code writes it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ablate.trainers.project.code import code_of
from tests.support.project.files import write_files

UP = [
    "sys.path.append(str(Path(__file__).parent.parent / 'lib'))",
    "sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'lib'))",
    "sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))",
    "sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'lib'))",
    "sys.path.append(os.path.dirname(__file__) + '/../lib')",
    "sys.path += [os.path.join(os.path.dirname(__file__), os.pardir, 'lib')]",
    "sys.path.extend([os.path.realpath(os.path.join(os.path.dirname(__file__), '../lib'))])",
    "HERE = Path(__file__).resolve()\nROOT = HERE.parents[1]\nif str(ROOT / 'lib') not in sys.path:\n"
    "    sys.path.append(str(ROOT.joinpath('lib')))\nROOT = Path(os.path.relpath(ROOT, Path.cwd()))",
    "sys.path.append('lib')",
    "sys.path.append(os.path.join(os.getcwd(), 'lib'))",
    "import site\nsite.addsitedir('lib')",
]


@pytest.mark.parametrize("added", UP)
def test_modules_in_an_added_folder_are_found_as_python_finds_them(tmp_path: Path, added: str) -> None:
    script = f"import os, sys\nfrom pathlib import Path\n{added}\nimport helper"
    write_files(tmp_path, {"scripts/train.py": script, "lib/helper.py": "import further", "lib/further.py": ""})
    subprocess.run([sys.executable, "scripts/train.py"], cwd=tmp_path, check=True, timeout=20)
    code = code_of(tmp_path, Path("scripts/train.py"), None, None)
    assert list(code.hashes) == ["lib/further.py", "lib/helper.py", "scripts/train.py"]
    assert code.notes == ()


def test_a_folder_above_the_project_has_a_name_without_the_machine(tmp_path: Path) -> None:
    added = "sys.path.append(str(Path(__file__).parents[2] / 'lib'))"
    write_files(tmp_path, {"a/b/train.py": f"{added}\nimport helper", "lib/helper.py": "", "study/x.yaml": ""})
    near = code_of(tmp_path / "a" / "b", Path("train.py"), None, None)
    assert list(near.hashes) == ["../../lib/helper.py", "train.py"]
    outside = code_of(tmp_path / "study", tmp_path / "a" / "b" / "train.py", None, None)
    assert list(outside.hashes) == ["../../lib/helper.py", "train.py"]


def test_a_folder_by_an_absolute_path_has_names_below_it(tmp_path: Path) -> None:
    script = f"sys.path.append({str(tmp_path / 'lib')!r})\nimport helper"
    write_files(tmp_path, {"lib/helper.py": "", "a/train.py": script})
    assert list(code_of(tmp_path / "a", Path("train.py"), None, None).hashes) == ["helper.py", "train.py"]


def test_an_added_folder_may_add_another_one(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "train.py": "sys.path.append('one')\nimport first",
            "one/first.py": "sys.path.append('two')\nimport second",
            "two/second.py": "sys.path.append(str(Path(__file__).parent / 'three'))\nimport third",
            "two/three/third.py": "",
        },
    )
    assert len(code_of(tmp_path, Path("train.py"), None, None).hashes) == 4


def test_installed_packages_in_an_added_folder_are_not_followed(tmp_path: Path) -> None:
    write_files(tmp_path, {"site-packages/lib.py": "", "train.py": "sys.path.append('site-packages')\nimport lib"})
    assert list(code_of(tmp_path, Path("train.py"), None, None).hashes) == ["train.py"]


@pytest.mark.parametrize(
    "hidden",
    [
        "sys.path.append(folder())",
        "sys.path.append(os.environ['X'])",
        "x = x\nsys.path.append(x)",
        "sys.path.append(f'{y}/lib')",
        "sys.path.append(str(Path(__file__).parents[n]))",
        "sys.path.append(b'lib')",
    ],
)
def test_a_folder_that_the_text_does_not_show_is_noted(tmp_path: Path, hidden: str) -> None:
    write_files(tmp_path, {"train.py": hidden})
    (note,) = code_of(tmp_path, Path("train.py"), None, None).notes
    assert note.startswith("train.py adds a computed folder to sys.path")
