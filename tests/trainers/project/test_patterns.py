"""The files that patterns of `files:` name."""

import os
from pathlib import Path

import pytest

from ablate.trainers.project import collector
from ablate.trainers.project.code import code_of
from tests.support.project.files import write_files

FILES = {
    "train.py": "",
    "run.sh": "",
    "conf.yaml": "lr: 1",
    "src/a.py": "",
    "src/deep/b.py": "",
    "src/deep/deeper/c.py": "",
    "src/deep/note.txt": "",
    ".hidden.py": "",
    ".git/hooks/d.py": "",
    ".venv/lib/e.py": "",
    "env/pyvenv.cfg": "",
    "env/f.py": "",
    "src/__pycache__/g.py": "",
    "src/.ipynb_checkpoints/h.py": "",
    "results/ablate.db": "",
    "results/figures/i.py": "",
    "lib/site-packages/j.py": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "project", FILES)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["train.py"], ["train.py"]),
        (["./train.py", "train.py"], ["train.py"]),
        (["*.py"], ["train.py"]),
        (["**/*.py"], ["src/a.py", "src/deep/b.py", "src/deep/deeper/c.py", "train.py"]),
        (["src/**/*.py"], ["src/a.py", "src/deep/b.py", "src/deep/deeper/c.py"]),
        (["src/**/b.py"], ["src/deep/b.py"]),
        (["src/*/*.py"], ["src/deep/b.py"]),
        (["src/d??p/[ab].py"], ["src/deep/b.py"]),
        (["src/**"], ["src/a.py", "src/deep/b.py", "src/deep/deeper/c.py", "src/deep/note.txt"]),
        (["src"], ["src/a.py", "src/deep/b.py", "src/deep/deeper/c.py", "src/deep/note.txt"]),
        (["src/deep/"], ["src/deep/b.py", "src/deep/deeper/c.py", "src/deep/note.txt"]),
        (["src/../train.py"], ["train.py"]),
        ([".hidden.py", ".*.py"], [".hidden.py"]),
        (
            ["env/f.py", "results/figures/*.py", ".venv/lib/*.py"],
            [".venv/lib/e.py", "env/f.py", "results/figures/i.py"],
        ),
        (["*.yaml", "train.py"], ["conf.yaml", "train.py"]),
        ([], []),
    ],
)
def test_patterns_name_files(project: Path, patterns: list[str], names: list[str]) -> None:
    code = code_of(project, None, None, patterns)
    assert (list(code.hashes), code.faults, code.notes) == (names, (), ())


def test_patterns_reach_other_folders_with_names_without_the_machine(project: Path, tmp_path: Path) -> None:
    write_files(tmp_path, {"common/utils.py": "", "common/deep/x.py": ""})
    for pattern, names in {
        "../common/utils.py": ["../common/utils.py"],
        "../common/**/*.py": ["../common/deep/x.py", "../common/utils.py"],
        f"{tmp_path}/common/utils.py": ["utils.py"],
        f"{tmp_path}/common/**/*.py": ["common/deep/x.py", "common/utils.py"],
        f"{tmp_path}/common": ["common/deep/x.py", "common/utils.py"],
        f"{project}/src/a.py": ["src/a.py"],
        f"{project}/src/*.py": ["src/a.py"],
    }.items():
        assert list(code_of(project, None, None, [pattern]).hashes) == names, pattern


def test_a_folder_with_the_letters_of_a_pattern_is_no_pattern(tmp_path: Path) -> None:
    project = write_files(tmp_path / "a[1]*", {"train.py": ""})
    assert list(code_of(project, None, None, ["*.py"]).hashes) == ["train.py"]


def test_python_counts_by_syntax_and_other_files_by_bytes(project: Path) -> None:
    before = code_of(project, None, None, ["train.py", "run.sh"]).hashes
    write_files(project, {"train.py": "# words", "run.sh": "# words"})
    after = code_of(project, None, None, ["train.py", "run.sh"]).hashes
    assert before["train.py"] == after["train.py"]
    assert before["run.sh"] != after["run.sh"]


def test_patterns_name_no_study_file_unless_it_is_written(project: Path) -> None:
    """Each added seed would make all results stale."""
    write_files(project, {"study.yaml": "study: a\ntrainer: {command: [x]}\ndesign: []\n"})
    assert list(code_of(project, None, None, ["*.yaml"]).hashes) == ["conf.yaml"]
    assert list(code_of(project, None, None, ["study.yaml"]).hashes) == ["study.yaml"]


def test_the_files_next_to_a_store_do_not_count(tmp_path: Path) -> None:
    write_files(tmp_path, {"ablate.db": "", "ablate.db-wal": "", "runs/k/out.py": "", "train.py": ""})
    assert list(code_of(tmp_path, None, None, ["**/*.py", "ablate*", "t*"]).hashes) == ["train.py"]


def test_all_faults_come_at_once(project: Path) -> None:
    (project / "empty").mkdir()
    code = code_of(project, None, None, ["trian.py", "src/*.txt", "", "a\0b", "empty", "train.py"])
    assert code.faults == (
        f"files: there is no 'trian.py' in {project}; did you mean 'train.py'?",
        f"files: 'src/*.txt' matches no file in {project}; `*` is any name in one folder, `**` any number of folders",
        "files: the path is empty",
        "files: a path cannot hold a NUL character",
        f"files: 'empty' is a folder without files, in {project}",
    )
    assert list(code.hashes) == ["train.py"]


def test_a_script_that_is_not_listed_is_noted(project: Path) -> None:
    assert code_of(project, Path("train.py"), None, ["**/*.py"]).notes == ()
    assert code_of(project, project / "train.py", None, ["train.py"]).notes == ()
    assert code_of(project, None, "src.deep.b", ["src"]).notes == ()
    assert code_of(project, None, "json.tool", ["src"]).notes == ()
    assert code_of(project, None, "src.missing", ["train.py"]).notes == ()
    assert "src.deep.b, which is run" in code_of(project, None, "src.deep.b", ["train.py"]).notes[0]
    (note,) = code_of(project, Path("train.py"), None, ["src/**/*.py"]).notes
    assert note.startswith("files: train.py, which is run, is not among them")


@pytest.mark.parametrize("pattern", ["*", "**", "**/*", "*/*"])
def test_a_pattern_for_everything_is_noted(project: Path, pattern: str) -> None:
    (note,) = code_of(project, None, None, [pattern]).notes
    assert note.startswith(f"files: {pattern!r} matches files that runs may write")


def test_too_many_files_are_a_fault(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablate.trainers.project.patterns.MOST_FILES", 3)
    (fault,) = code_of(project, None, None, ["src/**", "train.py"]).faults
    assert fault == "files: 'src/**' matches more than 3 files; list code here, and data in `data:`"


def test_links_do_not_lead_patterns_in_circles(project: Path) -> None:
    (project / "src" / "circle").symlink_to(project / "src")
    (project / "src" / "self.py").symlink_to("self.py")
    (project / "src" / "linked.py").symlink_to(project / "train.py")
    assert list(code_of(project, None, None, ["src/*.py"]).hashes) == ["src/a.py", "src/linked.py"]
    assert "src/deep/b.py" in code_of(project, None, None, ["**/*.py"]).hashes
    assert list(code_of(project, None, None, ["src/circle/*.py"]).hashes) == ["src/circle/a.py", "src/circle/linked.py"]


def test_pipes_and_devices_are_no_code(project: Path) -> None:
    os.mkfifo(project / "src" / "pipe.py")
    assert list(code_of(project, None, None, ["src/*.py"]).hashes) == ["src/a.py"]
    assert code_of(project, Path("src/pipe.py"), None, None).faults


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_locked_files_are_faults(project: Path) -> None:
    (project / "src" / "a.py").chmod(0)
    (project / "src" / "deep").chmod(0)
    code = code_of(project, None, None, ["src/**/*.py"])
    assert code.faults == ("src/a.py cannot be read (Permission denied)",)
    (project / "src" / "deep").chmod(0o700)


def test_a_file_that_vanishes_is_a_fault(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matching_files = collector.matching_files

    def vanishing(folder: Path, patterns: list[str]) -> object:
        files = matching_files(folder, patterns)
        (project / "src" / "a.py").unlink()
        return files

    monkeypatch.setattr(collector, "matching_files", vanishing)
    assert code_of(project, None, None, ["src/a.py"]).faults == ("src/a.py cannot be read (No such file or directory)",)
