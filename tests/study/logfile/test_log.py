"""Reading logs: the levels, the labels, and the contradictions."""

from pathlib import Path

import pytest

from ablate.errors import LogError
from ablate.study.logfile.parser import parse_log, read_log
from ablate.study.logfile.rows import findings, named_rows

SEED = Path(__file__).parents[3] / "studies" / "reference" / "baseline-log.md"


def test_the_seed_log() -> None:
    log = read_log(SEED)
    rows = named_rows(log)
    assert (log.queries, log.inferred) == (12_377, True)
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
    assert any(f.startswith("row 5 contradicts its title:") and "margin 0.2" in f and "margin 0.3" in f for f in told)
    assert any(f.startswith("rows 7 and 8 have the same title,") and "omega (0.9 and 0.7)" in f for f in told)
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


def test_a_faulty_line_of_the_setting_is_a_fault() -> None:
    with pytest.raises(LogError, match="4: found 'junk without a colon'"):
        parse_log("# setting\nlr: 1\n\njunk without a colon\n\n" + row("a"))


def told(*rows: str) -> str:
    log = parse_log(log_of(*rows))
    return "\n".join(findings(log, named_rows(log)))


def test_a_row_that_contradicts_its_own_title() -> None:
    text = told(row("base"), row("base + random erasing", "random erasing: False"))
    assert "row 2 contradicts its title: the title has random erasing, but the row lists random erasing False" in text
    text = told(row("base"), row("resnet101 + random erasing", "backbone: resnet50", "random erasing: True"))
    assert "row 2 contradicts its title: the title has resnet101, but the row lists backbone resnet50" in text
    assert "the title has" not in told(row("base"), row("base + warmup training", "warmup training: 500"))


def test_a_key_that_stands_twice_in_a_row() -> None:
    text = told(row("a", "margin: 0.2", "margin: 0.3"), row("b", "margin: 0.1", "margin: 0.1"))
    assert "row 1: lists margin twice, 0.2 and 0.3; the last counts" in text
    assert "row 2" not in text.replace("rows 1 and 2", "")


def test_words_of_other_alphabets_stay_apart() -> None:
    rows = named_rows(parse_log(log_of(row("a", "日本: 1", "größe: 1"), row("b", "日本: 2", "größe: 3"))))
    assert [dict(named.levels) for named in rows] == [{"日本": 1, "größe": 1}, {"日本": 2, "größe": 3}]


def test_a_remark_in_brackets_is_no_component() -> None:
    rows = named_rows(parse_log(log_of(row("base (small)"), row("base + warmup training (small)"))))
    assert [dict(named.levels) for named in rows] == [{"warmup": False}, {"warmup": True}]


def test_a_log_without_the_usual_ks_says_so() -> None:
    assert "none of top-1, top-5, top-10" in told("# a\n\naccuracy:\n\n    - top-2\n      0.5")


def test_all_faults_come_at_once() -> None:
    with pytest.raises(LogError) as caught:
        parse_log(log_of(row("a", value="2"), row("b", value="x"), "# c"))
    assert len(str(caught.value).splitlines()) == 3
