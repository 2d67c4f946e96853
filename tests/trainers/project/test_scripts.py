"""Scripts in other languages than Python, and the files that they name."""

import hashlib
from pathlib import Path

import pytest

from ablate.trainers.project.code import code_of
from tests.support.project.files import write_files


def names(folder: Path, script: str) -> list[str]:
    return list(code_of(folder, Path(script), None, None).hashes)


def test_a_shell_script_counts_with_the_scripts_and_settings_it_names(tmp_path: Path) -> None:
    script = """#!/bin/bash
    # python old.py
    set -eu
    export LR="${1:-0.1}"
    python -u train.py --config="conf/base.yaml" --lr $LR > out.log 2>&1 || exit 1
    bash './sub/after.sh';python3 -m pkg.report
    cp metrics.json data.csv "$OUT"
    """
    write_files(
        tmp_path,
        {
            "run.sh": script,
            "train.py": "import helper",
            "helper.py": "",
            "old.py": "",
            "conf/base.yaml": "lr: 1",
            "sub/after.sh": 'python "$(dirname "$0")/near.py" "${HERE}/near2.py"',
            "sub/near.py": "import beside",
            "sub/near2.py": "",
            "sub/beside.py": "",
            "pkg/__init__.py": "",
            "pkg/report.py": "",
            "metrics.json": "written by the script",
            "out.log": "",
            "data.csv": "",
        },
    )
    assert names(tmp_path, "run.sh") == [
        "conf/base.yaml",
        "helper.py",
        "pkg/__init__.py",
        "pkg/report.py",
        "run.sh",
        "sub/after.sh",
        "sub/beside.py",
        "sub/near.py",
        "sub/near2.py",
        "train.py",
    ]


def test_scripts_of_other_languages_name_their_files(tmp_path: Path) -> None:
    write_files(
        tmp_path, {"train.R": 'source("lib/net.R")', "lib/net.R": "x <- 1", "a.jl": 'include("b.jl")', "b.jl": ""}
    )
    assert names(tmp_path, "train.R") == ["lib/net.R", "train.R"]
    assert names(tmp_path, "a.jl") == ["a.jl", "b.jl"]


def test_scripts_that_name_each_other_end(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.sh": "bash b.sh", "b.sh": "bash a.sh"})
    assert names(tmp_path, "a.sh") == ["a.sh", "b.sh"]


def test_other_files_count_by_their_bytes(tmp_path: Path) -> None:
    files = {"run.sh": b"echo 1 # words", "note.ipynb": b'{"cells": ["other.py"]}', "program": b"\x7fELF\0other.py"}
    write_files(tmp_path, {**files, "other.py": ""})
    for name, content in files.items():
        assert code_of(tmp_path, Path(name), None, None).hashes == {name: hashlib.sha256(content).hexdigest()[:20]}


@pytest.mark.parametrize("first", ["#!/usr/bin/env python3\n", "#!/opt/env/bin/python -u\n", ""])
def test_a_script_without_an_ending_may_be_python(tmp_path: Path, first: str) -> None:
    write_files(tmp_path, {"train": f"{first}import helper", "helper.py": ""})
    plain = code_of(tmp_path, Path("train"), None, None).hashes
    write_files(tmp_path, {"train": f"{first}import helper  # more words"})
    assert code_of(tmp_path, Path("train"), None, None).hashes == plain
    assert list(plain) == ["helper.py", "train"]


def test_a_shell_script_outside_has_names_without_the_machine(tmp_path: Path) -> None:
    write_files(tmp_path, {"study/x.yaml": "", "tools/run.sh": "python lib/train.py", "tools/lib/train.py": "import a"})
    write_files(tmp_path, {"tools/lib/a.py": ""})
    assert names(tmp_path / "study", str(tmp_path / "tools" / "run.sh")) == ["lib/a.py", "lib/train.py", "run.sh"]
    assert names(tmp_path / "study", "../tools/run.sh") == [
        f"../tools/{name}" for name in ("lib/a.py", "lib/train.py", "run.sh")
    ]
