"""Notes on code whose changes may go unnoticed."""

from pathlib import Path

import pytest

from ablate.trainers.project.code import code_of
from tests.support.project.files import write_files


def notes(folder: Path) -> tuple[str, ...]:
    return code_of(folder, Path("train.py"), None, None).notes


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("from .missing import x", "train.py has `from .missing import x`, and the project has no such file"),
        ("from . import missing", "train.py has `from . import missing`, and the project has no such file"),
        ("import pkg.missing", "train.py has `import pkg.missing`, and the project has no such file"),
        ("from pkg.fast import x", "train.py imports fast.cpython-399.so, which is no Python code; list"),
        ("name = f()\nimportlib.import_module(name)", "train.py imports modules by a computed name; list all files"),
        ("__import__(f'models.{name}')", "train.py imports modules by a computed name"),
        ("runpy.run_path(path)", "train.py imports modules by a computed name"),
        ("sys.path.append(os.environ['LIB'])", "train.py adds a computed folder to sys.path"),
        ("@hydra.main(config_path='conf')\ndef main(c): ...", "train.py reads configs from conf/, next to it; add"),
        ("x = = 1", "train.py is no code that Python 3.11 can read (line 1: invalid syntax)"),
    ],
)
def test_code_that_may_escape_is_noted(tmp_path: Path, code: str, note: str) -> None:
    write_files(tmp_path, {"train.py": code, "pkg/__init__.py": "", "pkg/fast.cpython-399.so": ""})
    assert [text[: len(note)] for text in notes(tmp_path)] == [note]


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    from ._version import version\nexcept ImportError:\n    version = ''",
        "try:\n    import pkg.fast2\nexcept Exception:\n    pass",
        "try:\n    import pkg.fast2\nexcept:\n    pass",
        "import_module('json')",
        "from pkg import anything",
        "from .pkg import anything",
        "from .pkg import *",
        "import numpy.anything",
        "import photos.anything",
        "from photos import anything",
    ],
)
def test_code_that_cannot_escape_is_not_noted(tmp_path: Path, code: str) -> None:
    write_files(tmp_path, {"train.py": code, "pkg/__init__.py": "", "photos/1.jpg": ""})
    assert notes(tmp_path) == ()


def test_a_note_about_many_files_is_one(tmp_path: Path) -> None:
    files = {f"m{number}.py": "import_module(f'x{y}')" for number in range(3)}
    write_files(tmp_path, {"train.py": "import m0, m1, m2", **files})
    (note,) = notes(tmp_path)
    assert note.startswith("m0.py (and 2 other files) imports modules")


def test_a_project_without_end_is_cut_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablate.trainers.project.imports.walk.MOST_FILES", 10)
    write_files(tmp_path, {"train.py": "import m0", **{f"m{n}.py": f"import m{n + 1}" for n in range(30)}})
    code = code_of(tmp_path, Path("train.py"), None, None)
    assert len(code.hashes) == 10
    assert "imports more than 10 files, and only these count" in code.notes[0]
