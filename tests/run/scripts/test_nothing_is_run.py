"""Nothing of the user's is imported or run by plan, status, report, compare and schema."""

from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.trainers.own_script import STUDY, project

MARK = "open({mark!r}, 'a').write('x')\n"
FUNCTION = "function: package.fit:main"
COMMAND = 'command: ["${python}", train.py, "${args}", --seed, "${seed}"]'


@pytest.mark.slow
@pytest.mark.parametrize("trainer", [COMMAND, COMMAND.replace("train.py", "-m, package.fit"), FUNCTION])
def test_a_script_that_leaves_a_mark(tmp_path: Path, ablate: Ablate, trainer: str) -> None:
    mark = tmp_path / "mark.txt"
    line = MARK.format(mark=str(mark))
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text(line, encoding="utf-8")
    fit = line + "def main(lr, depth, seed):\n    return {'acc': 0.5}\nprint('acc: 0.5')\n"
    (package / "fit.py").write_text(fit, encoding="utf-8")
    study = project(tmp_path, STUDY.replace(COMMAND, trainer), train=line + "print('acc: 0.5')\n")
    text = study.read_text(encoding="utf-8")
    if trainer == FUNCTION:
        study.write_text(text.replace(', from: "stdout:acc: ([0-9.a-z-]+)"', ""), encoding="utf-8")
    for words in (("plan", str(study)), ("schema",), ("status",)):
        ablate(*words)
    assert not mark.exists()
    assert ablate("run", str(study), "--executor", "inline").code == 0
    marks = mark.read_text(encoding="utf-8")
    assert marks
    for words in (("plan", str(study)), ("status",), ("report", "own"), ("compare", "own", "--against", "own")):
        ablate(*words)
    ablate("report", str(study), "--format", "json")
    assert mark.read_text(encoding="utf-8") == marks


def test_a_reset_training_begins_again_in_an_empty_folder(tmp_path: Path, ablate: Ablate) -> None:
    counting = "open('count.txt', 'a').write('x')\nprint('acc: 0.5')\n"
    study = project(tmp_path, STUDY.replace("seeds: 2", "seeds: 1"), train=counting)
    ablate("run", str(study), "--executor", "inline")
    ablate("reset", "own", "baseline")
    ablate("run", str(study), "--executor", "inline")
    assert (tmp_path / "count.txt").read_text(encoding="utf-8") == "x" * 4
