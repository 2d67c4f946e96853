"""Designs: the rows of a file, their order and their labels."""

from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ablate.study.factors import label_word
from ablate.study.model import Family
from ablate.text import written
from tests.support.designs import HEAD, labels, rows
from tests.support.examples import examples
from tests.support.study_text import faults, filled, levels, read


def test_add_one_takes_each_factor_to_each_level(tmp_path: Path) -> None:
    assert rows(tmp_path, "design: [{add_one: {from: {}}}]") == ["baseline", "a=on", "b=on", "c=0.2", "c=0.1", "d=half"]
    assert rows(tmp_path, "design: [{add_one: {from: {}, factors: [c, a]}}]") == ["baseline", "c=0.2", "c=0.1", "a=on"]


def test_add_one_does_not_take_away_unless_told(tmp_path: Path) -> None:
    start = "from: {a: on, c: 0.2}"
    assert rows(tmp_path, filled("design: [{add_one: {<start>}}]", start=start)) == [
        "a=on, c=0.2", "a=on, b=on, c=0.2", "a=on, c=0.1", "a=on, c=0.2, d=half",
    ]  # fmt: skip
    named = rows(tmp_path, filled("design: [{add_one: {<start>, factors: [a, c]}}]", start=start))
    assert named == ["a=on, c=0.2", "c=0.2", "a=on", "a=on, c=0.1"]


def test_leave_one_out_puts_factors_and_groups_back(tmp_path: Path) -> None:
    start = "from: {a: on, b: on, c: 0.1}"
    singles = ["a=on, b=on, c=0.1", "b=on, c=0.1", "a=on, c=0.1", "a=on, b=on"]
    assert rows(tmp_path, filled("design: [{leave_one_out: {<start>}}]", start=start)) == singles
    groups = "groups: {both: [a, b], none: [d], mixed: [c, d]}\n"
    assert rows(tmp_path, groups + filled("design: [{leave_one_out: {<start>}}]", start=start)) == [*singles, "c=0.1"]
    text = groups + filled("design: [{leave_one_out: {<start>, factors: [both, c]}}]", start=start)
    assert rows(tmp_path, text) == ["a=on, b=on, c=0.1", "c=0.1", "a=on, b=on"]


def test_pairs_are_the_from_row_and_each_two_factors(tmp_path: Path) -> None:
    assert rows(tmp_path, "design: [{pairs: {from: {}, factors: [a, b, c]}}]") == [
        "baseline", "a=on, b=on", "a=on, c=0.2", "a=on, c=0.1", "b=on, c=0.2", "b=on, c=0.1",
    ]  # fmt: skip


def test_pairs_without_the_single_rows_are_told(tmp_path: Path) -> None:
    pairs = "{pairs: {from: {}, factors: [a, b]}}"
    (warning,) = read(tmp_path, HEAD + f"design: [{pairs}]").warnings
    assert "design[0].pairs: interactions cannot be estimated" in warning
    assert "'a=on'" in warning
    assert (
        read(tmp_path, HEAD + filled("design: [<pairs>, {rows: {x: {a: on}, y: {b: on}}}]", pairs=pairs)).warnings == ()
    )


def test_a_grid_is_the_full_factorial_of_the_given_levels(tmp_path: Path) -> None:
    assert rows(tmp_path, "design: [{grid: {c: [0.1, 0.3], a: [off, on]}}]") == [
        "c=0.1", "a=on, c=0.1", "baseline", "a=on",
    ]  # fmt: skip
    study = read(tmp_path, HEAD + "design: [{grid: {c: [0.1], a: [off, on]}, from: {d: half}}]")
    assert levels(study) == {
        "c=0.1, d=half": {"c": 0.1, "d": "half"},
        "a=on, c=0.1, d=half": {"a": True, "c": 0.1, "d": "half"},
    }
    assert study.row_config(study.rows[0])["settings"] == {
        "a": False,
        "b": False,
        "c": 0.1,
        "d": 3,
        "e": None,
        "single": "only",
    }


def test_a_label_as_from_is_the_row_and_its_levels(tmp_path: Path) -> None:
    text = "design: [{add_one: {from: start, factors: [b]}}, {rows: {start: {a: on}}}]"
    assert rows(tmp_path, text) == ["start", "a=on, b=on"]


def test_the_baseline_needs_no_row_to_be_named(tmp_path: Path) -> None:
    text = "design: [{rows: {x: {extends: baseline, a: on}}}, {add_one: {from: baseline, factors: [a, b]}}]"
    assert rows(tmp_path, text) == ["x", "baseline", "b=on"]
    text = "design: [{rows: {baseline: {a: on}}}, {add_one: {from: baseline, factors: [b]}}]"
    assert rows(tmp_path, text) == ["baseline", "a=on, b=on"]


def test_rows_of_the_same_levels_merge_and_take_the_explicit_label_wherever_it_stands(tmp_path: Path) -> None:
    text = "design: [{add_one: {from: {}, factors: [a, b]}}, {grid: {a: [on, off]}}, {rows: {with a: {a: on}}}]"
    assert rows(tmp_path, text) == ["baseline", "with a", "b=on"]


def test_two_explicit_rows_of_the_same_levels_are_two_rows(tmp_path: Path) -> None:
    text = "design: [{rows: {x: {a: on}, y: {a: 'on'}}}, {add_one: {from: {}, factors: [a]}}]"
    assert rows(tmp_path, text) == ["x", "y", "baseline"]


def test_labels_cannot_be_mistaken_for_one_another(tmp_path: Path) -> None:
    head = """\
study: demo
trainer: simulated
factors:
  x: {sets: settings.x, levels: [off, "1, y=2", '1']}
  y: {sets: settings.y, levels: [off, 2, '2.0']}
  "z=a": {sets: settings.z, levels: [off, "b\\nc", '']}
"""
    found = rows(
        tmp_path, "design: [{grid: {x: [off, '1, y=2', '1'], y: [off, 2, '2.0'], z=a: [off, \"b\\nc\", '']}}]", head
    )
    assert len(set(found)) == len(found) == 27
    assert {"x='1, y=2'", "x=1, y=2", "x=1, y=2.0", "'z=a'='b\\nc'", "'z=a'=''"} <= set(found)
    assert all(len(label.splitlines()) == 1 for label in found)


FACTORS = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@settings(
    max_examples=examples(40),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.integers(2, 4), min_size=1, max_size=4), st.data())
def test_rows_and_labels_stay_when_rows_and_factors_are_added(
    tmp_path: Path, sizes: list[int], data: st.DataObject
) -> None:
    names = [f"f{index}" for index in range(len(sizes))]
    lines = [
        f"  {n}: {{sets: settings.{n}, levels: {list(range(size))}}}\n" for n, size in zip(names, sizes, strict=True)
    ]
    head = "study: demo\ntrainer: simulated\nfactors:\n"
    varied = data.draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
    sized = dict(zip(names, sizes, strict=True))
    designs = [
        f"{{grid: {{{', '.join(f'{n}: {list(range(sized[n]))}' for n in varied)}}}}}",
        filled("{add_one: {from: {}, factors: <varied>}}", varied=varied),
    ]
    before = rows(tmp_path, f"design: [{', '.join(designs)}]", head + "".join(lines))
    place = data.draw(st.integers(0, len(lines)))
    more = [*lines[:place], "  new: {sets: settings.new, levels: [off, on]}\n", *lines[place:]]
    after = rows(tmp_path, f"design: [{', '.join(designs)}, {{rows: {{last: {{new: on}}}}}}]", head + "".join(more))
    assert after == [*before, "last"]
    assert len(set(before)) == len(before)


@settings(
    max_examples=examples(60),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.data())
def test_each_design_has_the_rows_of_its_definition(tmp_path: Path, sizes: list[int], data: st.DataObject) -> None:
    """The definitions, written with sets of level tuples."""
    names = [f"f{index}" for index in range(len(sizes))]
    baseline = [data.draw(st.integers(0, size - 1)) for size in sizes]
    start = tuple(data.draw(st.integers(0, size - 1)) for size in sizes)
    vary = [index for index, size in enumerate(sizes) if size > 1]
    cells = list(product(*map(range, sizes)))

    def changed(cell: tuple[int, ...]) -> list[int]:
        return [i for i, (one, other) in enumerate(zip(cell, start, strict=True)) if one != other]

    wanted = {
        "add_one": {c for c in cells if len(changed(c)) <= 1 and all(c[i] != baseline[i] for i in changed(c))},
        "leave_one_out": {c for c in cells if len(changed(c)) <= 1 and all(c[i] == baseline[i] for i in changed(c))},
        "pairs": {c for c in cells if len(changed(c)) in (0, 2)},
        "grid": set(cells),
    }
    written = "{" + ", ".join(f"{n}: {number}" for n, number in zip(names, start, strict=True)) + "}"
    text = {
        "add_one": filled("{add_one: {from: <written>}}", written=written),
        "leave_one_out": filled("{leave_one_out: {from: <written>}}", written=written),
        "pairs": f"{{pairs: {{from: {written}, factors: [{', '.join(names[i] for i in vary)}]}}}}",
        "grid": "{grid: {"
        + ", ".join(f"{n}: {list(range(size))}" for n, size in zip(names, sizes, strict=True))
        + "}}",
    }
    head = "study: demo\ntrainer: simulated\nfactors:\n" + "".join(
        f"  {n}: {{sets: settings.{n}, levels: {list(range(size))}, baseline: {base}}}\n"
        for n, size, base in zip(names, sizes, baseline, strict=True)
    )
    for kind, cells_wanted in wanted.items():
        too_few = len(vary) < 2 if kind == "pairs" else len(cells_wanted) == 1 and kind != "grid"
        if too_few:
            assert faults(tmp_path, head + f"design: [{text[kind]}]")
            continue
        study = read(tmp_path, head + f"design: [{text[kind]}]")
        found = [tuple(row.levels[n].name for n in names) for row in study.rows]
        assert set(found) == cells_wanted
        assert len(found) == len(cells_wanted)
        if kind != "grid":
            assert found[0] == start


def test_family_names_rows(tmp_path: Path) -> None:
    design = "design: [{add_one: {from: {}, factors: [a, b]}}]\n"
    assert read(tmp_path, HEAD + design).family == Family("direct")
    assert read(tmp_path, HEAD + design + "family: effects").family == Family("effects")
    study = read(tmp_path, HEAD + design + "family: [[baseline, a=on], [a=on, b=on]]")
    assert study.family == Family("pairs", (("baseline", "a=on"), ("a=on", "b=on")))


def test_a_search_needs_no_design_and_has_the_baseline(tmp_path: Path) -> None:
    text = "search: {space: {c: {low: 0.05, high: 1.0}, base: {low: 0.2, high: 0.5, log: true}}, trials: 4}"
    study = read(tmp_path, HEAD + text)
    assert labels(study) == ["baseline"]
    assert study.search is not None
    assert (study.search.trials, study.search.dimensions[1].log, study.search.top) == (4, True, 3)


ONE = "design: [{rows: {x: {}}}]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("design: [{add_one: {}}]", "design[0].add_one: 'from' is missing"),
        ("design: [{add_one: {from: {}, factors: []}}]", "at least one entry"),
        ("design: [{add_one: {from: {}, factors: [a, a]}}]", "design[0].add_one.factors[1]: factor 'a' is named twice"),
        ("design: [{add_one: {from: {}, factors: [single]}}]", "only one level; it cannot vary"),
        ("design: [{add_one: {from: {a: on, b: on, c: 0.1, d: half}, factors: [aa]}}]", "unknown factor 'aa'"),
        ("design: [{add_one: {from: nosuch}}]", "unknown row 'nosuch'"),
        ("design: [{add_one: {from: {a: onn}}}]", "unknown level of a 'onn'; did you mean 'on'? known: off, on"),
        ("design: [{leave_one_out: {from: {}}}]", "every factor is at its baseline here"),
        ("design: [{leave_one_out: {from: {a: on}, factors: [b]}}]", "'b' is at its baseline in `from`"),
        ("design: [{leave_one_out: {from: {a: on}, factors: [gg]}}]\ngroups: {ggg: [a]}", "did you mean 'ggg'"),
        ("design: [{leave_one_out: {from: {a: on}, factors: [a, a]}}]", "'a' is named twice"),
        ("design: [{pairs: {from: {}}}]", "'factors' is missing"),
        ("design: [{pairs: {from: {}, factors: [a]}}]", "a pair takes two factors"),
        ("design: [{pairs: {from: {}, factors: [a, a]}}]", "named twice"),
        ("design: [{grid: {}}]", "no factor"),
        ("design: [{grid: {a: []}}]", "design[0].grid.a: an empty list names no level"),
        ("design: [{grid: {a: [on, true]}}]", "a level stands here twice"),
        ("design: [{grid: {a: on}}]", "design[0].grid.a: found on; accepted: a list"),
        ("design: [{grid: {c: [0.25]}}]", "unknown level of c 0.25; known: 0.3, 0.2, 0.1"),
        ("design: [{grid: {a: [on, off]}, from: {a: on}}]", "the grid varies this factor"),
        ("design: [{add_one: {from: {}}, from: {a: on}}]", "only a grid has `from` next to it"),
        ("design: [{grid: {a: [on]}, rows: {x: {}}}]", "each entry of the list is one of"),
        ("design: [{from: {}}]", "each entry of the list is one of"),
        (ONE + "groups: {a: [b]}", "groups.a: 'a' is also a factor"),
        (ONE + "groups: {g: []}", "at least one entry"),
        (ONE + "groups: {g: [a, a]}", "named twice"),
        (ONE + "groups: {g: [aa]}", "groups.g[0]: unknown factor 'aa'"),
        (ONE + "family: some", "family: found 'some'; accepted: 'direct' or 'effects' or a list"),
        (ONE + "family: []", "at least one entry"),
        (ONE + "family: [[x]]", "at least 2 entries"),
        (ONE + "family: [[x, y]]", "family[0][1]: unknown row 'y'; known: x"),
        (ONE + "family: [[x, x]]", "two different rows"),
        ("design: [{rows: {x: {}, y: {a: on}}}]\nfamily: [[x, y], [y, x]]", "family[1]: this pair of rows"),
        (ONE + "search: {space: {}}", "at least one entry"),
        (ONE + "search: {space: {c: {low: 1, high: 0}}}", "low is not below high"),
        (ONE + "search: {space: {c: {low: 0, high: 1, log: on}}}", "on a log scale"),
        (ONE + "search: {space: {d: {low: 0, high: 1}}}", "sets several keys"),
        (ONE + "search: {space: {bas: {low: 0, high: 1}}}", "did you mean 'base'"),
        (ONE + "search: {space: {queries: {low: 0.5, high: 1}}}", "accepted: a whole number"),
        (ONE + "search: {space: {c: {low: 0, high: 1}}, sampler: tpa}", "'tpe'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_design(tmp_path: Path, text: str, words: str) -> None:
    assert words in "\n".join(faults(tmp_path, HEAD + text))


def test_a_factor_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    head = HEAD.replace("levels: [0.3, 0.2, 0.1]", "levels: []")
    text = "design: [{rows: {x: {c: 0.2}}}, {add_one: {from: {c: 0.1}}}, {ladder: {from: x, add: [c]}}]"
    assert faults(tmp_path, head + text) == [
        "study.yaml:6: factors.c.levels: no level that can be used; a factor has at least one"
    ]


def grid(factors: int, levels: int) -> str:
    return "{grid: {" + ", ".join(f"f{i}: {list(range(levels))}" for i in range(factors)) + "}}"


@pytest.mark.parametrize(
    ("design", "count"),
    [
        (grid(40, 10), f"{10**40:,}"),
        (f"{{pairs: {{from: {{}}, factors: [{', '.join(f'f{i}' for i in range(200))}]}}}}", f"{1 + 199 * 100 * 81:,}"),
    ],
)  # fmt: skip
def test_a_design_too_large_says_how_large_before_it_is_made(tmp_path: Path, design: str, count: str) -> None:
    head = "study: demo\ntrainer: simulated\nfactors:\n"
    head += "".join(f"  f{i}: {{sets: settings.f{i}, levels: {list(range(10))}}}\n" for i in range(200))
    assert (
        f"has {count} combinations; a study has at most 1,000,000" in faults(tmp_path, head + f"design: [{design}]")[0]
    )


def test_designs_are_too_large_together(tmp_path: Path) -> None:
    head = "study: demo\ntrainer: simulated\nfactors:\n" + "".join(
        f"  f{i}: {{sets: settings.f{i}, levels: {list(range(10))}}}\n" for i in range(6)
    )
    design = f"design: [{grid(6, 9)}, {grid(6, 9)}]"
    assert "has 531,441 combinations and 531,441 before it" in faults(tmp_path, head + design)[0]


def test_every_pair_of_grid_rows_differs(tmp_path: Path) -> None:
    study = read(tmp_path, HEAD + "design: [{grid: {a: [on, off], b: [on, off], c: [0.3, 0.2, 0.1]}}]")
    for one, other in combinations(study.rows, 2):
        assert dict(one.levels) != dict(other.levels)


def test_an_empty_text_is_shown_by_its_quotes() -> None:
    assert (written(""), written(["", "a"]), label_word("x", "")) == ("''", "['', a]", "x=''")
