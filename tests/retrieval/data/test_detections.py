"""Detected boxes by DeepFashion2's rule: a case written out by hand, and every fault of the file named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.retrieval.data import GALLERY, QUERY, SHOP, SPLITS, USER
from ablate.retrieval.data.detections import assignment, parser
from ablate.retrieval.model.backbone import torchvision
from tests.support.retrieval.garments import SIZE, garment, photograph

NONE = -1


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Photographs are 40 pixels wide and 60 high.

    In the test, 1 and 4 are of users and have three queries: garments 1/item1, 1/item2 and 4/item1.
    """
    root = tmp_path / "deepfashion2"
    for pair in range(1, 31):
        photograph(root, "train", 2 * pair, "shop", pair, garment(1, [4, 8, 36, 56]))
        photograph(root, "train", 2 * pair + 1, "user", pair, garment(1, [4, 8, 36, 56]))
    left, right, none = garment(1, [0, 0, 20, 20]), garment(2, [20, 30, 40, 60], 7), garment(0, [0, 10, 20, 30])
    photograph(root, "validation", 1, "user", 1, left, right, none)
    photograph(root, "validation", 2, "shop", 1, garment(1, [0, 0, 20, 20]), garment(0, [20, 30, 40, 60]))
    photograph(root, "validation", 3, "shop", 1, garment(2, [0, 0, 40, 40], 7))
    photograph(root, "validation", 4, "user", 1, garment(1, [0, 0, 40, 60]))
    return root


def entry(photo: int, category: int, box: list[float], score: float) -> dict[str, Any]:
    return {"image_id": photo, "category_id": category, "bbox": box, "score": score}


# bbox is x, y, width, height
RESULTS = [
    entry(1, 1, [0, 0, 20, 18], 0.6),  # 0: on 1/item1, of its class
    entry(1, 1, [0, 0, 20, 16], 0.8),  # 1: likewise, and scored best: it stands for 1/item1
    entry(1, 1, [0, 0, 18, 16], 0.8),  # 2: scored as well, but later
    entry(1, 2, [0, 0, 20, 20], 0.99),  # 3: fits 1/item1 exactly, and is of another class
    entry(1, 1, [0, 9, 20, 20], 0.95),  # 4: overlaps 1/item1 too, but 1/item3 more, whose style is 0
    entry(1, 1, [20, 30, 20, 30], 0.9),  # 5: on 1/item2, and not of its class: that query is a miss
    entry(1, 7, [30, 5, 5, 5], 0.9),  # 6: on none
    entry(2, 1, [0, 0, 10, 20], 0.3),  # 7: half of 2/item1: IoU .5, of its item
    entry(2, 1, [0, 0, 9, 20], 0.3),  # 8: less than half: of none
    entry(2, 1, [20, 30, 20, 30], 0.3),  # 9: fits a garment of style 0: of none
    entry(3, 5, [0, 0, 40, 40], 0.3),  # 10: fits 3/item1 and is of another class: of its item, but of the class found
    entry(3, 7, [25, 45, 10, 10], 0.3),  # 11: on none: of none
]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(RESULTS))
    return path


def detect(root: Path, results: Path) -> data.DetectedBoxes:
    data.prepare_detections("deepfashion2", str(root), SIZE, str(results))
    return data.detected("deepfashion2", str(root), SIZE, str(results))


def numbers(dataset: data.Dataset) -> list[int]:
    """Which entries of the file the images are."""
    return [int(source.decode().removeprefix("results.json, entry ")) for source in dataset.source]


def test_each_query_has_the_best_scored_detection_of_its_class(root: Path, results: Path) -> None:
    found = detect(root, results)
    annotated = data.load("deepfashion2", str(root), SIZE)
    queries = annotated.source[(annotated.split == SPLITS.index("test")) & (annotated.role == QUERY)]
    assert queries.tolist() == [
        b"validation/annos/000001.json, item1",
        b"validation/annos/000001.json, item2",
        b"validation/annos/000004.json, item1",
    ]
    stands = [NONE if image == NONE else numbers(found.dataset)[image] for image in found.stands_for]
    assert stands == [1, NONE, NONE]


def test_shops_boxes_are_the_gallery_and_count_from_half_an_overlap(root: Path, results: Path) -> None:
    found = detect(root, results).dataset
    assert sorted(numbers(found)) == [1, 7, 8, 9, 10, 11]
    annotated = data.load("deepfashion2", str(root), SIZE)
    item = dict(zip(annotated.source.tolist(), annotated.item.tolist(), strict=True))
    first, second = (item[f"validation/annos/{name}, item1".encode()] for name in ("000002.json", "000003.json"))
    assert dict(zip(numbers(found), found.item.tolist(), strict=True)) == {
        1: first,
        7: first,
        8: NONE,
        9: NONE,
        10: second,
        11: NONE,
    }
    for n, image in enumerate(numbers(found)):
        assert found.categories[found.category[n]] == annotated.categories[RESULTS[image]["category_id"] - 1]
        assert (found.role[n], found.domain[n]) == ((QUERY, USER) if image == 1 else (GALLERY, SHOP))
        assert SPLITS[found.split[n]] == "test"


def test_images_are_the_detected_boxes(root: Path, results: Path) -> None:
    found = detect(root, results).dataset
    for image, number in zip(found.images, numbers(found), strict=True):
        x, y, width, height = RESULTS[number]["bbox"]
        whole = Image.open(root / f"validation/image/{RESULTS[number]['image_id']:06d}.jpg")
        part = whole.crop((x, y, x + width, y + height)).resize(SIZE[::-1], Image.Resampling.BICUBIC)
        assert np.array_equal(image, np.asarray(part))


def test_they_are_packed_once_and_anew_when_the_file_changes(
    root: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = detect(root, results).dataset.fingerprint
    with monkeypatch.context() as patch:
        patch.setattr(assignment, "assign", lambda *_: pytest.fail("packed again"))
        assert detect(root, results).dataset.fingerprint == first
    results.write_text(json.dumps(RESULTS[:-1]))
    with pytest.raises(DataError, match=r"evaluate\.detections: .*results\.json is not packed at 16x8 .*`ablate run`"):
        data.detected("deepfashion2", str(root), SIZE, str(results))
    found = detect(root, results)
    assert found.dataset.fingerprint != first
    assert len(found.dataset.images) == 5


def test_photographs_that_the_set_was_packed_without_are_left_out(root: Path, results: Path) -> None:
    (root / "validation/image/000003.jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"000003\.jpg"):
        detect(root, results)
    data.prepare("deepfashion2", str(root), SIZE, "skip")
    found = detect(root, results)
    assert sorted(numbers(found.dataset)) == [1, 7, 8, 9]
    assert [numbers(found.dataset)[n] for n in found.stands_for if n != NONE] == [1]


@pytest.mark.slow
def test_overlaps_are_those_of_torchvision() -> None:
    draw = np.random.default_rng(0).uniform(0, 40, (2, 200, 4))
    boxes = np.concatenate([np.minimum(*np.split(draw, 2, 2)), np.maximum(*np.split(draw, 2, 2)) + 1e-3], axis=2)
    wanted = torchvision().ops.box_iou(*torch.from_numpy(boxes)).numpy()
    found = [[assignment.overlap(tuple(one), tuple(other)) for other in boxes[1]] for one in boxes[0]]
    assert np.allclose(found, wanted, rtol=1e-12, atol=0)


def refused(root: Path, results: Path, content: Any) -> str:
    results.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(DataError) as caught:
        detect(root, results)
    assert str(results) in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_id": 17}, "image_id 17: there is no such photograph"),
        ({"image_id": "1"}, "image_id '1': there is no such photograph"),
        ({"image_id": True}, "image_id True"),
        ({"category_id": 0}, "category_id 0: there is no such category"),
        ({"category_id": 14}, "category_id 14: there is no such category"),
        ({"category_id": 1.0}, "category_id 1.0"),
        ({"bbox": [1, 2, 3]}, "bbox [1, 2, 3]: not four finite numbers"),
        ({"bbox": [1, 2, 3, None]}, "bbox [1, 2, 3, None]: not four finite numbers"),
        ({"bbox": [1, 2, 3, float("nan")]}, "not four finite numbers"),
        ({"bbox": [1, 2, 0, 4]}, "which has no area"),
        ({"bbox": [1, 2, 3, -4]}, "which has no area"),
        ({"bbox": [30, 2, 30, 4]}, "found the box [30, 2, 60, 6] (left, top, right, bottom), expected one that lies"),
        ({"bbox": [0, -9, 30, 40]}, "in the 40x60 pixels of"),
        ({"score": "high"}, "score 'high': not a finite number"),
        ({"bbox": [10**400, 2, 3, 4]}, "not four finite numbers"),
        ({"bbox": [1e308, 2, 1e308, 4]}, "its right or bottom side is no finite number"),
        ({"score": float("inf")}, "score inf: not a finite number"),
        ({"score": 10**400}, "not a finite number"),
    ],
    ids=str,
)
@pytest.mark.parametrize("number", [0, 6])
def test_a_wrong_value_names_the_entry(
    root: Path, results: Path, number: int, change: dict[str, Any], said: str
) -> None:
    """Entry 6 counts for nothing, and is checked all the same."""
    wrong = [{**each, **(change if n == number else {})} for n, each in enumerate(RESULTS)]
    text = refused(root, results, wrong)
    assert f"entry {number}: " in text
    assert said in text
    assert "1 of its 12 entries (counted from 0)" in text


@pytest.mark.parametrize("key", ["image_id", "category_id", "bbox", "score"])
def test_a_missing_key_is_named(root: Path, results: Path, key: str) -> None:
    wrong = [{k: v for k, v in each.items() if k != key or n != 3} for n, each in enumerate(RESULTS)]
    assert f"entry 3: no {key}" in refused(root, results, wrong)


def test_every_fault_is_named_at_once(root: Path, results: Path) -> None:
    text = refused(root, results, [{}, 5, entry(1, 99, [0, 0, 5, 5], 1.0), *RESULTS])
    for said in ("3 of its 15", "entry 0: no image_id, category_id, bbox, score", "entry 1: found 5", "entry 2: cat"):
        assert said in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON"),
        ('{"a": 1}', "found a JSON dict, not a list"),
        ("[]", "of its 0 detections"),
        ("", "no JSON"),
    ],
)
def test_what_is_no_list_of_detections_is_refused(root: Path, results: Path, content: str, said: str) -> None:
    assert said in refused(root, results, content)


def test_a_missing_file_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"evaluate\.detections: .*none\.json cannot be read \(No such file"):
        detect(root, tmp_path / "none.json")


def test_no_other_set_has_a_rule(results: Path) -> None:
    with pytest.raises(DataError, match="only deepfashion2 has a rule for detected boxes; emoji has none"):
        data.prepare_detections("emoji", None, SIZE, str(results))
    with pytest.raises(DataError, match="emoji has none"):
        data.detected("emoji", None, SIZE, str(results))


def test_boxes_are_rounded_to_whole_pixels() -> None:
    found = parser.Detection(0, 1, 0, (0.4, 1.6, 9.6, 20.4), 0.5)
    assert found.corners == (0, 2, 10, 20)
