"""Nothing of the user's is run or imported when its identity is computed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.trainers.project import code_files
from ablate.trainers.project.code import code_of
from ablate.trainers.project.imports.source import SourceFacts
from tests.support.project.files import write_files

MARK = "import pathlib\n(pathlib.Path(__file__).parent / 'MARK').write_text('')\n"
LOOK = """
import sys
from pathlib import Path
from ablate.trainers.project.code import code_of
from ablate.trainers.project.command_script import command_script
from ablate.trainers.project.data import DataEntry, data_fingerprint
from ablate.trainers.project.modules import find_module
folder = Path.cwd()
for command in ("python train.py", "python -m pkg.sub.net", "./run.sh", "python -m own_package.part"):
    script, module, _ = command_script(command.split(), folder)
    assert code_of(folder, script, module, None).hashes
assert code_of(folder, None, None, ["**/*.py"]).hashes
assert find_module("pkg.sub.net", folder) and find_module("own_package.part", folder)
assert data_fingerprint(folder, [DataEntry("pkg")])
assert not [name for name in sys.modules if name.split(".")[0] in ("train", "pkg", "own_package", "torch", "numpy")]
"""


def test_no_module_leaves_its_mark(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write_files(
        project,
        {
            "train.py": f"{MARK}import pkg.sub.net, sitecustomize_\nimportlib.import_module('pkg.sub.other')",
            "pkg/__init__.py": MARK,
            "pkg/sub/__init__.py": MARK,
            "pkg/sub/net.py": MARK,
            "pkg/sub/other.py": MARK,
            "run.sh": "touch MARK\npython train.py",
        },
    )
    write_files(tmp_path / "lib", {"own_package/__init__.py": MARK, "own_package/part.py": MARK})
    (project / "run.sh").chmod(0o755)
    paths = os.pathsep.join([os.environ["PYTHONPATH"], str(tmp_path / "lib")])
    look = [sys.executable, "-P", "-c", LOOK]
    subprocess.run(look, cwd=project, env={**os.environ, "PYTHONPATH": paths}, check=True, timeout=60)
    assert list(tmp_path.rglob("MARK")) == []
    assert list(project.rglob("__pycache__")) == []
    subprocess.run([sys.executable, "-c", "import pkg.sub.net"], cwd=project, check=True, timeout=60)
    assert len(list(tmp_path.rglob("MARK"))) == 2, "the marks are real"


def test_each_module_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents: list[bytes] = []
    source_facts = code_files.source_facts

    def counting(content: bytes) -> SourceFacts:
        contents.append(content)
        return source_facts(content)

    monkeypatch.setattr(code_files, "source_facts", counting)
    everything = "import " + ", ".join(f"m{number}" for number in range(50))
    files = {f"m{number}.py": f"{everything}\nnumber = {number}" for number in range(50)}
    write_files(tmp_path, {**files, "run.sh": "python m0.py\npython m1.py\npython -m m2"})
    assert len(code_of(tmp_path, Path("run.sh"), None, None).hashes) == 51
    assert len(contents) == len(set(contents)) == 50
