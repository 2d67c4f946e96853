"""The files below a folder."""

import os
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.folders.reading.walking import files_below
from tests.support.imports.run_trees import write_tree


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files_below(folder)]


def test_files_come_in_natural_order_without_hidden_ones(tmp_path: Path) -> None:
    write_tree(tmp_path, {"run10/a.json": 1, "run2/a.json": 1, ".git/a.json": 1, "run2/.hydra/a.json": 1, "x/.b": 1})
    assert names(tmp_path) == ["run2/.hydra/a.json", "run2/a.json", "run10/a.json"]


def test_links_are_followed_once_and_pipes_are_left_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/b/r.json": 1})
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "a" / "results.json")
    assert names(tmp_path) == ["a/b/r.json"]


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{at}.json": 1 for at in range(4)})
    assert len(files_below(tmp_path, most=4)) == 4
    with pytest.raises(SourceError, match="more than 3 files"):
        files_below(tmp_path, most=3)
