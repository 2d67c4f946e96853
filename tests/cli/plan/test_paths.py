"""Paths that a study file, an option or a variable names: where they are searched, and which data set they declare."""

import shutil
from pathlib import Path

import pytest

from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import trials
from tests.conftest import Ablate
from tests.support.paths import SIMULATED
from tests.support.retrieval.lists import write_list

STUDY = """
study: own
delta: 20
config:
  data: {name: csv, root: list.csv, size: [16, 16]}
  model: {bn_grouping: fused}
  loss: {target: item, mining: batch-hard}
  batch: {sampling: pk, items: 4, images: 2}
  schedule: {steps: 0, milestones: []}
  evaluate: {scope: all}
design: [{rows: {one: {}}}]
"""


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder below the working directory with a study and the list that it names."""
    write_list(tmp_path / "mine" / "list.csv")
    (tmp_path / "mine" / "study.yaml").write_text(STUDY)
    return tmp_path / "mine"


def test_a_relative_root_is_next_to_the_study_file(ablate: Ablate, folder: Path) -> None:
    planned = ablate("plan", "mine/study.yaml")
    assert (planned.code, planned.err) == (0, "")
    assert "`ablate data prepare csv --root mine/list.csv --size 16 16` or" in words(planned.out)


@pytest.mark.slow
def test_workers_find_a_relative_root(ablate: Ablate, folder: Path) -> None:
    done = ablate("run", "mine/study.yaml", "--workers", 1)
    assert done.code == 0, done.err
    assert "  done       one\n" in ablate("plan", folder / "study.yaml").out, "the identity has no folder in it"


def test_a_root_of_the_working_directory_still_works_with_a_word(ablate: Ablate, folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("list.csv", "mine/list.csv"))
    planned = ablate("plan", "mine/study.yaml")
    assert planned.code == 0
    assert planned.err == (
        "warning: config.data.root: mine/list.csv is not in mine, the folder of the study file; that of the working "
        "directory is used; write list.csv to find it from anywhere\n"
    )


def test_the_study_files_own_root_comes_first(ablate: Ablate, folder: Path) -> None:
    write_list(Path("list.csv"), items=14)
    planned = ablate("plan", "mine/study.yaml")
    assert "--root mine/list.csv --size 16 16`" in words(planned.out)
    assert "list.csv is in mine, the folder of the study file, and in the working directory; that of" in planned.err


def test_a_typed_root_is_in_the_working_directory(ablate: Ablate, folder: Path) -> None:
    write_list(Path("list.csv"), items=14)
    planned = ablate("plan", "mine/study.yaml", "--set", "config.data.root=list.csv")
    assert (planned.code, planned.err) == (0, "")
    assert "--root list.csv --size 16 16`" in words(planned.out)


@pytest.mark.parametrize("key", ["data.root", "model.pretrained"])
def test_a_missing_file_is_reported_with_both_places(ablate: Ablate, folder: Path, key: str) -> None:
    section, name = key.split(".")
    (folder / "study.yaml").write_text(
        STUDY.replace("design", f"references: {{r: {{{section}: {{{name}: no.x}}}}}}\ndesign")
    )
    for command in (("plan",), ("run", "--executor", "inline")):
        missing = ablate(command[0], "mine/study.yaml", *command[1:])
        assert missing.code == 2
        assert (
            f"{key}: no.x is neither in the folder of the study file (mine) nor in the working directory ("
            in missing.err
        )


@pytest.mark.parametrize("root", ["~/p/list.csv", "~root/list.csv"])
def test_a_home_folder_is_expanded(
    ablate: Ablate, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    shutil.copytree(folder, tmp_path / "home" / "p")
    (folder / "study.yaml").write_text(STUDY.replace("list.csv", root))
    planned = ablate("plan", "mine/study.yaml")
    if root.startswith("~/"):
        assert planned.code == 0, planned.err
        assert f"--root {tmp_path}/home/p/list.csv --size 16 16`" in words(planned.out).replace("- ", "-")
    else:
        assert "/root/list.csv" in planned.err


def test_paths_of_commands_are_expanded(ablate: Ablate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    shutil.copy(SIMULATED, home / "study.yaml")
    few = ("--executor", "inline", "--seeds", 1)
    assert ablate("run", "~/study.yaml", "--store", "~/a.db", *few).code == 0
    monkeypatch.setenv("ABLATE_STORE", "sqlite:///~/b.db")
    assert ablate("run", "~/study.yaml", *few).code == 0
    assert ablate("report", "--format", "log", "--output", "~/log.md").code == 0
    assert ablate("import", "~/log.md", "--study", "again").code == 0
    assert ablate(
        "compare", "again", "--against", "simulated", "--against-store", "~/a.db", "--format", "json"
    ).code in (0, 2)
    assert "done" in ablate("plan", "~/study.yaml", "--store", "~/a.db").out
    assert {path.name for path in home.iterdir()} >= {"a.db", "b.db", "log.md"}
    assert not Path("~").exists()


@pytest.mark.slow
def test_another_root_is_another_declaration(ablate: Ablate, folder: Path, tmp_path: Path) -> None:
    """A changed file of the same path is stale; the same words in another folder are another data set."""
    assert ablate("run", "mine/study.yaml", "--executor", "inline").code == 0
    other = tmp_path / "other"
    for path in (other / "list.csv", folder / "second.csv"):
        write_list(path, items=14)
        packed(ablate, path)
    (other / "study.yaml").write_text(STUDY)
    assert "  pending    one\n" in ablate("plan", "other/study.yaml").out
    assert "  pending    one\n" in ablate("plan", "mine/study.yaml", "--set", "config.data.root=mine/second.csv").out
    write_list(folder / "list.csv", items=14)
    packed(ablate, folder / "list.csv")
    stale = ablate("plan", "mine/study.yaml").out
    assert "  stale a    one\n" in stale
    assert "data: its content changed" in stale


def packed(ablate: Ablate, path: Path) -> None:
    assert ablate("data", "prepare", "csv", "--root", path, "--size", 16, 16).code == 0


@pytest.mark.slow
def test_declarations_without_a_path_are_those_of_earlier_versions(folder: Path) -> None:
    """Their digests are in stores: another form would hide why a result is stale."""
    texts = {
        "none": STUDY.replace("name: csv, root: list.csv", "name: emoji"),
        "null": STUDY.replace("name: csv, root: list.csv", "name: emoji, root: null"),
    }
    declared = {}
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.write_text(text)
        declared[name] = trials(read_study(path))[0].declared
    assert declared["none"] == declared["null"] == "8f4313956f941a1bbd09"
