import numpy as np
import pytest
import torch

from ablate.train import ranking
from ablate.train.ranking import Marks, judge


def marks(item, camera=None, image=None, offset=0):
    count = len(item)
    camera = np.full(count, -1) if camera is None else camera
    image = np.arange(count) + offset if image is None else image
    return Marks(*(torch.as_tensor(np.asarray(each, dtype=np.int64)) for each in (item, camera, image)))


def by_definition(similarity, asked, held):
    """Sorts each query's gallery, equal similarities by index, leaves out what counts for nothing, and looks."""
    found = []
    for q, row in enumerate(similarity):
        left = [
            g
            for g in sorted(range(len(row)), key=lambda g: (-row[g], g))
            if asked.image[q] != held.image[g]
            and not (asked.item[q] == held.item[g] and asked.camera[q] >= 0 and asked.camera[q] == held.camera[g])
        ]
        hits = [place for place, g in enumerate(left, start=1) if held.item[g] == asked.item[q]]
        precisions = [number / place for number, place in enumerate(hits, start=1)]
        at_r = [precision for precision, place in zip(precisions, hits, strict=True) if place <= len(hits)]
        of = max(1, len(hits))
        found.append((min(hits, default=0), sum(precisions) / of, sum(at_r) / of))
    return found


@pytest.mark.parametrize("cells", [1, 100, 2**24])
@pytest.mark.parametrize("cameras", [False, True])
def test_against_sorting_with_many_ties(cells, cameras, monkeypatch):
    monkeypatch.setattr(ranking, "CELLS", cells)
    random = np.random.default_rng(0)
    queries, gallery = (torch.from_numpy(random.integers(-1, 2, (n, 3)).astype(np.float32)) for n in (50, 80))
    asked, held = (
        marks(random.integers(0, 60, n), random.integers(-1, 3, n) if cameras else None, offset=offset)
        for n, offset in ((50, 0), (80, 100))
    )
    expected = by_definition((queries @ gallery.T).tolist(), asked, held)
    assert 0 in {first for first, _, _ in expected}
    found = judge(queries, gallery, asked, held)
    assert found.first.dtype == np.uint32
    assert found.first.tolist() == [first for first, _, _ in expected]
    np.testing.assert_allclose(found.average, [average for _, average, _ in expected], rtol=1e-6)
    np.testing.assert_allclose(found.at_r, [at_r for _, _, at_r in expected], rtol=1e-6)


def test_an_image_is_not_found_by_itself():
    points = torch.eye(4)[[0, 0, 1, 2]]
    same = marks([7, 7, 8, 8])
    assert judge(points, points, same, same).first.tolist() == [1, 1, 3, 3]


def test_an_empty_gallery_ranks_nothing():
    found = judge(torch.ones(2, 3), torch.ones(0, 3), marks([1, 2]), marks([]))
    assert found.first.tolist() == [0, 0]
    assert found.average.tolist() == [0, 0]
