import os

import numpy as np
import torch

from ablate.train.seeding import below, deterministic, uniform

SIXTEEN = np.arange(16)
FIRST = [0.898723740688276, 0.1338742841960635, 0.19085263065859825]
LATER = [0.9273937200714262]


def test_a_draw_depends_on_its_slot_and_not_on_the_batch():
    whole = uniform(3, "flip", 5, SIXTEEN)
    assert np.array_equal(uniform(3, "flip", 5, SIXTEEN[:4]), whole[:4])
    assert np.array_equal(uniform(3, "flip", 5, SIXTEEN[::-3]), whole[::-3])


def test_a_slot_with_many_draws_keeps_them_too():
    whole = uniform(3, "erase", 5, SIXTEEN, each=100)
    assert whole.shape == (16, 100)
    assert np.array_equal(uniform(3, "erase", 5, SIXTEEN[:2], each=100), whole[:2])


def test_seed_name_and_step_each_make_another_stream():
    drawn = [uniform(*address, np.arange(1000)) for address in [(0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1)]]
    assert len(np.unique(drawn)) == 4000
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.15


def test_streams_are_the_same_on_every_machine():
    # Written down once: a change here would unpair new trials from the stored ones.
    assert uniform(0, "augment/flip", 0, np.arange(3)).tolist() == FIRST
    assert uniform(2**31, "augment/flip", 10**9, np.arange(1)).tolist() == LATER


def test_draws_below_a_bound_are_uniform_integers():
    counts = np.bincount(below(uniform(0, "x", 0, np.arange(60_000)), 6))
    assert len(counts) == 6
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 25.7  # chi-square with 5 degrees, p = 0.0001


def test_deterministic_sets_what_torch_offers():
    deterministic(1)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == 1
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark
    assert not torch.backends.cuda.matmul.allow_tf32
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
