"""Sets that lie in a file: the same training as in memory, and nothing left behind however it ends."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.errors import AblateError, DataError
from ablate.measurement import Result
from ablate.retrieval import data
from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import Dataset
from ablate.retrieval.evaluation import pipeline
from ablate.retrieval.input import prefetch
from ablate.retrieval.input.prefetch import Indices, PrefetchReader, in_file
from ablate.retrieval.input.transfer import ahead, batchwise, fetcher, upload
from ablate.retrieval.training import loop
from ablate.retrieval.training.trainer import train_on
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import Progress, Pruned, Stopped
from tests.support.retrieval.jpegs import photographs
from tests.support.retrieval.small_training import DEVICES, interrupted, stopping_during, with_small

Configure = Callable[..., RetrievalConfig]

CPU = torch.device("cpu")
THERE = np.array([3, 0, 7, 3])


def silent(_: Progress) -> None:
    pass


@pytest.fixture
def mapped(dataset: Dataset, tmp_path: Path) -> Dataset:
    """The set with its images in a file."""
    np.save(tmp_path / "images.npy", dataset.images)
    return replace(dataset, images=np.load(tmp_path / "images.npy", mmap_mode="r"))


@pytest.fixture(autouse=True)
def nothing_is_left(mapped: Dataset, tmp_path: Path) -> Iterator[None]:
    """No thread outlasts a test, and no descriptor but the map's own."""
    threads, files = set(threading.enumerate()), opened(tmp_path)
    yield
    assert set(threading.enumerate()) <= threads
    assert opened(tmp_path) == files


def opened(folder: Path) -> int:
    """How many descriptors of this process lead to images in a folder."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            found += str(each.readlink()).startswith(str(folder / "images.npy"))
    return found


def cut(dataset: Dataset, images: int) -> Path:
    """Cuts the file off behind so many images; its map is as long as before."""
    path = Path(str(dataset.images.filename))  # type: ignore[attr-defined]
    header = path.stat().st_size - dataset.images.nbytes
    os.truncate(path, header + images * dataset.images[0].nbytes)
    return path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The lists that readers have begun to read."""
    begun: list[list[int]] = []
    inner = PrefetchReader._begin

    def begin(self, indices, file, pool):  # type: ignore[no-untyped-def]
        begun.append(indices.tolist())
        return inner(self, indices, file, pool)

    monkeypatch.setattr(PrefetchReader, "_begin", begin)
    return begun


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", ["a .npy", "raw, with an offset"])
def test_images_of_a_file_are_those_of_the_array(dataset: Dataset, tmp_path: Path, kind: str, device: str) -> None:
    path = tmp_path / "images.npy"
    if kind == "a .npy":
        np.save(path, dataset.images)
        images = np.load(path, mmap_mode="r")
    else:
        path.write_bytes(bytes(13) + dataset.images.tobytes())
        images = np.memmap(path, np.uint8, "r", 13, dataset.images.shape)
    fetch = batchwise(images, torch.device(device))
    assert isinstance(fetch, PrefetchReader)
    random = np.random.default_rng(0)
    lists = [random.integers(0, len(images), count) for count in (1, 64, 0, 3, 7, 200, 8, 9)]
    with ahead(fetch, iter(lists)) as soon:
        found = [soon(each).cpu() for each in lists]
    for indices, batch in zip(lists, found, strict=True):
        assert torch.equal(batch, torch.from_numpy(dataset.images[indices]))
    assert torch.equal(fetch(THERE).cpu(), torch.from_numpy(dataset.images[THERE]))
    assert torch.equal(upload(images, torch.device(device)).cpu(), torch.from_numpy(dataset.images))


def test_a_pack_is_read_ahead(tmp_path: Path) -> None:
    photographs(tmp_path, ["a.jpg", "b.jpg"])
    (tmp_path / "list.csv").write_text("path,item,split\na.jpg,1,test\nb.jpg,1,test\n")
    data.prepare("csv", str(tmp_path / "list.csv"), (8, 8))
    assert in_file(data.load("csv", str(tmp_path / "list.csv"), (8, 8)).images)


def test_what_is_no_whole_file_is_gathered(mapped: Dataset) -> None:
    """The place of a view in its file is not known, and changes of a private copy are in no file."""
    path = mapped.images.filename  # type: ignore[attr-defined]
    for other in (mapped.images[5:], mapped.images[::2], np.array(mapped.images), np.load(path, mmap_mode="c")):
        assert not in_file(other)
        assert torch.equal(fetcher(other, CPU)(THERE), torch.from_numpy(np.array(other)[THERE]))


def test_few_batches_are_read_ahead(mapped: Dataset, read: list[list[int]]) -> None:
    lists = [np.array([number]) for number in range(20)]
    with ahead(fetcher(mapped.images, CPU), lists) as fetch:
        assert read == []
        for number, each in enumerate(lists):
            fetch(each)
            assert len(read) == min(number + 1 + prefetch.AHEAD, len(lists))
    assert read == [[number] for number in range(20)]


def test_only_what_was_announced_is_asked_for(mapped: Dataset) -> None:
    with ahead(fetcher(mapped.images, CPU), [THERE]) as fetch, pytest.raises(AssertionError, match="announced"):
        fetch(THERE[::-1])


@pytest.mark.network
@pytest.mark.parametrize(
    "change",
    [
        {},
        {
            "batch": {"sampling": "pk", "items": 5, "images": 3},
            "loss": {"mining": "batch-hard"},
            "model": {"bn_grouping": "fused"},
        },
        {"batch": {"drawn_once": 7}, "augment": {"random_erasing": {"p": 0.5}}},
    ],
    ids=["quadruplets", "pk", "drawn once"],
)
def test_a_set_in_a_file_trains_to_the_same_bits(
    dataset: Dataset, mapped: Dataset, configure: Configure, tmp_path: Path, change: dict[str, object]
) -> None:
    config = with_small(configure, change, steps=8)
    here = interrupted(dataset, config, Checkpoints(tmp_path / "here", "key"), [])
    there = interrupted(mapped, config, Checkpoints(tmp_path / "there", "key"), [])
    disturbed = interrupted(mapped, config, Checkpoints(tmp_path / "disturbed", "key"), [1, 3, 4, 8])
    assert here[:2] == there[:2] == disturbed[:2]
    assert here[2][0].curve == there[2][0].curve == disturbed[2][0].curve


@pytest.mark.network
def test_a_training_that_goes_on_reads_what_comes_next(
    mapped: Dataset, configure: Configure, tmp_path: Path, read: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step's images once, in the order of the steps; and the tests' in blocks."""
    monkeypatch.setattr(pipeline, "BATCH", 5)
    config = with_small(configure, {}, steps=6)
    asked: list[Indices] = []
    draw = loop.draw

    def watched(source: loop.BatchSource, config: RetrievalConfig, seed: int, step: int) -> loop.TrainingBatch:
        asked.append(source.sampler.draw(seed, step))
        return draw(source, config, seed, step)

    monkeypatch.setattr(loop, "draw", watched)
    interrupted(mapped, config, Checkpoints(tmp_path / "whole", "key"), [])
    whole, tests = read[:6], read[6:]
    assert whole == [each.tolist() for each in asked]
    tested = [np.flatnonzero((mapped.split == split) & (mapped.role > 0)).tolist() for split in (1, 2)]
    assert tests == [chosen[start : start + 5] for chosen in tested for start in range(0, len(chosen), 5)]
    read.clear()
    interrupted(mapped, config, Checkpoints(tmp_path / "other", "key"), [4])
    first, then = read[:6], read[6:]
    assert first == whole, "four steps, and two ahead of them"
    assert then == whole[3:] + tests, "it goes on from the third, which was saved"


@pytest.mark.network
def test_a_training_is_watched_while_it_reads(dataset: Dataset, mapped: Dataset, configure: Configure) -> None:
    config = with_small(configure, {}, steps=6)
    shown: dict[str, list[object]] = {"memory": [], "file": []}

    def watched(images: Dataset, kind: str) -> list[Result]:
        return train_on(images, [config], 0, silent, judge=lambda interim: not shown[kind].append(interim))

    here, there = watched(dataset, "memory"), watched(mapped, "file")
    assert shown["file"] == shown["memory"] != []
    assert here[0].curve == there[0].curve


@pytest.mark.network
@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError, Stopped, Pruned])
def test_reading_ends_with_the_training_however_it_ends(
    mapped: Dataset, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    config = with_small(configure, {}, steps=50)
    during: list[int] = []

    def progress(made: Progress) -> None:
        during.append(sum(thread.name.startswith("read-ahead") for thread in threading.enumerate()))
        if made.step == 5 and fault in (KeyboardInterrupt, RuntimeError):
            raise fault

    stopping = stopping_during(5, monkeypatch) if fault is Stopped else lambda: False
    judge = (lambda _: False) if fault is Pruned else None
    with pytest.raises(fault):
        train_on(mapped, [config], 0, progress, Checkpoints(tmp_path / "state", "key", stopping), judge)
    assert max(during) > 0
    assert not any(thread.name.startswith("read-ahead") for thread in threading.enumerate())


@pytest.mark.network
def test_a_file_that_is_cut_off_ends_the_training_with_its_name(mapped: Dataset, configure: Configure) -> None:
    path = cut(mapped, 1)
    with pytest.raises(DataError) as told:
        train_on(mapped, [with_small(configure, {}, steps=4)], 0, silent)
    assert str(path) in str(told.value)
    assert f"it ends at {path.stat().st_size}" in str(told.value)


@pytest.mark.network
def test_a_file_that_is_cut_off_during_a_training(mapped: Dataset, configure: Configure) -> None:
    def progress(made: Progress) -> None:
        if made.step:
            cut(mapped, 0)

    config = with_small(configure, {}, steps=40)
    with pytest.raises(DataError, match=r"images\.npy is cut off: image \d+ lies at bytes \d+ to \d+, and it ends at"):
        train_on(mapped, [config], 0, progress)


def test_the_last_whole_image_is_read_and_the_next_is_not(mapped: Dataset) -> None:
    last = torch.from_numpy(np.array(mapped.images[4]))
    cut(mapped, 5)
    fetch = fetcher(mapped.images, CPU)
    assert torch.equal(fetch(np.array([4]))[0], last)
    size = mapped.images[0].nbytes
    with pytest.raises(DataError, match=f"image 5 lies at bytes {128 + 5 * size} to {128 + 6 * size}"):
        fetch(np.array([4, 5]))


@pytest.mark.network
def test_a_file_that_is_gone(mapped: Dataset, configure: Configure) -> None:
    Path(str(mapped.images.filename)).unlink()  # type: ignore[attr-defined]
    with pytest.raises(AblateError, match=r"images\.npy cannot be read \(No such file or directory\)"):
        train_on(mapped, [with_small(configure, {}, steps=1)], 0, silent)


@pytest.mark.network
def test_a_disk_that_fails(mapped: Dataset, configure: Configure, tmp_path: Path) -> None:
    """A folder in the file's place opens, and every read of it is an error of the system."""
    path = Path(str(mapped.images.filename))  # type: ignore[attr-defined]
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=r"images\.npy cannot be read \(Is a directory\): check the disk or the"):
        train_on(mapped, [with_small(configure, {}, steps=1)], 0, silent)


def test_a_read_that_gives_less_than_asked_goes_on(mapped: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """As signals and network disks have it."""
    preadv = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, parts, at: preadv(file, [part[:1000] for part in parts], at))
    assert torch.equal(fetcher(mapped.images, CPU)(THERE), torch.from_numpy(np.array(mapped.images)[THERE]))
