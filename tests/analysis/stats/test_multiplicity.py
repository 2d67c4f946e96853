"""Adjusted p-values against worked examples of the literature, and other libraries."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import ArrayLike, NDArray
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from ablate.analysis.stats.multiplicity import benjamini_hochberg, holm

Floats = NDArray[np.float64]
Adjust = Callable[[ArrayLike], Floats]

unhurried = settings(deadline=None)  # the first call of a library's function imports half of it
probabilities = hnp.arrays(float, st.integers(1, 12), elements=st.floats(0, 1))


def test_holm_of_the_literature() -> None:
    assert holm([0.319, 0.201, 0.4, 0.374, 0.113]) == pytest.approx([0.957, 0.804, 0.957, 0.957, 0.565], abs=5e-4)


def test_benjamini_hochberg_of_the_paper() -> None:
    """Benjamini & Hochberg 1995, 3.2: four claims of fifteen at .05, and three if none may be false."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    p += [0.7590, 1.0]
    assert (benjamini_hochberg(p) <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert (holm(p) <= 0.05).tolist() == [True] * 3 + [False] * 12


def test_holm_of_the_log() -> None:
    """The single-factor contrasts of the log in both readings of row 5, erasing first."""
    rest = [0.0417329, 0.966875, 0.362158, 0.772226, 0.835982]
    assert holm([1.69066e-05, 3.03019e-15, *rest]) == pytest.approx([1.01e-4, 2.1e-14, 0.209, 1, 1, 1, 1], rel=0.01)
    assert holm([1.69066e-05, 0.00456524, *rest]) == pytest.approx([1.18e-4, 0.0274, 0.209, 1, 1, 1, 1], rel=0.005)


@pytest.mark.parametrize("m", [1, 2, 8, 30])
def test_holm_against_statsmodels(m: int) -> None:
    p = np.random.default_rng(m).random(m).round(1) / 10  # with ties
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@unhurried
@given(p=probabilities)
def test_benjamini_hochberg_against_scipy(p: Floats) -> None:
    assert benjamini_hochberg(p) == pytest.approx(scipy_stats.false_discovery_control(p))


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@given(p=probabilities, data=st.data())
@unhurried
def test_families_keep_order(adjust: Adjust, p: Floats, data: st.DataObject) -> None:
    """Neither the order of the hypotheses matters nor is a smaller p less sure, and adjusting makes none surer."""
    order = np.array(data.draw(st.permutations(range(len(p)))))
    adjusted = adjust(p)
    assert np.array_equal(adjust(p[order]), adjusted[order])
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert (adjusted >= p).all()
    assert (adjusted <= 1).all()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@given(p=hnp.arrays(float, 5, elements=st.floats(0, 1)), later=st.floats(0, 1))
@unhurried
def test_a_hypothesis_not_tested_yet_counts(adjust: Adjust, p: Floats, later: float) -> None:
    """For every later p of the untested hypothesis, the other adjusted p-values do not grow."""
    waiting = adjust([*p, np.nan])
    assert np.isnan(waiting[-1])
    assert waiting[:-1] == pytest.approx(adjust([*p, 1.0])[:-1])
    assert (waiting[:-1] >= adjust([*p, later])[:-1]).all()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_families_of_many_studies(adjust: Adjust) -> None:
    p = np.random.default_rng(2).random((3, 4, 6))
    p[0, 0, 2] = np.nan
    assert np.array_equal(adjust(p)[0, 0], adjust(p[0, 0]), equal_nan=True)
    assert np.array_equal(adjust(p)[2, 3], adjust(p[2, 3]))
    assert adjust([]).shape == (0,)
    assert adjust(np.empty((2, 0))).shape == (2, 0)
    assert np.isnan(adjust([np.nan, np.nan])).all()
