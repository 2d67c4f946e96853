"""The same image in two places: counted by brute force, and reported or refused when a list is packed."""

import json
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data.dataset import GALLERY, NO_CAMERA, QUERY
from ablate.retrieval.data.packing import format
from ablate.retrieval.data.packing.leakage import ImageName, Leakage, PackedLabels, digests, leakage
from tests.support.retrieval.trees import photograph

SIZE = (16, 12)


def brute_force(
    pixels: np.ndarray, split: np.ndarray, role: np.ndarray, item: np.ndarray, camera: np.ndarray
) -> tuple[int, ...]:
    """The five counts, from all pairs of images."""
    count = len(pixels)
    same = [(a, b) for a, b in product(range(count), repeat=2) if a != b and np.array_equal(pixels[a], pixels[b])]
    trained = {a for a, b in same if split[a] > 0 and split[b] == 0}
    shared = {a for a, b in same if split[a] == 2 and split[b] == 1}
    within = [(a, b) for a, b in same if split[a] == split[b]]
    found = [(a, b) for a, b in within if role[a] & QUERY and role[b] & GALLERY and item[a] == item[b]]
    trivial = {a for a, b in found if camera[a] != camera[b] or camera[a] == NO_CAMERA}
    own_camera = {a for a, _ in found} - trivial
    contradicted = {a for a, b in within if item[a] != item[b]}
    # Of equal images that contradict each other, all count.
    all_of_them = {a for a, b in within if b in contradicted} | contradicted
    return len(trained), len(shared), len(trivial), len(own_camera), len(all_of_them)


@pytest.mark.parametrize("seed", range(20))
def test_the_counts_are_those_of_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 60
    pixels = rng.integers(0, 40, (count, 1))
    split = rng.integers(0, 3, count).astype(np.uint8)
    role = np.where(split == 0, 0, rng.integers(1, 4, count)).astype(np.uint8)
    item = rng.integers(0, 3, count).astype(np.int32)
    camera = rng.choice([NO_CAMERA, 0, 1, 2], count).astype(np.int32)
    found = leakage(
        digests(lambda n: pixels[n].tobytes(), count),
        PackedLabels(split, role, item, lambda n: ImageName(str(n), None), camera),
    )
    counts = (found.trained, found.shared, found.trivial, found.own_camera, found.contradictory)
    assert counts == brute_force(pixels, split, role, item, camera)
    assert bool(found.examples) == bool(found)


def test_a_hundred_thousand_equal_images_take_no_quadratic_time() -> None:
    count = 100_000
    same = np.zeros(count, np.uint64)
    role = np.full(count, QUERY | GALLERY, np.uint8)
    split, item = np.full(count, 2, np.uint8), np.zeros(count, np.int32)
    found = leakage(same, PackedLabels(split, role, item, lambda n: ImageName(str(n), None)))
    assert found.trivial == count


class Listed:
    """A list of photographs that are all different, until a test copies some."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lines = folder, ["path,item,split"]
        for number in range(4):
            self.add(f"p/a{number}.png", f"a{number // 2}", "train")
            self.add(f"p/v{number}.png", f"v{number // 2}", "validation")
            self.add(f"p/b{number}.png", f"b{number // 2}", ("query", "gallery")[number % 2])

    def add(self, path: str, item: str, split: str) -> None:
        photograph(self.folder / path, len(self.lines))
        self.lines.append(f"{path},{item},{split}")

    def copy(self, source: str, target: str) -> None:
        """Put the picture of one file into another, as another kind of file if the endings differ."""
        if Path(source).suffix == Path(target).suffix:
            shutil.copy(self.folder / source, self.folder / target)
        else:
            Image.open(self.folder / source).save(self.folder / target)

    def prepare(self, **settings: str) -> Leakage:
        (self.folder / "list.csv").write_text("\n".join([*self.lines, ""]))
        record = data.prepare("csv", str(self.folder / "list.csv"), SIZE, **settings)
        assert record is not None
        assert record.leakage is not None
        return record.leakage


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    return Listed(tmp_path)


def test_different_photographs_have_no_leakage(listed: Listed) -> None:
    assert not listed.prepare(leakage="refuse")


@pytest.mark.parametrize(
    ("source", "target", "kind", "words"),
    [
        ("p/a0.png", "p/b0.png", "trained", "p/b0.png (test query; list.csv, line 4) is the same image as p/a0.png ("),
        (
            "p/a0.png",
            "p/b1.png",
            "trained",
            "p/b1.png (test gallery image; list.csv, line 7) is the same image as p/a0",
        ),
        ("p/a3.png", "p/v1.png", "trained", "p/v1.png (validation image; list.csv, line 6) is the same image as p/a3"),
        (
            "p/v0.png",
            "p/b0.png",
            "shared",
            "p/b0.png (test query; list.csv, line 4) is the same image as p/v0.png (val",
        ),
        ("p/b0.png", "p/b1.png", "trivial", "p/b0.png (test query; list.csv, line 4) is the same image as p/b1.png ("),
        ("p/b1.png", "p/b2.png", "contradictory", "is the same image as"),
        ("p/a0.png", "p/a3.png", "contradictory", "p/a3.png (training image; list.csv, line 11) is the same image as"),
        ("p/v0.png", "p/v1.png", "trivial", "p/v0.png (validation image; list.csv, line 3) is the same image as p/v1"),
    ],
)
def test_a_copy_is_reported_with_both_files(listed: Listed, source: str, target: str, kind: str, words: str) -> None:
    listed.copy(source, target)
    found = listed.prepare()
    counts = {name for name in ("trained", "shared", "trivial", "contradictory") if getattr(found, name)}
    assert counts == {kind}
    assert words in found.examples[0]
    root = str(listed.folder / "list.csv")
    assert data.leakage("csv", root, SIZE) == found, "the pack keeps it"
    with pytest.raises(
        DataError, match=rf"in every pixel at 16x12(?s:.*)`ablate data prepare csv --root {root} --size 16 12"
    ):
        listed.prepare(leakage="refuse")


def test_a_copy_by_the_own_camera_is_found_only_if_cameras_do_not_matter(listed: Listed) -> None:
    listed.lines = [f"{line},{'camera' if number == 0 else 'left'}" for number, line in enumerate(listed.lines)]
    listed.copy("p/b0.png", "p/b1.png")
    found = listed.prepare()
    assert (found.trivial, found.own_camera) == (0, 1)
    (said,) = found.counts()
    assert said.endswith("by its own camera in the gallery, so any network finds it with `evaluate.cameras: all`")
    listed.lines = [line.replace("left", "right") if "p/b1.png" in line else line for line in listed.lines]
    found = listed.prepare()
    assert (found.trivial, found.own_camera) == (1, 0)


def test_validation_that_was_cut_off_is_named_so_as_its_line_is_training(listed: Listed) -> None:
    listed.lines = [line.replace(",validation", ",train") for line in listed.lines]
    for number in range(4):
        listed.copy(f"p/v{number}.png", f"p/b{number}.png")
        listed.copy(f"p/v{number}.png", f"p/a{number}.png")
    found = " ".join(listed.prepare().examples)
    assert "(training image; list.csv, line " in found
    assert "(validation image, cut off from training; list.csv, line " in found
    assert "(validation image;" not in found


def test_the_same_picture_in_another_kind_of_file_is_the_same_image(listed: Listed) -> None:
    listed.add("p/c.tif", "c", "gallery")
    listed.copy("p/a0.png", "p/c.tif")
    assert (listed.folder / "p/c.tif").read_bytes() != (listed.folder / "p/a0.png").read_bytes()
    assert listed.prepare().trained == 1


def test_a_refused_set_is_not_packed_and_nothing_is_read_again(listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    listed.copy("p/a0.png", "p/b0.png")
    with pytest.raises(DataError, match="1 validation or test image is in training too"):
        listed.prepare(leakage="refuse")
    root = str(listed.folder / "list.csv")
    with pytest.raises(DataError, match="is not packed yet"):
        data.fingerprint("csv", root)
    monkeypatch.setattr("ablate.retrieval.data.packing.decode.open_photo", lambda _: pytest.fail("read again"))
    assert listed.prepare(leakage="warn").trained == 1


def test_an_image_that_is_query_and_gallery_is_not_its_own_copy(listed: Listed) -> None:
    listed.lines = [line.replace(",query", ",test").replace(",gallery", ",test") for line in listed.lines]
    assert not listed.prepare(leakage="refuse")


def test_two_boxes_of_one_photograph_are_two_images(listed: Listed) -> None:
    lines = [f"{line}," for line in listed.lines[1:]]
    boxes = [
        f"p/a0.png,{item},{split},{box}"
        for item, split, box in (("x", "train", "0 0 30 40"), ("y", "query", "30 0 60 40"))
    ]
    listed.lines = ["path,item,split,box", *lines, *boxes, "p/b1.png,y,gallery,1 1 30 30"]
    assert not listed.prepare(leakage="refuse")
    listed.lines[-1] = "p/./../p/b1.png,y,gallery,-1 0 61 40"  # the whole photograph again, by its box
    assert listed.prepare().contradictory == 2


def test_a_pack_of_an_earlier_version_is_looked_at_once(listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    listed.copy("p/a0.png", "p/b0.png")
    listed.prepare()
    root = str(listed.folder / "list.csv")
    place = data.catalog.place("csv", root)
    stored = place.pack(SIZE, data.fingerprint("csv", root)) / "pack.json"
    for path in (stored, place.record):
        former = json.loads(path.read_text())
        del former["leakage"]
        path.write_text(json.dumps(former))
    place.files.unlink()
    assert data.leakage("csv", root, SIZE) is None
    found = listed.prepare()
    assert found.trained == 1
    assert "list.csv, line 4 (test query) is the same image as list.csv, line 2 (training image)" in found.examples
    monkeypatch.setattr(format, "read", lambda *_: pytest.fail("read again"))
    assert listed.prepare() == found
