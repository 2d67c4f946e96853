import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.retrieval.evaluation import approximate_scores
from ablate.retrieval.evaluation import exact_neighbours as module
from ablate.retrieval.evaluation.exact_neighbours import first_of_equals, nearest
from tests.support.retrieval.exact_rankings import KINDS, SCREENS, features, ranking, similarities


@pytest.fixture(params=SCREENS)
def screens(request, monkeypatch):
    """Searches small galleries as large ones, whatever this machine is quick at."""
    monkeypatch.setattr(module, "precisions", lambda gallery: SCREENS[request.param])
    for file in (module, approximate_scores):
        monkeypatch.setattr(file, "GROUP", 4)


def check(queries, gallery, k):
    expected = similarities(queries, gallery)
    order = ranking(expected)[:, :k]
    found = nearest(queries, gallery, k)
    assert found.entry.dtype == torch.int64
    assert found.similarity.dtype == torch.float32
    assert np.array_equal(found.entry.numpy(), order)
    assert np.array_equal(found.similarity.numpy(), np.take_along_axis(expected, order, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_against_sorting_by_float64(kind, screens):
    for k in (1, 3, 10):
        check(*features(kind, 30, 333), k)


@pytest.mark.parametrize(("gallery", "k"), [(1, 1), (2, 1), (5, 5), (64, 64), (65, 1), (257, 200)])
def test_galleries_and_k_of_all_sizes(gallery, k, screens):
    for kind in ("random", "quantised"):
        check(*features(kind, 7, gallery), k)


@pytest.mark.parametrize("seed", range(15))
def test_any_shape_any_ties(seed, screens, monkeypatch):
    random = np.random.default_rng(seed)
    queries, gallery, width, most = random.integers(1, [20, 300, 20, 4])
    monkeypatch.setattr(module, "CELLS", int(random.integers(1, 3000)))
    monkeypatch.setattr(module, "SLAB", int(random.integers(1, 400)))
    monkeypatch.setattr(approximate_scores, "_TILE", int(random.integers(1, 100)))
    made = random.integers(-most, most + 1, (queries + gallery, width)) * random.choice([1, 0.1, 1 / 3])
    found = torch.from_numpy(made.astype(np.float32))
    check(found[:queries], found[queries:], int(random.integers(1, min(gallery, 12) + 1)))


@pytest.mark.slow
def test_as_this_machine_searches():
    check(*features("clustered", 60, 3000), 10)


def test_no_queries():
    found = nearest(torch.ones(0, 3), torch.ones(4, 3), 2)
    assert found.entry.shape == found.similarity.shape == (0, 2)


@pytest.mark.parametrize("k", [0, 5])
def test_a_k_that_cannot_be(k):
    with pytest.raises(ValueError, match=f"k is {k}, expected 1 to 4"):
        nearest(torch.ones(1, 3), torch.ones(4, 3), k)


def test_signs_of_life(monkeypatch):
    monkeypatch.setattr(module, "CELLS", 1000)
    calls = []
    nearest(*features("random", 30, 100), 3, lambda: calls.append(1))
    assert len(calls) >= 3


def test_many_equals_are_not_searched():
    vectors = torch.tensor([[1.0], [2.0], [1.0], [1.0], [3.0], [2.0], [1.0]])
    assert first_of_equals(vectors, 1).tolist() == [0, 1, 4]
    assert first_of_equals(vectors, 2).tolist() == [0, 1, 2, 4, 5]
    assert first_of_equals(vectors, 4).tolist() == list(range(7))


def test_vectors_of_equal_code_are_kept_apart(monkeypatch):
    monkeypatch.setattr(module, "_codes", lambda vectors: torch.zeros(len(vectors), dtype=torch.int64))
    vectors = torch.tensor([[1.0], [2.0], [1.0], [2.0], [2.0], [2.0]])
    assert first_of_equals(vectors, 1).tolist() == [0, 1, 2, 3]
    assert first_of_equals(vectors, 2).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("large", "step", "query"),
    [(1e20, 1e26, [1e20, 1e20, 1e10]), (3.3962e38, 1e30, [1.0, 1.0, 1.0])],
    ids=["sums on the way", "in bf16"],
)
def test_products_that_float32_holds_though_not_what_they_are_made_of(screens, large, step, query):
    gallery = torch.tensor([[large, -large, number * step] for number in range(200)])
    check(torch.tensor([query]), gallery, 3)


@pytest.mark.parametrize("kind", ["random", "clustered"])
def test_against_faiss_where_gaps_exceed_float_error(kind):
    faiss = pytest.importorskip("faiss")
    queries, gallery = features(kind, 50, 2000)
    index = faiss.IndexFlatIP(queries.shape[1])
    index.add(gallery.numpy())
    _, theirs = index.search(queries.numpy(), 10)
    ordered = -np.sort(-similarities(queries, gallery), axis=1)[:, :11]
    gaps = -np.diff(ordered, axis=1)
    clear = (gaps > 1e-5) & (np.pad(gaps, ((0, 0), (1, 0)), constant_values=1)[:, :10] > 1e-5)
    assert clear.mean() > 0.5
    assert np.array_equal(nearest(queries, gallery, 10).entry.numpy()[clear], theirs[clear])


MEMORY = """
import sys, torch
from pathlib import Path
from ablate.retrieval.evaluation import exact_neighbours as module
from tests.support.retrieval.exact_rankings import features

def status(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0]) / 1024

torch.set_num_threads(1)
module.CELLS = 2**18
queries, gallery = features(sys.argv[1], 4000, 8000)
module.nearest(queries[:10], gallery, 10)
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
module.nearest(queries, gallery, 10)
print(status("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["random", "identical", "signs", "of one coordinate"])
def test_memory_is_bounded(kind):
    """All similarities would be 122 MiB, and those that are held at once are 1, with all that is made of them.

    What glibc's heap keeps between blocks of these sizes varies from run to run, by 40 MiB.
    """
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("only Linux forgets the peak of memory when asked to")
    command = [sys.executable, "-c", MEMORY, kind]
    assert float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) < 80
