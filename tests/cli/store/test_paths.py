"""Paths that no store, log or report can have: an error with its reason, the same before and while running."""

import os
from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.paths import ROOT

STUDY = (
    "study: s\ntrainer: simulated\nfactors: {k: {sets: settings.k, levels: [1, 2]}}\ndesign: [{add_one: {from: {}}}]\n"
)


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x" * 300, "cannot be a store: File name too long"),
        ("study.yaml/x.db", "cannot be a store: Not a directory"),
        ("loop", "cannot be a store: Too many levels of symbolic links"),
        ("pipe", "is no store: not a file"),
        ("device", "is no store: not a file"),
        (".", "is a folder"),
    ],
)
def test_what_cannot_be_a_store_is_said_by_every_command(
    ablate: Ablate, tmp_path: Path, prefix: str, name: str, reason: str
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(STUDY)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for words in (("plan", study), ("run", study), ("report", "s"), ("status",), ("reset", "s", "k=2")):
        result = ablate(*words, "--store", f"{prefix}{tmp_path / name}")
        assert (result.code, result.out) == (2, ""), words
        assert reason in result.err, words
        assert "Traceback" not in result.err


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_log_that_has_no_end_is_refused(ablate: Ablate, tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    result = ablate("import", tmp_path / kind, "--study", "f")
    assert result.code == 2
    assert f"{kind}: cannot be read: it is a pipe or a device, not a file" in result.err


def test_a_log_behind_a_link_is_read(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "log.md").symlink_to(ROOT / "studies/reference/baseline-log.md")
    assert ablate("import", tmp_path / "log.md", "--study", "f").code == 0
