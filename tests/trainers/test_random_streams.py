import hashlib

import numpy as np

from ablate.trainers.random_streams import below, uniform

SIXTEEN = np.arange(16)


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


def test_a_stream_is_philox_at_the_address_that_its_docstring_gives():
    """Written with numpy's own jumps: the step-th stretch of 2^192 blocks of the generator that the name keys."""
    key = int.from_bytes(hashlib.blake2b(b"7/augment/flip", digest_size=16).digest(), "little")
    reference = np.random.Generator(np.random.Philox(key=key).advance(5 * 2**192))
    assert np.array_equal(uniform(7, "augment/flip", 5, SIXTEEN), reference.random(16))


def test_draws_below_a_bound_are_uniform_integers():
    counts = np.bincount(below(uniform(0, "x", 0, np.arange(60_000)), 6))
    assert len(counts) == 6
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 25.7  # chi-square with 5 degrees, p = 0.0001
