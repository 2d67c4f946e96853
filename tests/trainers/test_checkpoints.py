"""Files of checkpoints: whatever is done to the newest, the one before is used."""

import os
from pathlib import Path

import pytest

from ablate.trainers.checkpoints import Checkpoints


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "deep" / "folder", "owner")


def files(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_the_newest_of_two_is_found_and_older_ones_go(checkpoints: Checkpoints) -> None:
    assert checkpoints.newest() is None
    for step in (1, 20, 3, 100):
        checkpoints.save(step, f"state {step}".encode())
    assert checkpoints.newest() == b"state 100"
    assert files(checkpoints) == ["000000003.ckpt", "000000100.ckpt"]


def test_states_beyond_the_step_that_is_saved_go_too(checkpoints: Checkpoints) -> None:
    """They were passed over when the training was taken up; left in place they would crowd out good ones."""
    for step in (5, 6):
        checkpoints.save(step, b"")
    checkpoints.save(2, b"two")
    assert files(checkpoints) == ["000000002.ckpt"]


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 40])
def test_a_checkpoint_cut_off_anywhere_is_passed_over(checkpoints: Checkpoints, length: int) -> None:
    checkpoints.save(1, b"the first state")
    checkpoints.save(2, b"the second state")
    newest = checkpoints.folder / "000000002.ckpt"
    newest.write_bytes(newest.read_bytes()[:length])
    assert checkpoints.newest() == b"the first state"


def test_one_flipped_bit_is_noticed_wherever_it_is(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, b"state")
    path = checkpoints.folder / "000000001.ckpt"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert checkpoints.newest() is None
    path.write_bytes(whole)
    assert checkpoints.newest() == b"state"


def test_another_trainings_checkpoint_is_foreign(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, b"ours")
    Checkpoints(checkpoints.folder, "somebody").save(2, b"theirs")
    assert checkpoints.newest() == b"ours"


def test_other_files_in_the_folder_are_no_checkpoints(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, b"state")
    for name in ("notes.ckpt", "000000002.ckpt.1.part", "readme"):
        (checkpoints.folder / name).write_bytes(b"?")
    (checkpoints.folder / "000000009.ckpt").mkdir()
    assert checkpoints.newest() == b"state"


def test_the_new_state_is_synced_before_it_takes_its_name(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every moment at which the process could die, the old state or the new one is whole."""
    checkpoints.save(1, b"old")
    seen: list[bytes | None] = []
    sync = os.fsync

    def watch(handle: int) -> None:
        seen.append(checkpoints.newest())
        sync(handle)

    monkeypatch.setattr(os, "fsync", watch)
    checkpoints.save(2, b"new")
    assert seen == [b"old", b"new"]  # the file's own sync comes before the rename, the folder's after it


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(checkpoints: Checkpoints) -> None:
    checkpoints.folder.mkdir(parents=True)
    checkpoints.folder.chmod(0o500)
    with pytest.raises(OSError, match="denied"):
        checkpoints.save(1, b"")


def test_a_full_disk_leaves_what_was_there(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, b"old")
    (checkpoints.folder / "000000002.ckpt").mkdir()  # nothing can be renamed onto a folder
    with pytest.raises(OSError, match="directory"):
        checkpoints.save(2, b"new")
    assert checkpoints.newest() == b"old"
    assert not list(checkpoints.folder.glob("*.part"))


def test_clearing_leaves_nothing(checkpoints: Checkpoints) -> None:
    checkpoints.clear()
    checkpoints.save(1, b"state")
    checkpoints.clear()
    assert not checkpoints.folder.exists()


def test_how_far_a_training_is_stands_in_the_names(checkpoints: Checkpoints) -> None:
    """Nothing is read: a torn state counts, which a training may yet pass over."""
    assert checkpoints.reached() == 0
    for step in (7, 30, 200):
        checkpoints.save(step, b"state")
    (checkpoints.folder / "000000200.ckpt").write_bytes(b"torn")
    (checkpoints.folder / "notes.ckpt").write_bytes(b"?")
    (checkpoints.folder / "000000300.5.part").write_bytes(b"?")
    assert checkpoints.reached() == 200
    checkpoints.clear()
    assert checkpoints.reached() == 0


def test_nobody_asks_for_a_stop_unless_somebody_does(tmp_path: Path) -> None:
    assert not Checkpoints(tmp_path, "owner").stopping()
    assert Checkpoints(tmp_path, "owner", lambda: True).stopping()


def test_who_offers_a_state_learns_whether_it_was_written(checkpoints: Checkpoints) -> None:
    assert checkpoints.offer(1, b"state")
    (checkpoints.folder / "000000002.ckpt").mkdir()
    assert not checkpoints.offer(2, b"state")
