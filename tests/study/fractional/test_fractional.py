"""Fractional designs against published ones, against brute force, and against the definition of what they promise."""

from collections import Counter
from itertools import combinations, product
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.report.sections.aliases import alias_lines
from ablate.study.fractional.alias_table import AliasTable
from ablate.study.fractional.d_optimal import optimal_subset
from ablate.study.fractional.diagnostics import FractionDiagnostics
from ablate.study.fractional.effects import effects_of, parameters
from ablate.study.fractional.minimum_aberration import fewest_runs
from ablate.study.fractional.orthogonal_arrays import array_runs, orthogonal_array, prime_power
from ablate.study.fractional.regular_fractions import from_generators, shortest_word
from ablate.study.model import Study
from tests.support.examples import examples
from tests.support.study_text import faults, read


def head(*sizes: int) -> str:
    """Return a study of factors A, B, ... with these numbers of levels, all at their first level."""
    lines = [
        f"  {chr(65 + i)}: {{sets: settings.{chr(65 + i)}, levels: {list(range(n))}}}\n" for i, n in enumerate(sizes)
    ]
    return "study: demo\ntrainer: simulated\nfactors:\n" + "".join(lines)


def letters(count: int) -> str:
    return "[" + ", ".join(chr(65 + i) for i in range(count)) + "]"


def asked(count: int, what: str) -> str:
    return f"design: [{{fractional: {{from: {{}}, factors: {letters(count)}, {what}}}}}]\n"


def study_of(tmp_path: Path, sizes: tuple[int, ...], what: str, rest: str = "") -> Study:
    return read(tmp_path, head(*sizes) + asked(len(sizes), what) + rest)


def signs(study: Study) -> np.ndarray:
    """Rows of -1 and 1: low and high."""
    return np.array([[2 * int(level.name) - 1 for level in row.levels.values()] for row in study.rows])


def numbers(study: Study) -> list[tuple[int, ...]]:
    return [tuple(int(level.name) for level in row.levels.values()) for row in study.rows]


def words_of(columns: np.ndarray) -> Counter[int]:
    """How many products of columns are constant, by length: the definition, for columns of -1 and 1."""
    found: Counter[int] = Counter()
    for size in range(1, columns.shape[1] + 1):
        for chosen in combinations(range(columns.shape[1]), size):
            if abs(columns[:, list(chosen)].prod(axis=1).sum()) == len(columns):
                found[size] += 1
    return found


# Montgomery, Design and Analysis of Experiments, table 8.14; Box, Hunter and Hunter, Statistics for Experimenters,
# table 6.22: factors, resolution asked for, runs, resolution. Words of the shortest lengths: Chen, Sun and Wu 1993.
PUBLISHED = [
    (3, 3, 4, {3: 1}),
    (4, 4, 8, {4: 1}),
    (5, 3, 8, {3: 2, 4: 1}),
    (6, 3, 8, {3: 4, 4: 3}),
    (7, 3, 8, {3: 7, 4: 7}),
    (5, 5, 16, {5: 1}),
    (6, 4, 16, {4: 3}),
    (7, 4, 16, {4: 7}),
    (8, 4, 16, {4: 14}),
    (9, 3, 16, {3: 4, 4: 14}),
    (10, 3, 16, {3: 8, 4: 18}),
    (11, 3, 16, {3: 12, 4: 26}),
    (15, 3, 16, {3: 35, 4: 105}),
    (6, 5, 32, {6: 1}),
    (9, 4, 32, {4: 6, 5: 8}),
    (10, 4, 32, {4: 10, 5: 16}),
    (7, 5, 64, {7: 1}),
    (8, 5, 64, {5: 2, 6: 1}),
]


@pytest.mark.parametrize(("factors", "resolution", "runs", "words"), PUBLISHED)
def test_two_level_fractions_are_as_good_as_published(
    tmp_path: Path, factors: int, resolution: int, runs: int, words: dict[int, int]
) -> None:
    study = study_of(tmp_path, (2,) * factors, f"resolution: {resolution}")
    assert len(study.rows) == runs
    found = words_of(signs(study))
    assert {length: found[length] for length in words} == words
    assert min(found) == min(words)
    (table,) = study.aliases
    assert (table.runs, table.full, table.resolution) == (runs, 2**factors, min(words))
    assert table.rank == table.parameters
    assert study.rows[0].label == "baseline"


@pytest.mark.parametrize(
    ("factors", "most"),  # the most factors of a resolution V fraction: codes of distance 5, Grassl's codetables.de
    [(5, 16), (6, 32), (8, 64), (11, 128), (17, 256)],
)
def test_resolution_five_takes_no_more_runs_than_the_best_codes(factors: int, most: int) -> None:
    assert fewest_runs(factors, 5).runs == most
    assert fewest_runs(factors + 1, 5).runs > most


@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(st.integers(2, 10), st.sampled_from([3, 4, 5]))
def test_the_resolution_is_attained_and_half_the_runs_would_not_do(factors: int, resolution: int) -> None:
    fraction = fewest_runs(factors, resolution)
    columns = np.array(list(fraction.cells())) * 2 - 1
    found = words_of(columns)
    assert not found or min(found) >= resolution
    assert shortest_word(fraction.masks) == (min(found) if found else None)
    effects = 1 + factors + (factors * (factors - 1) // 2 if resolution == 5 else 0)
    fewer = fraction.runs // 2
    assert (
        fewer < effects
        or (resolution == 4 and fewer < 2 * factors)
        or (factors, resolution) in {(7, 5), (9, 5), (10, 5)}
    )
    assert len(set(fraction.cells())) == fraction.runs


def test_a_regular_fraction_from_generators_has_their_products(tmp_path: Path) -> None:
    study = study_of(tmp_path, (2,) * 6, 'generators: ["E=ABC", " F = -BC"]')
    columns = signs(study)
    assert len(columns) == 16
    a, b, c, d, e, f = columns.T
    assert (e == a * b * c).all()
    assert (f == -b * c).all()
    assert [tuple(line) for line in columns[:4, :4]] == [
        (-1, -1, -1, -1),
        (1, -1, -1, -1),
        (-1, 1, -1, -1),
        (1, 1, -1, -1),
    ]
    assert d[8] == 1
    (table,) = study.aliases
    assert table.resolution == 3
    assert set(table.relation) == {"ABCE", "-BCF", "-AEF"}


def chains(table: AliasTable) -> set[frozenset[str]]:
    return {frozenset(map(str, chain)) for chain in table.aliased}


def test_aliases_of_the_half_fraction_of_four_factors(tmp_path: Path) -> None:
    """Montgomery, example 8.1: I = ABCD; AB = CD, AC = BD, AD = BC, main effects with three-factor interactions."""
    (table,) = study_of(tmp_path, (2,) * 4, "generators: [D=ABC]").aliases
    assert table.relation == ("ABCD",)
    assert chains(table) == {
        frozenset({"A × B", "C × D"}), frozenset({"A × C", "B × D"}), frozenset({"A × D", "B × C"}),
    }  # fmt: skip


def test_aliases_of_the_saturated_fraction_of_seven_factors(tmp_path: Path) -> None:
    """Box, Hunter and Hunter, section 6: l_A estimates A + BD + CE + FG, and so on."""
    (table,) = study_of(tmp_path, (2,) * 7, "generators: [D=AB, E=AC, F=BC, G=ABC]").aliases
    assert chains(table) == {
        frozenset({"A", "B × D", "C × E", "F × G"}), frozenset({"B", "A × D", "C × F", "E × G"}),
        frozenset({"C", "A × E", "B × F", "D × G"}), frozenset({"D", "A × B", "C × G", "E × F"}),
        frozenset({"E", "A × C", "B × G", "D × F"}), frozenset({"F", "B × C", "A × G", "D × E"}),
        frozenset({"G", "C × D", "B × E", "A × F"}),
    }  # fmt: skip


def test_aliases_of_the_quarter_fraction_of_six_factors(tmp_path: Path) -> None:
    """Montgomery, table 8.8: I = ABCE = BCDF = ADEF."""
    (table,) = study_of(tmp_path, (2,) * 6, "generators: [E=ABC, F=BCD]").aliases
    assert set(table.relation) == {"ABCE", "BCDF", "ADEF"}
    assert chains(table) == {
        frozenset({"A × B", "C × E"}), frozenset({"A × C", "B × E"}), frozenset({"A × D", "E × F"}),
        frozenset({"A × E", "B × C", "D × F"}), frozenset({"A × F", "D × E"}),
        frozenset({"B × D", "C × F"}), frozenset({"B × F", "C × D"}),
    }  # fmt: skip


GENERATED = st.integers(3, 7).flatmap(
    lambda factors: st.integers(1, min(3, factors - 2)).flatmap(
        lambda count: st.tuples(
            st.just(factors),
            st.lists(
                st.tuples(st.sampled_from(["", "-"]), st.sets(st.integers(0, factors - count - 1), min_size=2)),
                min_size=count, max_size=count, unique_by=lambda each: frozenset(each[1]),
            ),
        )
    )
)  # fmt: skip


@settings(max_examples=examples(40), deadline=None, derandomize=True)
@given(GENERATED)
def test_chains_are_the_columns_that_are_equal_up_to_their_sign(drawn: tuple[int, list[tuple[str, set[int]]]]) -> None:
    factors, products = drawn
    first = factors - len(products)
    texts = [
        f"{chr(65 + first + i)}={sign}{''.join(chr(65 + f) for f in sorted(chosen))}"
        for i, (sign, chosen) in enumerate(products)
    ]
    regular = from_generators(texts, factors)
    columns = np.array(list(regular.cells())) * 2 - 1
    found = words_of(columns)
    assert shortest_word(regular.masks) == min(found)
    assert Counter(map(len, regular.words())) == found
    of = {effect: columns[:, list(effect)].prod(axis=1) for effect in effects_of(factors, 2)}
    together = {frozenset(pair) for chain in regular.chains() for pair in combinations(chain, 2)}
    for one, other in combinations(of, 2):
        same = int(of[one] @ of[other])
        assert (frozenset({one, other}) in together) == (abs(same) == len(columns))
        if abs(same) == len(columns):
            assert regular.sign(one) * regular.sign(other) == np.sign(same)
    for word in regular.words():
        assert set(columns[:, list(word)].prod(axis=1)) == {regular.sign(word)}


def strength(runs: list[tuple[int, ...]], sizes: tuple[int, ...]) -> int:
    """Return the largest t such that any t columns hold all combinations equally often, by the definition."""
    for columns in range(1, len(sizes) + 1):
        for chosen in combinations(range(len(sizes)), columns):
            counts = Counter(tuple(run[c] for c in chosen) for run in runs)
            if len(counts) < prod(sizes[c] for c in chosen) or len(set(counts.values())) > 1:
                return columns - 1
    return len(sizes)


@pytest.mark.parametrize(
    ("sizes", "resolution", "runs"),
    [
        ((3,) * 4, 3, 9),  # L9
        ((2, *(3,) * 7), 3, 18),  # L18
        ((3,) * 7, 3, 18),
        ((4,) * 5, 3, 16),  # L16'
        ((5,) * 6, 3, 25),  # L25
        ((3,) * 13, 3, 27),  # L27
        ((4, 2, 2, 2, 2), 3, 8),  # L8 with one column of four levels
        ((2, 2, 2, 3, 3, 3, 3), 3, None),
        ((3,) * 4, 4, 27),  # 3^(4-1), D = ABC
        ((3,) * 5, 5, 81),  # 3^(5-1)
        ((3,) * 10, 4, 81),  # the largest cap in PG(3, 3)
        ((9, 3, 3), 3, 27),
        ((6, 2, 2), 4, 24),
    ],
)
def test_mixed_levels(tmp_path: Path, sizes: tuple[int, ...], resolution: int, runs: int | None) -> None:
    """Taguchi's arrays; Hedayat, Sloane and Stufken, Orthogonal Arrays, tables 12.1 to 12.3."""
    if runs is not None:
        assert array_runs(sizes, resolution - 1) == runs
        array = list(orthogonal_array(sizes, resolution - 1))
        assert len(array) == len(set(array)) == runs
        assert strength(array, sizes) >= resolution - 1
    study = study_of(tmp_path, sizes, f"resolution: {resolution}")
    (table,) = study.aliases
    found = FractionDiagnostics(numbers(study), sizes)
    assert table.rank == table.parameters == found.rank(table.order) == parameters(sizes, table.order)
    assert study.rows[0].label == "baseline"


@settings(max_examples=examples(25), deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([2, 3, 4, 5, 6]), min_size=2, max_size=4), st.integers(2, 4))
def test_arrays_have_their_strength(sizes: list[int], wanted: int) -> None:
    array = list(orthogonal_array(sizes, wanted))
    assert len(array) == array_runs(sizes, wanted) <= prod(sizes)
    assert strength(array, tuple(sizes)) >= min(wanted, len(sizes))
    assert FractionDiagnostics(array, sizes).efficiency(1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("sizes", "order"), [((2, 2, 3), 1), ((2, 3, 4), 1), ((2, 2, 2, 3, 3), 1), ((3, 4, 5), 1), ((2, 2, 2, 2, 3), 2)]
)
def test_optimal_subsets_beat_random_ones_and_estimate_everything(sizes: tuple[int, ...], order: int) -> None:
    subset = optimal_subset(sizes, order, prod(sizes), lambda run: True)
    assert subset is not None
    assert len(set(subset)) == len(subset) < prod(sizes)
    assert subset == optimal_subset(sizes, order, prod(sizes), lambda run: True), "the same every time"
    matrix = FractionDiagnostics(subset, sizes).matrix(order)
    assert np.linalg.matrix_rank(matrix) == matrix.shape[1] == parameters(sizes, order)
    random = np.random.default_rng(0)
    every = list(product(*map(range, sizes)))
    others = [[every[i] for i in random.choice(len(every), len(subset), replace=False)] for _ in range(200)]
    assert (
        FractionDiagnostics(subset, sizes).efficiency(order)
        > max(FractionDiagnostics(other, sizes).efficiency(order) for other in others) - 1e-9
    )


def test_an_optimal_subset_takes_only_what_constraints_allow(tmp_path: Path) -> None:
    study = study_of(tmp_path, (2, 3, 4), "resolution: 3", "exclude: [{A: 1, B: 2}, {C: 3, B: 0}]")
    assert not any(run[:2] == (1, 2) or run[1:] == (0, 3) for run in numbers(study))
    (table,) = study.aliases
    assert table.kind == "optimal subset"
    assert (table.lost, table.rank, table.parameters) == (0, 7, 7)
    assert 0 < table.efficiency < 1
    assert study.warnings == ()


def test_a_fraction_with_holes_is_told_by_what_is_left(tmp_path: Path) -> None:
    study = study_of(tmp_path, (2,) * 4, "generators: [D=ABC]", "exclude: [{A: 1, B: 1, C: 1}]")
    (table,) = study.aliases
    assert (table.runs, table.lost, table.resolution, table.aliased) == (7, 1, None, ())
    columns = signs(study)
    assert table.rank == np.linalg.matrix_rank(np.hstack([np.ones((7, 1)), columns]))
    sizes = {(str(each.one), str(each.other)): each.size for each in table.correlations}
    for one, other in combinations(range(4), 2):
        expected = abs(np.corrcoef(columns[:, one], columns[:, other])[0, 1])
        assert sizes[chr(65 + one), chr(65 + other)] == pytest.approx(expected)
    assert "constraints rule out 1 of its 8 runs" in study.warnings[0]


def test_a_fraction_that_loses_an_effect_names_it(tmp_path: Path) -> None:
    study = study_of(tmp_path, (2,) * 4, "generators: [D=ABC]", "exclude: [{A: 1}]")
    (table,) = study.aliases
    assert table.lost_effects == ("A",)
    assert table.rank < table.parameters
    assert any("the effect of A cannot be estimated" in warning for warning in study.warnings)


def test_low_is_the_level_of_from(tmp_path: Path) -> None:
    text = head(2, 2, 2, 2) + "design: [{fractional: {from: {A: 1, D: 1}, factors: [A, B, C], generators: [C=AB]}}]"
    study = read(tmp_path, text)
    assert set(numbers(study)) == {(1, 0, 1, 1), (0, 0, 0, 1), (1, 1, 0, 1), (0, 1, 1, 1)}


def test_the_rows_of_a_fraction_merge_with_others(tmp_path: Path) -> None:
    more = "  - fractional: {from: {}, factors: [A, B, C, D], resolution: 4}\n"
    study = read(tmp_path, head(2, 2, 2, 2) + "design:\n  - rows: {plain: {}, A and B: {A: 1, B: 1}}\n" + more)
    assert [row.label for row in study.rows[:2]] == ["plain", "A and B"]
    assert len(study.rows) == 8


def test_three_factors_at_resolution_five_are_the_full_factorial(tmp_path: Path) -> None:
    study = study_of(tmp_path, (2,) * 3, "resolution: 5")
    assert len(study.rows) == 8
    (table,) = study.aliases
    assert (table.kind, table.resolution, table.aliased) == ("full factorial", None, ())


def test_lines_fit_a_terminal_and_name_factors(tmp_path: Path) -> None:
    lines = alias_lines(study_of(tmp_path, (2,) * 7, "resolution: 3").aliases)
    text = "\n".join(lines)
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("design[0].fractional: 8 of 128 combinations, regular fraction of resolution III")
    assert "A = " in text
    lines = alias_lines(study_of(tmp_path, (2, 3, 4), "resolution: 3").aliases)
    assert "optimal subset" in lines[0]
    assert "D-efficiency" in " ".join(lines)
    assert alias_lines(study_of(tmp_path, (2,) * 4, "resolution: 4").aliases)[2:] == [
        "  A A, B B, C C, D D", "  I = ABCD", "  A × B = C × D", "  A × C = B × D", "  A × D = B × C",
    ]  # fmt: skip
    assert lines == [line.rstrip() for line in lines]


@pytest.mark.parametrize(
    ("sizes", "what", "words"),
    [
        ((2,) * 4, "resolution: 6", "found 6; accepted: 3, 4 or 5"),
        ((2,) * 4, "resolution: 2", "found 2; accepted: 3, 4 or 5"),
        ((2,) * 4, "resolution: IV", "found 'IV'; accepted: 3, 4 or 5"),
        ((2,) * 4, "generators: []", "at least one entry"),
        ((2,) * 4, "resolution: 3, generators: [D=ABC]", "a fraction has `resolution` or `generators`; here are both"),
        ((2,) * 4, "resolutoin: 3", "did you mean 'resolution'"),
        ((2,), "resolution: 3", "a fraction takes 2 to 100 factors"),
        ((2,) * 4, "generators: [D]", "'D' is no generator; accepted: a factor's letter"),
        ((2,) * 4, "generators: [E=ABC]", "E=ABC: there is no factor E; the factors are A to D"),
        ((2,) * 4, "generators: [D=ABCD]", "D=ABCD: a letter stands here twice"),
        ((2,) * 4, "generators: [D=AAB]", "D=AAB: a letter stands here twice"),
        ((2,) * 4, "generators: [D=ABC, D=AB]", "D=AB: D is generated twice"),
        ((2,) * 5, "generators: [D=ABC, E=AD]", "E=AD: D is generated itself; accepted: A, B, C"),
        ((2,) * 4, "generators: [D=A]", "'A' and 'D' would always change together: resolution II"),
        ((2,) * 5, "generators: [D=AB, E=-AB]", "'D' and 'E' would always change together: resolution II"),
        ((2, 2, 3), "generators: [C=AB]", "generators are for factors of two levels; 'C' has 3; give a resolution"),
        ((2, 2, 1), "resolution: 3", "factor 'C' has only one level"),
        ((1009, 1013, 2), "resolution: 5",
         "takes 2,044,234 runs, and a study has at most 1,000,000; none is attainable: take fewer factors or levels"),
        ((31, 31, 31, 31, 2, 2), "resolution: 5",
         "takes 3,694,084 runs, and a study has at most 1,000,000; attainable is resolution III, with 3,844"),
    ],
)  # fmt: skip
def test_fractions_that_cannot_be(tmp_path: Path, sizes: tuple[int, ...], what: str, words: str) -> None:
    assert words in "\n".join(faults(tmp_path, head(*sizes) + asked(len(sizes), what)))


def test_neither_resolution_nor_generators(tmp_path: Path) -> None:
    text = head(2, 2) + "design: [{fractional: {from: {}, factors: [A, B]}}]"
    assert (
        "design[0].fractional: a fraction has `resolution` or `generators`; here are neither"
        in faults(tmp_path, text)[0]
    )


@given(st.integers(2, 3000))
def test_prime_powers(number: int) -> None:
    found = prime_power(number)
    primes = {d for d in range(2, number + 1) if number % d == 0 and all(d % e for e in range(2, int(d**0.5) + 1))}
    assert (found is not None) == (len(primes) == 1)
    if found:
        assert found[0] ** found[1] == number
