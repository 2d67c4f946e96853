"""The effects that rows can separate, by levels alone, against linear algebra done another way."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.analysis.design.additive_model import AdditiveModel, Variable, additive_model
from tests.support.examples import examples


def layout(codes: list[tuple[int, ...]], levels: int = 2) -> AdditiveModel:
    names = "abcdefgh"[: len(codes[0])] if codes else "ab"
    return additive_model([Variable(name, tuple(range(levels))) for name in names], codes)


CODES = st.integers(1, 4).flatmap(
    lambda f: st.lists(st.tuples(*[st.integers(0, 2)] * f), min_size=1, max_size=12, unique=True)
)


@settings(max_examples=examples(100), deadline=None)
@given(CODES)
def test_an_effect_is_estimable_iff_its_row_vector_is_in_the_row_space(codes: list[tuple[int, ...]]) -> None:
    found = layout(codes, 3)
    matrix = found.matrix
    rank = np.linalg.matrix_rank(matrix)
    assert found.rank == rank
    for at in range(len(found.columns)):
        unit = np.zeros(matrix.shape[1])
        unit[at + 1] = 1
        in_row_space = np.linalg.matrix_rank(np.vstack([matrix, unit])) == rank
        assert found.estimable[at] == in_row_space
        assert np.isnan(found.weights[at]).any() == (not in_row_space)
        if in_row_space:
            assert found.weights[at] @ matrix == pytest.approx(unit, abs=1e-9)


@settings(max_examples=examples(100), deadline=None)
@given(CODES)
def test_direct_pairs_are_those_that_differ_in_one_factor(codes: list[tuple[int, ...]]) -> None:
    expected = {
        (i, j, next(p for p in range(len(codes[0])) if codes[i][p] != codes[j][p]))
        for i, j in itertools.combinations(range(len(codes)), 2)
        if sum(a != b for a, b in zip(codes[i], codes[j], strict=True)) == 1
    }
    assert set(zip(*(part.tolist() for part in layout(codes, 3).direct), strict=True)) == expected


def test_two_factors_that_change_together_are_aliased() -> None:
    found = layout([(0, 0, 0), (1, 1, 0), (1, 1, 1)])
    assert found.aliases == [(0, 1)]
    assert found.estimable.tolist() == [False, False, True]


def test_a_third_run_separates_the_effects() -> None:
    assert layout([(0, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 0)]).aliases == []


def test_a_half_fraction_has_all_main_effects() -> None:
    """2^(4-1) with D = ABC: rank 5 for the constant and four main effects."""
    runs = [(a, b, c, (a + b + c) % 2) for a, b, c in itertools.product((0, 1), repeat=3)]
    found = layout(runs)
    assert found.rank == 5
    assert found.estimable.all()
    assert len(found.direct[0]) == 0


def test_the_published_ranks_of_main_effects_and_two_factor_interactions() -> None:
    """2^(4-1), D = ABC: 11 columns, rank 8, and AB = CD, AC = BD, AD = BC."""
    runs = [(a, b, c, (a + b + c) % 2) for a, b, c in itertools.product((0, 1), repeat=3)]
    pairs = list(itertools.combinations(range(4), 2))
    columns = [(*run, *(run[i] ^ run[j] for i, j in pairs)) for run in runs]
    names = ["A", "B", "C", "D", *("ABCD"[i] + "ABCD"[j] for i, j in pairs)]
    found = additive_model([Variable(name, (0, 1)) for name in names], columns)
    assert found.matrix.shape[1] == 11
    assert found.rank == 8
    aliased = {frozenset(names[at] for at in group) for group in found.aliases}
    assert aliased == {frozenset({"AB", "CD"}), frozenset({"AC", "BD"}), frozenset({"AD", "BC"})}


def test_squares_have_four_cells() -> None:
    full = list(itertools.product((0, 1), repeat=3))
    found = layout(full)
    one, other = found.columns[0], found.columns[1]
    squares = [tuple(full[row] for row in square) for square in found.squares(one, other)]
    assert squares == [((0, 0, c), (1, 0, c), (0, 1, c), (1, 1, c)) for c in (0, 1)]
    assert layout(full[:3] + full[4:6]).squares(one, other) == []


def test_a_level_that_no_row_has_is_no_column() -> None:
    assert [(column.variable, column.level) for column in layout([(0, 0), (0, 2)], 3).columns] == [(1, 2)]


def test_booleans_are_no_numbers() -> None:
    found = additive_model([Variable("a", (False, 0, True, 1))], [[False], [0], [True], [1]])
    assert found.codes[:, 0].tolist() == [0, 1, 2, 3]


def test_without_rows_nothing_is_estimable() -> None:
    nothing = additive_model([Variable("a", (0, 1))], [])
    assert (nothing.rank, nothing.columns, nothing.aliases) == (0, [], [])
