"""`exclude` and `require`: the cells that they drop, the rows that they refuse, and their contradictions."""

from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.errors import StudyError
from ablate.study.design.constraints import contradictions
from tests.support.designs import HEAD, rows
from tests.support.examples import examples
from tests.support.study_text import faults, filled, read

GRID = "design: [{grid: {a: [off, on], b: [off, on], c: [0.3, 0.2]}}]\n"
ALL = ["baseline", "c=0.2", "b=on", "b=on, c=0.2", "a=on", "a=on, c=0.2", "a=on, b=on", "a=on, b=on, c=0.2"]


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("exclude: [{a: on, b: on}]", ["a=on, b=on", "a=on, b=on, c=0.2"]),
        ("exclude: [{a: on}, {c: 0.2, b: off}]", ["c=0.2", "a=on", "a=on, c=0.2", "a=on, b=on", "a=on, b=on, c=0.2"]),
        ("exclude: [{a: on, c: [0.3, 0.1]}]", ["a=on", "a=on, b=on"]),
        ("exclude: [{d: half}]", []),
        ("require: [{if: {a: on}, then: {b: on}}]", ["a=on", "a=on, c=0.2"]),
        ("require: [{if: {a: on}, then: {b: on, c: [0.2, 0.1]}}]", ["a=on", "a=on, c=0.2", "a=on, b=on"]),
        ("require: [{if: {a: on, b: on}, then: {c: 0.3}}]", ["a=on, b=on, c=0.2"]),
    ],
)
def test_generated_cells_that_make_no_sense_are_dropped(tmp_path: Path, text: str, dropped: list[str]) -> None:
    assert rows(tmp_path, GRID + text) == [label for label in ALL if label not in dropped]


def test_a_ladder_that_loses_a_rung_says_so(tmp_path: Path) -> None:
    study = read(tmp_path, HEAD + "design: [{ladder: {from: {}, add: [a, b, c]}}]\nexclude: [{b: on, c: 0.3}]")
    assert [row.label for row in study.rows] == ["baseline", "a=on", "a=on, b=on, c=0.2"]
    (warning,) = study.warnings
    assert warning.startswith("design[0].ladder: exclude[0] rules out the rung 'a=on, b=on'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("design: [{rows: {x: {a: on, b: on}}}]\nexclude: [{a: on}]",
         "design[0].rows.x: exclude[0] rules this row out: it has a=on"),
        ("design: [{rows: {x: {a: on}}}]\nrequire: [{if: {a: on}, then: {b: on}}]",
         "design[0].rows.x: require[0] rules this row out: it has a=on, b=off"),
        ("design: [{add_one: {from: {}}}]\nexclude: [{a: off}]",
         "design[0]: exclude[0] rules out the row that this design starts from: it has a=off"),
        ("design: [{add_one: {from: {}, factors: [a]}}]\nexclude: [{a: on}]",
         "leave none but `from` of the 2 combinations"),
        (GRID + "exclude: [{a: [off, on]}]", "design[0]: exclude and require leave none of the 8 combinations"),
        (GRID + "exclude: [{a: off}, {a: on}]", "leave none of the 8"),
        (GRID + "exclude: [{}]", "exclude[0]: names no factor"),
        (GRID + "exclude: [{e: on}]", "exclude[0].e: unknown factor 'e'"),
        (GRID + "exclude: [{a: maybe}]", "unknown level of a 'maybe'"),
        (GRID + "exclude: [{a: []}]", "an empty list names no level"),
        (GRID + "exclude: {a: on}", "exclude: found {a: on}; accepted: a list"),
        (GRID + "require: [{if: {a: on}}]", "require[0]: 'then' is missing"),
        (GRID + "require: [{if: {}, then: {a: on}}]", "require[0].if: names no factor"),
        (GRID + "require: [{if: {a: on}, then: {b: no}}]", "require[0].then.b: unknown level of b 'no'"),
        (GRID + "require: [{if: {a: on}, then: {b: on}}, {if: {a: on}, then: {b: off}}]",
         "require[1]: no row can have a=on: require[0] and require[1] together rule it out"),
        (GRID + "require: [{if: {a: on, c: 0.2}, then: {b: on}}, {if: {a: on, c: 0.2}, then: {b: off}}]",
         "no row can have a=on, c=0.2: require[0] and require[1] together"),
        (GRID + "require: [{if: {a: on}, then: {a: off}}]",
         "require[0]: no row can have a=on: require[0] rules it out"),
        (GRID + "require: [{if: {a: on}, then: {b: on}}]\nexclude: [{a: on, b: on}]",
         "no row can have a=on: exclude[0] and require[0] together rule it out"),
        (GRID + "require: [{if: {a: on}, then: {b: on}}, {if: {b: on}, then: {c: 0.1}}, "
         "{if: {c: 0.1}, then: {a: off}}]",
         "no row can have a=on: require[0] and require[1] and require[2] together rule it out"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_constraint(tmp_path: Path, text: str, words: str) -> None:
    assert words in "\n".join(faults(tmp_path, HEAD + text))


def test_a_level_may_be_excluded_outright(tmp_path: Path) -> None:
    """A profile leaves a level out in this way. A `require` entry on that level then has no effect."""
    found = rows(tmp_path, GRID + "exclude: [{a: on}]\nrequire: [{if: {a: on}, then: {b: on}}]")
    assert found == ["baseline", "c=0.2", "b=on", "b=on, c=0.2"]


LEVELS = (2, 3, 2)
CHOICES = st.dictionaries(st.integers(0, 2), st.frozensets(st.integers(0, 2), min_size=1), min_size=1).map(
    lambda out: {p: frozenset(n for n in numbers if n < LEVELS[p]) for p, numbers in out.items()}
)


@settings(max_examples=examples(300), deadline=None, derandomize=True)
@given(st.lists(CHOICES, max_size=6), CHOICES)
def test_contradictions_are_those_that_trying_everything_finds(
    outs: list[dict[int, frozenset[int]]], wanted: dict[int, frozenset[int]]
) -> None:
    def possible(rules: list[dict[int, frozenset[int]]]) -> bool:
        return any(
            all(cell[p] in numbers for p, numbers in wanted.items())
            and not any(all(cell[p] in numbers for p, numbers in out.items()) for out in rules)
            for cell in product(*map(range, LEVELS))
        )

    levels = {position: frozenset(range(size)) for position, size in enumerate(LEVELS)}
    if not all(wanted.values()):
        return
    found = list(contradictions(outs, levels, [wanted]))
    assert bool(found) == (not possible(outs))
    for _, culprits in found:
        assert not possible([outs[index] for index in culprits])
        for left in culprits:
            assert possible([outs[index] for index in culprits if index != left])


@pytest.mark.slow
def test_a_search_for_contradictions_has_an_end(tmp_path: Path) -> None:
    head = "study: demo\ntrainer: simulated\nfactors:\n"
    head += "".join(filled("  f<i>: {sets: settings.f<i>, levels: [0, 1, 2]}\n", i=i) for i in range(60))
    rules = [
        f"{{if: {{f{i}: {i % 3}}}, then: {{f{(i * 7 + 3) % 60}: [0, 1], f{(i * 11) % 60}: [1, 2]}}}}" for i in range(60)
    ]
    text = f"design: [{{grid: {{f0: [0, 1]}}}}]\nrequire: [{', '.join(rules * 10)}]"
    with suppress(StudyError):
        read(tmp_path, head + text)
