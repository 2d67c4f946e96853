"""Reading logs: the number of queries, the levels, the labels, and what does not agree with itself."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.errors import LogError
from ablate.study.log import infer_queries, parse_log, read_log, simplest_fraction
from ablate.study.log_rows import findings, named_rows

SEED = Path(__file__).parents[2] / "studies" / "reference" / "baseline-log.md"


@given(st.integers(2, 60_000), st.data())
def test_the_number_of_queries_is_the_smallest_that_fits(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.lists(st.integers(0, n), min_size=1, max_size=9))
    found = infer_queries(f"{h / n:.12g}" for h in hits)
    assert n % found == 0, "any n that fits is a multiple of the smallest"
    assert all(f"{round(h / n * found) / found:.12g}" == f"{h / n:.12g}" for h in hits)


def test_it_is_the_smallest_by_trying_all() -> None:
    rates = [f"{h / 360:.12g}" for h in (90, 120, 10)]
    tried = [n for n in range(1, 500) if all(f"{round(float(r) * n) / n:.12g}" == r for r in rates)]
    assert infer_queries(rates) == tried[0] == 36


def test_the_simplest_fraction_is_found_by_trying_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        a, b = sorted(Fraction(int(x), 997) for x in rng.integers(1, 997, 2))
        expected = next(Fraction(p, q) for q in range(1, 998) for p in range(q + 1) if a <= Fraction(p, q) <= b)
        assert simplest_fraction(a, b).denominator == expected.denominator


def test_values_of_no_common_n_are_refused() -> None:
    with pytest.raises(LogError, match="no n up to"):
        infer_queries(["0.123456789012", "0.987654321098", "0.314159265359"])


def test_the_seed_log() -> None:
    log = read_log(SEED)
    rows = named_rows(log)
    assert log.queries == 12_377
    assert log.hits(log.rows[1])[1] == 3430
    assert [named.label for named in rows][6:] == [
        "baseline 2 + random erasing + warmup training + label smooth (omega 0.9)",
        "baseline 2 + random erasing + warmup training + label smooth (omega 0.7)",
        "se_resnet50 + random erasing + warmup training + label smooth",
    ]
    assert rows[8].levels == {
        "backbone": "se_resnet50", "margin": 0.3, "omega": 0.7, "normalization": False,
        "random_erasing": True, "warmup": True, "label_smoothing": True,
    }  # fmt: skip
    told = findings(log, rows)
    assert any(f.startswith("row 5:") and "margin 0.2" in f and "margin 0.3" in f for f in told)
    assert any(f.startswith("rows 7 and 8:") and "omega 0.9, 0.7" in f for f in told)
    assert any(f.startswith("rows 1 and 2: 2 factors differ at once") for f in told)


def log_of(*rows: str) -> str:
    return "\n\n".join(["# setting\nbackbone: resnet50", *rows]) + "\n"


def row(title: str, *lines: str, value: str = "0.25") -> str:
    return "\n\n".join([f"# {title}", *lines, f"accuracy:\n\n    - top-1\n      {value}"])


def test_unknown_keys_and_parts_become_factors_of_their_slug() -> None:
    log = parse_log(log_of(row("baseline 1", "drop rate: 0.1"), row("baseline 1 + cut mix", "drop rate: 0.2")))
    assert [dict(named.levels) for named in named_rows(log)] == [
        {"drop_rate": 0.1, "cut_mix": False}, {"drop_rate": 0.2, "cut_mix": True},
    ]  # fmt: skip


def test_a_line_that_only_some_rows_have() -> None:
    log = parse_log(log_of(row("a", "dropout: 0.1"), row("b")))
    assert [named.levels["dropout"] for named in named_rows(log)] == [0.1, "not listed"]


def test_rows_that_nothing_tells_apart_still_have_different_labels() -> None:
    log = parse_log(log_of(row("a", "x: 1"), row("a", "x: 1"), row("a", "x: 2")))
    labels = [named.label for named in named_rows(log)]
    assert len(set(labels)) == 3
    assert any("rows 1 and 2: the same settings" in f for f in findings(log, named_rows(log)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1: no row"),
        ("# setting\n\nlr: 1e-4\n", "1: no row"),
        ("words\n# setting\n", "1: found 'words'"),
        (log_of("# a"), "4: row 'a' has no `accuracy:` list"),
        (log_of("# a\n\naccuracy:"), "is empty"),
        (log_of(row("a", value="1.2")), "9: found '1.2' for top-1; accepted: a rate from 0 to 1"),
        (log_of(row("a", value="-0.1")), "accepted: a rate"),
        (log_of(row("a", value="nan")), "accepted: a rate"),
        (log_of(row("a", value="high")), "accepted: a rate"),
        (log_of(row("a", "no colon here")), "6: found 'no colon here'"),
        (log_of("# a\n\naccuracy:\n\n    - top-1\n    - top-5\n      0.5"), "top-1 has no value"),
        (log_of("# a\n\naccuracy:\n\n    - top-1\n      0.5\n    - top-1\n      0.5"), "twice"),
        (log_of("# a\n\naccuracy:\n\n    - mAP\n      0.5"), "accepted: `- top-k`"),
        (log_of("# a\n\naccuracy:\n\n    - top-1"), "top-1 has no value"),
    ],
)
def test_faults_name_their_line(text: str, words: str) -> None:
    with pytest.raises(LogError) as caught:
        parse_log(text)
    assert words in str(caught.value)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(LogError) as caught:
        parse_log(log_of(row("a", value="2"), row("b", value="x"), "# c"))
    assert len(str(caught.value).splitlines()) == 3
