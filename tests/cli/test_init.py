"""`ablate init`: the file that it writes, its messages, and the requests that it refuses."""

from pathlib import Path

import pytest

import ablate as library
from tests.conftest import Ablate

SCRIPT = """
import argparse, pathlib
pathlib.Path("mark").touch()
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--augment", action="store_true")
parser.add_argument("--weight-decay", type=float, default=0.0)
args = parser.parse_args()
def main(lr=0.1, seed=0):
    return {"val_acc": 0.5}
print("val_acc:", 0.5 + args.lr / 10 + args.seed / 1000 + args.augment / 10)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def test_the_file_is_written_and_nothing_is_run(ablate: Ablate, script: Path) -> None:
    result = ablate("init", "train.py")
    assert (result.code, result.out) == (0, "wrote study.yaml\n")
    assert "metric: val_acc, printed in line" in result.err
    assert result.err.endswith("next: ablate check study.yaml\n")
    assert ablate("init", "train.py:main", "--name", "mine").code == 0
    assert "function: train.py:main" in Path("mine.yaml").read_text()
    assert ablate("init", "train:main", "--output", "sub.yaml").code == 0
    assert "function: train:main" in Path("sub.yaml").read_text()
    plan = ablate("plan", "study.yaml")
    assert plan.code == 0
    assert all(label in plan.out for label in ("augment=on", "weight-decay=0.0001", "lr=0.03"))
    assert not Path("mark").exists()


@pytest.mark.slow
def test_the_study_runs_as_it_is(ablate: Ablate, script: Path) -> None:
    assert ablate("init", "train.py").code == 0
    run = ablate("run", "study.yaml", "--executor", "inline", "--seeds", "2")
    assert (run.code, "8 of 8 trainings run" in run.err + run.out) == (0, True)
    assert "val_acc" in ablate("report", "train").out


def test_a_file_that_is_there_stays(ablate: Ablate, script: Path) -> None:
    Path("study.yaml").write_text("mine")
    refused = ablate("init", "train.py")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "study.yaml: is there already; --force replaces it, and --output writes to another path\n"
    assert Path("study.yaml").read_text() == "mine"
    assert ablate("init", "train.py", "--force").code == 0
    assert Path("study.yaml").read_text() != "mine"


def test_a_study_file_in_another_folder(ablate: Ablate, script: Path) -> None:
    Path("studies").mkdir()
    assert ablate("init", "train.py", "--output", "studies").code == 0
    text = Path("studies/study.yaml").read_text()
    assert "../train.py" in text
    assert "cwd: '..'" in text
    assert ablate("plan", "studies/study.yaml").code == 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("trian.py", "trian.py: no such file or folder in {folder}; did you mean train.py?"),
        ("train.py:mian", "train.py: unknown function 'mian'; did you mean 'main'? known: main"),
        ("none.here:main", "none.here:main: there is no module none.here"),
        (".", ".: is a folder without images; give one of its scripts: broken.py and train.py"),
        ("results.csv", "results.csv: looks like a table of results: `ablate import results.csv` reads it as a study"),
        ("some.yaml", "some.yaml: is a YAML file; `ablate plan some.yaml` reads study files"),
        ("book.ipynb", "jupyter nbconvert --to script book.ipynb"),
        ("data.bin", "data.bin: is no script that this program knows"),
        ("broken.py", "broken.py:1: is not valid Python"),
        ("", "accepted"),
    ],
)
def test_targets_that_are_refused(ablate: Ablate, script: Path, target: str, message: str, tmp_path: Path) -> None:
    for name in ("results.csv", "some.yaml", "book.ipynb", "data.bin"):
        Path(name).write_text("a,b\n1,2\n")
    Path("broken.py").write_text("def")
    result = ablate("init", target) if target else ablate("init", "train.py", "--name", "My Study")
    assert (result.code, result.out) == (2, "")
    assert message.format(folder=tmp_path) in " ".join(result.err.split())
    assert not Path("study.yaml").exists()


def test_a_hydra_application_declares_its_configs(ablate: Ablate) -> None:
    Path("conf").mkdir()
    Path("conf/config.yaml").write_text("lr: 0.1\nseed: 0\naugment: false\n")
    decorated = "@hydra.main(config_path='conf', config_name='config')\ndef main(cfg): ...\n"
    Path("app.py").write_text(f"import hydra\n{decorated}print('val_acc:', 0.5)\n")
    assert ablate("init", "app.py").code == 0
    plan = ablate("plan", "study.yaml")
    assert (plan.code, "reads configs from conf/" in plan.err + plan.out) == (0, False)
    text = Path("study.yaml").read_text()
    Path("study.yaml").write_text(text.replace("  data: ['conf']\n", ""))
    plan = ablate("plan", "study.yaml")
    assert "app.py reads configs from conf/" in " ".join((plan.err + plan.out).split())


def test_the_library_does_the_same(script: Path) -> None:
    start = library.init_study("train.py", "mine.yaml")
    assert (start.path, start.list_path, start.faults, start.to_do) == (Path("mine.yaml"), None, (), ())
    assert library.read_study(start.path).primary == "val_acc"
