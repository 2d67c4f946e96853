"""Hashes kept in the user's cache: what is not read a second time, and that nothing depends on the cache."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.errors import DataError
from ablate.trainers.project import data, kept_hashes
from ablate.trainers.project.code import code_of
from ablate.trainers.project.data import DataEntry, data_fingerprint
from ablate.trainers.project.kept_hashes import KeptFacts
from tests.support.project.files import write_files


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that keeps also files that have just been written."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept_hashes, "SETTLED_SECONDS", -1.0)
    return tmp_path / "cache" / "ablate" / "file-hashes"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The data files that are read."""
    paths: list[str] = []

    def reading(path: str, status: os.stat_result) -> str:
        paths.append(Path(path).name)
        return kept_hashes.hash_of_version(path, status)

    monkeypatch.setattr(data, "hash_of_version", reading)
    return paths


def in_a_new_process() -> None:
    kept_hashes._group.cache_clear()


def fingerprint(folder: Path, *paths: str) -> str | None:
    return data_fingerprint(folder, [DataEntry(path) for path in paths or ("photos",)])


def test_unchanged_data_are_read_once(tmp_path: Path, cache: Path, reads: list[str]) -> None:
    write_files(tmp_path, {"photos/1": b"one", "photos/2": b"two", "table": b"x"})
    first = fingerprint(tmp_path, "photos", "table")
    assert sorted(reads) == ["1", "2", "table"]
    reads.clear()
    in_a_new_process()
    assert fingerprint(tmp_path, "photos", "table") == first
    assert reads == []


def test_of_changed_data_only_the_changed_file_is_read(tmp_path: Path, cache: Path, reads: list[str]) -> None:
    write_files(tmp_path, {"photos/1": b"one", "photos/2": b"two"})
    first = fingerprint(tmp_path)
    reads.clear()
    in_a_new_process()
    os.utime(tmp_path / "photos" / "1")
    assert fingerprint(tmp_path) == first
    assert reads == ["1"]
    reads.clear()
    in_a_new_process()
    write_files(tmp_path, {"photos/2": b"TWO"})
    os.utime(tmp_path / "photos" / "2", (1, 1))
    assert fingerprint(tmp_path) != first
    assert reads == ["2"]
    (tmp_path / "photos" / "1").unlink()
    fingerprint(tmp_path)
    assert not any("photos/1" in file.read_text() for file in cache.iterdir())


def test_of_very_many_files_only_the_whole_folder_is_kept(
    tmp_path: Path, cache: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "MOST_KEPT", 1)
    write_files(tmp_path, {"photos/1": b"one", "photos/2": b"two"})
    first = fingerprint(tmp_path)
    in_a_new_process()
    assert fingerprint(tmp_path) == first
    assert len(reads) == 2
    assert len(list(cache.iterdir())) == 1


def test_a_file_that_was_just_changed_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second change in the same tick of the clock has the same size and time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "photos" / "1"
    write_files(tmp_path, {"photos/1": b"one", "train.py": "x = 1"})
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    first, code = fingerprint(tmp_path), code_of(tmp_path, Path("train.py"), None, None)
    file.write_bytes(b"ONE")
    os.utime(file, ns=times)
    write_files(tmp_path, {"train.py": "x = 2"})
    assert fingerprint(tmp_path) != first
    assert code_of(tmp_path, Path("train.py"), None, None) != code
    assert not (tmp_path / "cache").exists()


def test_data_that_change_while_they_are_read_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"photos/1": b"one"})

    def changing(path: str, status: os.stat_result) -> str:
        Path(path).write_bytes(b"longer")
        return kept_hashes.hash_of_version(path, status)

    monkeypatch.setattr(data, "hash_of_version", changing)
    with pytest.raises(DataError, match="it changes while it is read; wait until the data are complete"):
        fingerprint(tmp_path)


def test_code_is_kept_with_its_imports(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"train.py": "import a, b.c\nfrom .d import e\nsys.path.append(x)\nimport f.g"})
    write_files(tmp_path, {"a.py": "x = = 1", "b/c.py": "", "f/__init__.py": "", "run.sh": "python train.py"})
    first = code_of(tmp_path, Path("run.sh"), None, None)
    assert len(first.notes) == 4
    in_a_new_process()
    monkeypatch.setattr("ablate.trainers.project.code_files._read", None)
    assert code_of(tmp_path, Path("run.sh"), None, None) == first


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"F": 1}',
        b'{"F": [[], 1]}',
        b'{"F": [V, 1]}',
        b'{"F": [V, [1, 2]]}',
        b'{"F": [V, ["x", [1]]]}',
        b'{"F": [V, ["x", ["y", [1], [], []]]]}',
    ],
)
def test_a_damaged_cache_is_as_none(tmp_path: Path, cache: Path, content: bytes) -> None:
    write_files(tmp_path, {"photos/1": b"one", "train.py": "import helper", "helper.py": ""})
    first, code = fingerprint(tmp_path), code_of(tmp_path, Path("train.py"), None, None)
    for file in cache.iterdir():
        kept = json.loads(file.read_bytes())
        path, (version, _) = next(iter(kept.items()))
        filled = content.replace(b"F", path.encode()).replace(b"V", json.dumps(version).encode())
        file.write_bytes(filled)
    in_a_new_process()
    assert fingerprint(tmp_path) == first
    assert code_of(tmp_path, Path("train.py"), None, None) == code


@pytest.mark.parametrize("place", ["/dev/null", "/proc", "relative"])
def test_a_cache_that_cannot_be_written_is_not_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    write_files(tmp_path, {"photos/1": b"one", "train.py": ""})
    first = fingerprint(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", place)
    monkeypatch.setattr(kept_hashes, "SETTLED_SECONDS", 0.0)
    assert fingerprint(tmp_path) == first
    assert code_of(tmp_path, Path("train.py"), None, None).hashes
    assert not (tmp_path / "relative").exists()


def test_files_that_were_not_used_for_long_are_removed(cache: Path, tmp_path: Path) -> None:
    write_files(cache, {"old.json": "{}", "new.json": "{}"})
    os.utime(cache / "old.json", (0, time.time() - 91 * 86400))
    write_files(tmp_path, {"photos/1": b"one"})
    fingerprint(tmp_path)
    assert not (cache / "old.json").exists()
    assert (cache / "new.json").exists()


WRITER = """
import sys
from pathlib import Path
from ablate.trainers.project.kept_hashes import KeptFacts
for number in range(60):
    facts = KeptFacts(Path(sys.argv[1]))
    assert all(fact == ["v" * 2000, path] for path, fact in facts.facts.items()), facts.facts
    facts.put(f"{sys.argv[2]} {number}", "v" * 2000, f"{sys.argv[2]} {number}")
    facts.save()
"""


def test_processes_that_write_at_the_same_time_leave_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "group.json"
    command = [sys.executable, "-c", WRITER, str(file)]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert len(KeptFacts(file).facts) >= 60
    assert [path.name for path in tmp_path.iterdir()] == ["group.json"]
