"""Packing a made-up set: what comes out, that it goes on whatever ended it, and what it says of broken files."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from ablate.errors import DataError
from ablate.retrieval.data import SPLITS
from ablate.retrieval.data.entries import ImageEntry, ImageList
from ablate.retrieval.data.packing import decode, format, packer
from ablate.retrieval.data.packing.format import FOLDER
from tests.support.retrieval.trees import SIZE, entry, expected, files, photograph, place, prepare, tree
from tests.support.store.disks import Disk

PHOTOS = 24
IMAGES = 32  # every third photograph has two


@pytest.fixture
def listing(tmp_path: Path) -> ImageList:
    return tree(tmp_path / "set", PHOTOS)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packer, "BLOCK", 2)


@dataclass
class Told:
    """Hears everything; raises what it is given once so many photographs are done."""

    texts: list[str] = field(default_factory=list)
    counts: list[tuple[int, int]] = field(default_factory=list)
    at: int = -1
    error: type[BaseException] = KeyboardInterrupt

    def notify(self, text: str) -> None:
        self.texts.append(text)

    def advance(self, done: int, total: int) -> None:
        self.counts.append((done, total))
        if done == self.at:
            raise self.error


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the photographs that are opened, as they are."""
    found: list[str] = []
    real = decode.open_photo

    def noted(path: Path) -> object:
        found.append(path.name)
        return real(path)

    monkeypatch.setattr(decode, "open_photo", noted)
    return found


def pixels(listing: ImageList) -> np.ndarray:
    return format.read(place(listing.root), SIZE, format.require(place(listing.root)).fingerprint)[0]


def test_images_are_what_pillow_makes_of_the_boxes(listing: ImageList) -> None:
    prepare(listing)
    assert np.array_equal(pixels(listing), expected(listing))
    assert not pixels(listing).flags.writeable


def test_labels_are_those_of_the_entries(listing: ImageList) -> None:
    record = prepare(listing)
    assert (record.images, record.items, record.categories) == (IMAGES, PHOTOS // 2, ("odd", "even"))
    _, labels = format.read(place(listing.root), SIZE, record.fingerprint)
    assert set(labels) == set(format.COLUMNS)
    for n, one in enumerate(listing.entries):
        assert listing.categories[labels["category"][n]] == one.category
        assert SPLITS[labels["split"][n]] == one.split
        found = [labels[name][n] for name in ("domain", "role", "camera", "source")]
        assert found == [one.domain, one.role, one.camera, one.source.encode()]
        for m, other in enumerate(listing.entries):
            assert (labels["item"][n] == labels["item"][m]) == (one.item == other.item)


def test_each_photograph_is_read_once(listing: ImageList, reads: list[str]) -> None:
    prepare(listing)
    assert sorted(reads) == sorted(set(reads))
    assert len(reads) == PHOTOS
    prepare(listing)
    assert len(reads) == PHOTOS, "a pack that is there is not made again"


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_bytes_do_not_depend_on_the_number_of_threads(
    tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, other = tree(tmp_path / "one", PHOTOS), tree(tmp_path / "two", PHOTOS)
    monkeypatch.setattr(decode, "THREADS", 3)
    prepare(alone)
    monkeypatch.setattr(decode, "THREADS", threads)
    prepare(other)
    assert files(alone.root) == files(other.root)


def test_the_fingerprint_is_of_annotations_and_photographs_and_not_of_the_size(tmp_path: Path) -> None:
    def prints(**changed: str) -> str:
        shutil.rmtree(tmp_path / "set", ignore_errors=True)
        made = tree(tmp_path / "set", 3)
        if "photo" in changed:
            photograph(made.root / "a/002.jpg", 99)
        content = changed.get("content", made.content)
        size = (4, 4) if "size" in changed else SIZE
        return packer.prepare(place(made.root), lambda: replace(made, content=content), size, None).fingerprint

    plain = prints()
    assert prints() == plain == prints(size="other")
    assert len({plain, prints(photo="other"), prints(content="0" * 64)}) == 3


def test_two_sizes_lie_beside_each_other(listing: ImageList) -> None:
    one = prepare(listing)
    other = packer.prepare(place(listing.root), lambda: listing, (4, 4), None)
    assert one == other
    assert place(listing.root).sizes(one.fingerprint) == [(4, 4), SIZE]


# Interruptions


def undisturbed(tmp_path: Path, photos: int = PHOTOS) -> dict[str, bytes]:
    """What a run that nothing disturbs leaves, of the same set elsewhere."""
    listing = tree(tmp_path / "undisturbed", photos)
    prepare(listing)
    return files(listing.root)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_is_done_is_not_done_again(
    tmp_path: Path, listing: ImageList, reads: list[str], error: type[BaseException]
) -> None:
    whole = undisturbed(tmp_path)
    reads.clear()
    with pytest.raises((KeyboardInterrupt, DataError)):
        prepare(listing, watcher=Told(at=11, error=error))
    assert not list((listing.root / FOLDER).glob("[0-9]*"))
    reads.clear()
    told = Told()
    prepare(listing, watcher=told)
    assert len(reads) == PHOTOS - 11
    assert told.counts[0] == (11, PHOTOS)
    assert told.counts[-1] == (PHOTOS, PHOTOS)
    assert files(listing.root) == whole


@pytest.mark.usefixtures("small_blocks")
def test_a_photograph_that_changed_meanwhile_is_read_again(listing: ImageList, reads: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepare(listing, watcher=Told(at=20))
    photograph(listing.root / "a/002.jpg", 99)
    reads.clear()
    prepare(listing)
    assert "002.jpg" in reads
    assert "004.jpg" not in reads
    assert np.array_equal(pixels(listing), expected(listing))


@pytest.mark.usefixtures("small_blocks")
def test_other_annotations_and_other_sizes_do_not_go_on_from_it(listing: ImageList, reads: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepare(listing, watcher=Told(at=20))
    (left,) = place(listing.root).partials()
    for other, size in ((replace(listing, content="1" * 64), SIZE), (listing, (4, 4))):
        reads.clear()
        told = Told()
        packer.prepare(place(listing.root), lambda other=other: other, size, None, told)
        assert len(reads) == PHOTOS
        assert any(str(left) in text for text in told.texts) == (size == SIZE), "what is left over is told of"


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("tail", ["garbage", "torn", "zeros", "headless", "other", "no images"])
def test_a_journal_is_believed_as_far_as_it_is_whole(
    tmp_path: Path, listing: ImageList, reads: list[str], tail: str
) -> None:
    whole = undisturbed(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        prepare(listing, watcher=Told(at=11))
    (partial,) = place(listing.root).partials()
    journal = partial / "journal"
    content = journal.read_bytes()
    lines = content.splitlines(keepends=True)
    damaged, good = {
        "garbage": (content + b"\xff\xfe nonsense\n", 11),
        "torn": (content[:-20], 10),
        "zeros": (content + bytes(4096), 11),
        "headless": (b"".join(lines[1:]), 0),
        "other": (lines[0].replace(b"16x8", b"8x16") + b"".join(lines[1:]), 0),
        "no images": (content, 0),
    }[tail]
    journal.write_bytes(damaged)
    if tail == "no images":
        (partial / "images.npy").unlink()
    reads.clear()
    with pytest.raises(KeyboardInterrupt):
        prepare(listing, watcher=Told(at=15))
    assert journal.read_bytes().count(b"\n") == 1 + 15
    prepare(listing)
    assert len(reads) >= PHOTOS - good
    assert len(set(reads)) == PHOTOS - good
    assert files(listing.root) == whole


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("corrupt", [None, "skip"])
@pytest.mark.parametrize("end", range(16))
def test_it_goes_on_from_every_step_of_the_end(
    tmp_path: Path, listing: ImageList, reads: list[str], monkeypatch: pytest.MonkeyPatch, end: int, corrupt: str | None
) -> None:
    """Dies before its n-th call to the system that changes a file of the finished pack, for every n."""
    other = tree(tmp_path / "other", PHOTOS)
    if corrupt:
        for one in (listing, other):
            (one.root / "b/007.jpg").write_bytes(b"broken")
    prepare(other, corrupt)
    calls = 0

    def dying(real):  # type: ignore[no-untyped-def]
        def call(*words, **named):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            if calls > end:
                raise KeyboardInterrupt
            return real(*words, **named)

        return call

    with monkeypatch.context() as patch:
        for module, name in ((os, "fsync"), (Path, "replace"), (Path, "rename"), (Path, "unlink")):
            patch.setattr(module, name, dying(getattr(module, name)))
        patch.setattr(packer, "save", dying(packer.save))
        with pytest.raises(KeyboardInterrupt):
            prepare(listing, corrupt)
    reads.clear()
    prepare(listing, corrupt)
    found, wanted = files(listing.root), files(other.root)
    for stray in ("journal", ".lock"):
        found = {name: content for name, content in found.items() if not name.endswith(stray)}
    assert found == {
        name: content.replace(str(other.root).encode(), str(listing.root).encode()) for name, content in wanted.items()
    }


SCRIPT = """
import os, signal, sys
from pathlib import Path
from ablate.retrieval.data.packing import packer as packing
from tests.support.retrieval.trees import prepare, tree_of

packing.BLOCK = 4
root, photos, end = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

class Killing(packing.SilentObserver):
    def advance(self, done, total):
        if done >= end:
            os.kill(os.getpid(), signal.SIGKILL)

prepare(tree_of(root, photos), watcher=Killing())
"""


def started(root: Path, photos: int, end: int) -> subprocess.Popen[bytes]:
    """A process of its own that packs the tree, and is killed once so many photographs are done."""
    command = [sys.executable, "-c", SCRIPT, root, str(photos), str(end)]
    return subprocess.Popen(command)


@pytest.mark.parametrize(
    ("photos", "kills"), [(60, 2), pytest.param(1500, 10, marks=pytest.mark.slow)], ids=["quick", "whole"]
)
def test_killed_at_random_points_it_gives_the_same_bytes(tmp_path: Path, photos: int, kills: int) -> None:
    """SIGKILL to a real process, wherever its threads are then."""
    whole = undisturbed(tmp_path, photos)
    listing = tree(tmp_path / "set", photos)
    draw = random.Random(photos)
    for point in sorted(draw.sample(range(1, photos), kills)):
        assert started(listing.root, photos, point).wait() == -signal.SIGKILL
        (journal,) = (listing.root / FOLDER).glob(".partial-*/journal")
        assert point - 4 <= journal.read_bytes().count(b"\n") - 1 <= point
        assert not list((listing.root / FOLDER).glob("[0-9]*"))
    assert started(listing.root, photos, photos + 1).wait() == 0
    assert files(listing.root) == whole


def test_of_two_processes_at_once_one_waits_and_finds_it_done(tmp_path: Path) -> None:
    whole = undisturbed(tmp_path, 60)
    listing = tree(tmp_path / "set", 60)
    both = [started(listing.root, 60, 61) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert files(listing.root) == whole


@pytest.mark.usefixtures("small_blocks")
def test_who_waits_is_told_why_and_reads_nothing(listing: ImageList, reads: list[str]) -> None:
    waiting = Told()
    others: list[Thread] = []

    class Starting(Told):
        def advance(self, done: int, total: int) -> None:
            if not others:
                others.append(Thread(target=prepare, args=(listing, None, waiting)))
                others[0].start()
            while not any("waiting" in text for text in waiting.texts):
                time.sleep(0.001)

    prepare(listing, watcher=Starting())
    others[0].join()
    assert len(reads) == PHOTOS
    assert not waiting.counts


def test_without_locks_it_warns_and_goes_on(listing: ImageList, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    told = Told()
    prepare(listing, watcher=told)
    assert any("No locks available" in text and "one process at a time" in text for text in told.texts)
    assert np.array_equal(pixels(listing), expected(listing))


# Broken files


def broken(listing: ImageList) -> ImageList:
    """Six photographs that cannot be read, each for another reason, and two boxes that cannot be cut."""
    whole = (listing.root / "a/002.jpg").read_bytes()
    (listing.root / "a/002.jpg").write_bytes(whole[:-60])
    (listing.root / "b/003.jpg").unlink()
    (listing.root / "a/004.jpg").write_bytes(b"")
    (listing.root / "b/005.jpg").write_bytes(b"no image")
    (listing.root / "b/007.jpg").unlink()
    (listing.root / "b/007.jpg").mkdir()
    boxes = {("a/012.jpg", (10, 5, 60, 30)): (10, 5, 99, 30), ("a/018.jpg", (0, 0, 30, 40)): (30, 0, 30, 40)}
    entries = [replace(one, box=boxes.get((one.path, one.box), one.box)) for one in listing.entries]
    return replace(listing, entries=entries)


BROKEN = {"a/002.jpg", "b/003.jpg", "a/004.jpg", "b/005.jpg", "b/007.jpg"}


def is_whole(one: ImageEntry) -> bool:
    return one.path not in BROKEN and one.box not in [(10, 5, 99, 30), (30, 0, 30, 40)]


FOUND = (
    "a/002.jpg: found a file that is damaged (image file is truncated",
    "b/003.jpg: found no file, expected an image",
    "a/004.jpg: found a file that is damaged (it is empty: 0 bytes), expected a whole image",
    "b/005.jpg: found a file that is damaged (no image of at least 1x1 pixels is recognised in its 8 bytes)",
    "b/007.jpg: found a path that cannot be read (Is a directory)",
    "list.txt, line 13: found the box [10, 5, 99, 30] (left, top, right, bottom), expected one that lies in the 60x40",
    "list.txt, line 19: found the box [30, 0, 30, 40] (left, top, right, bottom), which has no area",
)


@pytest.mark.parametrize("corrupt", [None, "refuse"])
def test_every_fault_is_listed_and_all_else_is_kept(listing: ImageList, reads: list[str], corrupt: str | None) -> None:
    wrong = broken(listing)
    with pytest.raises(DataError) as caught:
        prepare(wrong, corrupt)
    said = str(caught.value)
    for found in FOUND:
        assert found in said
    assert "8 of 32 images cannot be packed" in said, "b/003.jpg has two"
    assert "--size 16 8 --corrupt skip" in said
    assert not list((listing.root / FOLDER).glob("[0-9]*"))
    reads.clear()
    with pytest.raises(DataError) as again:
        prepare(wrong, corrupt)
    assert str(again.value) == said
    assert {*reads} == {name[2:] for name in BROKEN} | {"012.jpg", "018.jpg"}, "only what is broken is read again"


def test_replaced_files_alone_are_read(tmp_path: Path, listing: ImageList, reads: list[str]) -> None:
    whole = undisturbed(tmp_path)
    photo = (listing.root / "b/003.jpg").read_bytes()
    (listing.root / "b/003.jpg").write_bytes(photo[:100])
    with pytest.raises(DataError, match=r"2 of 32 images .*\n.*003\.jpg.*\nAll others"):
        prepare(listing)
    (listing.root / "b/003.jpg").write_bytes(photo)
    reads.clear()
    prepare(listing)
    assert reads == ["003.jpg"]
    assert files(listing.root) == whole


@pytest.mark.parametrize("refused_first", [False, True])
def test_what_is_skipped_is_left_out_and_recorded(listing: ImageList, refused_first: bool) -> None:
    wrong = broken(listing)
    if refused_first:
        with pytest.raises(DataError):
            prepare(wrong)
    record = prepare(wrong, "skip")
    assert record.images == IMAGES - 8
    assert len(record.skipped) == 8
    assert all(any(found in line for line in record.skipped) for found in FOUND)
    found, labels = format.read(place(listing.root), SIZE, record.fingerprint)
    sources = [one.source.encode() for one in wrong.entries if is_whole(one)]
    wanted = dict(zip(sources, expected(wrong, is_whole), strict=True))
    assert sorted(labels["source"]) == sorted(sources)
    singles = [n for n, source in enumerate(labels["source"]) if (labels["source"] == source).sum() == 1]
    assert len(singles) > 10
    for n in singles:
        assert np.array_equal(found[n], wanted[labels["source"][n]])
    assert sorted(image.tobytes() for image in found) == sorted(image.tobytes() for image in expected(wrong, is_whole))
    stored = json.loads((place(listing.root).pack(SIZE, record.fingerprint) / "pack.json").read_text())
    assert stored["skipped"] == list(record.skipped)


def test_a_set_with_skipped_images_is_another_set(tmp_path: Path) -> None:
    prints = set()
    for names in ((), ("a/002.jpg",), ("a/004.jpg",), ("a/002.jpg", "a/004.jpg")):
        shutil.rmtree(tmp_path, ignore_errors=True)
        listing = tree(tmp_path, PHOTOS)
        for name in names:
            (tmp_path / name).write_bytes(b"broken")
        prints.add(prepare(listing, "skip").fingerprint)
    assert len(prints) == 4


def test_a_pack_with_skipped_images_is_used_unless_they_are_refused(listing: ImageList, reads: list[str]) -> None:
    photo = (listing.root / "b/003.jpg").read_bytes()
    (listing.root / "b/003.jpg").write_bytes(b"broken")
    skipping = prepare(listing, "skip")
    reads.clear()
    assert prepare(listing) == prepare(listing, "skip") == skipping
    assert not reads
    with pytest.raises(DataError, match=r"003\.jpg"):
        prepare(listing, "refuse")
    assert prepare(listing) == skipping
    (listing.root / "b/003.jpg").write_bytes(photo)
    assert prepare(listing, "refuse").skipped == ()
    assert np.array_equal(pixels(listing), expected(listing))


def test_of_many_faults_the_first_are_listed_and_the_others_counted(tmp_path: Path) -> None:
    listing = tree(tmp_path, 30)
    for one in listing.entries:
        (tmp_path / one.path).write_bytes(b"broken")
    with pytest.raises(DataError) as caught:
        prepare(listing)
    lines = str(caught.value).splitlines()
    assert [line.strip() for line in lines if "expected a whole image" in line] == [
        f"{next(e.source for e in listing.entries if e.path == path)}: {tmp_path / path}: {lines[1].split(': ', 2)[2]}"
        for path in dict.fromkeys(e.path for e in listing.entries)
    ][:20]
    assert "  and 10 more" in lines
    with pytest.raises(DataError, match="no image can be read"):
        prepare(listing, "skip")


@pytest.mark.parametrize("corrupt", [None, "skip"])
def test_half_an_archive_is_refused_before_it_is_packed(tmp_path: Path, reads: list[str], corrupt: str | None) -> None:
    listing = tree(tmp_path, 60)
    shutil.rmtree(tmp_path / "b")
    with pytest.raises(DataError) as caught:
        prepare(listing, corrupt)
    said = str(caught.value)
    assert "30 of the 60 image files that the annotations name are missing" in said
    assert "Unpack its archives again" in said
    assert str(tmp_path / "b/001.jpg") in said
    assert "and 10 more" in said
    assert not reads


def test_a_listing_of_nothing_is_refused(listing: ImageList) -> None:
    with pytest.raises(DataError, match="name no image"):
        prepare(replace(listing, entries=[]))


def test_more_categories_than_can_be_told_apart_are_refused(listing: ImageList) -> None:
    with pytest.raises(DataError, match=r"40,000 categories; at most 32,767 can be told apart"):
        prepare(replace(listing, categories=tuple(map(str, range(40_000)))))


@pytest.mark.parametrize("kind", ["grey.png", "palette.gif", "alpha.png", "cmyk.jpg"])
def test_other_kinds_of_images_become_rgb(tmp_path: Path, kind: str) -> None:
    from PIL import Image

    mode = {"grey": "L", "palette": "P", "alpha": "RGBA", "cmyk": "CMYK"}[kind.partition(".")[0]]
    Image.new(mode, (20, 10), 1).save(tmp_path / kind)
    listing = ImageList(tmp_path, [entry(kind, 0, None)], ("even",), "0" * 64)
    prepare(listing)
    assert np.array_equal(pixels(listing), expected(listing))


# The disk


def test_too_little_room_is_said_before_anything_is_read(disk: Disk, reads: list[str]) -> None:
    listing = tree(disk.path, 6)
    disk.fill(leave=100_000)
    with pytest.raises(DataError, match=r"needs 50\.3 MB more \(8 images at 2048x1024 pixels\).* has 0\.1 MB free"):
        packer.prepare(place(disk.path), lambda: listing, (2048, 1024), None)
    assert not reads


@pytest.mark.usefixtures("small_blocks")
def test_a_disk_that_fills_up_loses_nothing(disk: Disk, tmp_path: Path, reads: list[str]) -> None:
    size = (256, 256)
    other = tree(tmp_path / "other", PHOTOS)
    packer.prepare(place(other.root), lambda: other, size, None)
    listing = tree(disk.path, PHOTOS)

    class Filling(Told):
        def advance(self, done: int, total: int) -> None:
            if done == 8:
                disk.fill()

    with pytest.raises(DataError, match=r"No space left on device.*Finished work is kept"):
        packer.prepare(place(disk.path), lambda: listing, size, None, Filling())
    disk.empty()
    reads.clear()
    packer.prepare(place(disk.path), lambda: listing, size, None)
    assert len(reads) < PHOTOS
    assert files(disk.path) == files(other.root)


@pytest.mark.parametrize("packed", [False, True])
def test_a_read_only_root_is_said_and_what_to_do(disk: Disk, packed: bool) -> None:
    listing = tree(disk.path, 6)
    record = prepare(listing) if packed else None
    disk.make_read_only()
    if packed:
        assert prepare(listing) == record
        assert np.array_equal(pixels(listing), expected(listing))
        return
    with pytest.raises(DataError) as caught:
        prepare(listing)
    for words in ("Read-only file system", "ln -s", "--root or data.root", str(disk.path)):
        assert words in str(caught.value)


# What makes a pack stale


def test_a_change_of_a_file_that_decides_the_listing_is_noticed(listing: ImageList, reads: list[str]) -> None:
    (listing.root / "list.txt").write_text("one")
    named = replace(listing, index=("list.txt",))
    prepare(named)
    assert format.require(place(listing.root)).index.keys() == {"list.txt"}
    for change in (lambda path: path.write_text("two"), lambda path: path.unlink()):
        change(listing.root / "list.txt")
        assert format.recorded(place(listing.root)) is None
        with pytest.raises(DataError, match=r"is not packed as it is now: list\.txt changed"):
            format.require(place(listing.root))
    (listing.root / "list.txt").write_text("two")
    reads.clear()
    prepare(named)
    assert len(reads) == PHOTOS
    assert format.recorded(place(listing.root)) is not None


@pytest.mark.parametrize("former", ["first form", "other form"])
def test_packs_of_another_form_are_packed_anew_and_told_of(listing: ImageList, former: str) -> None:
    packs = listing.root / FOLDER
    if former == "first form":
        old = packs / f"16x8-{'a' * 12}"
        old.mkdir(parents=True)
        (packs / "content.json").write_text(json.dumps({"fingerprint": "a" * 64}))
        (old / "images.npy").write_bytes(b"whatever it is")
    else:
        prepare(listing)
        raw = json.loads(place(listing.root).record.read_text())
        place(listing.root).record.write_text(json.dumps({**raw, "form": 1}))
    with pytest.raises(DataError, match=r"packed by another version, in a form that is no longer read"):
        format.require(place(listing.root))
    told = Told()
    prepare(listing, watcher=told)
    assert any("earlier version" in text for text in told.texts) == (former == "first form")
    assert np.array_equal(pixels(listing), expected(listing))
