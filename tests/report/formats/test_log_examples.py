"""Imports of logs whose number of queries is given, stated, inferred or not known."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ablate.api.log_import import import_log
from ablate.errors import AblateError
from tests.support.command_line import Ablate

HITS = {"a": (3001, 4001, 5555), "b": (3111, 4222, 5333), "c": (3234, 4321, 5999)}
FORMATS = ("terminal", "markdown", "latex")


def log_of(rows: Mapping[str, Sequence[object]], setting: str = "lr: 1") -> str:
    sections = [f"# setting\n{setting}"]
    for at, (title, values) in enumerate(rows.items()):
        listed = "\n".join(f"    - top-{k}\n      {value}" for k, value in zip((1, 5, 10), values, strict=False))
        sections.append(f"# {title}\n\nx: {at}\n\naccuracy:\n\n{listed}")
    return "\n\n".join(sections) + "\n"


def rated(n: int, form: str) -> dict[str, list[str]]:
    return {title: [form.format(one / n) for one in hits] for title, hits in HITS.items()}


def document(ablate: Ablate, study: str) -> dict[str, object]:
    report: dict[str, object] = json.loads(ablate("report", study, "--format", "json").out)
    return report


TWO_DECIMALS = log_of({"a": ["0.51", "0.62"], "b": ["0.55", "0.71"], "c": ["0.61", "0.77"]})


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "text",
    [
        TWO_DECIMALS,
        log_of({"a": ["0.5021"], "b": ["0.5555"], "c": ["0.6112"]}),
        log_of({"a": ["0.48312"], "b": ["0.51234"], "c": ["0.53334"]}),
        log_of({"a": ["0.483166666667"], "b": ["0.512366666667"], "c": ["0.533433333333"]}),
    ],
    ids=["two decimals", "four decimals", "means of five seeds", "means of three seeds"],
)
def test_rounded_values_have_no_number_and_no_verdict(ablate: Ablate, tmp_path: Path, text: str) -> None:
    (tmp_path / "log.md").write_text(text)
    told = ablate("import", "log.md", "--study", "log")
    assert told.code == 0
    assert "the number of queries is not known" in told.out
    assert "--examples N" in told.out
    report = document(ablate, "log")
    assert report["examples_inferred"] is False
    for row in report["rows"]:
        assert all(
            (metric["n"], metric["ci"], metric["hits"]) == (None, None, []) for metric in row["metrics"].values()
        )
    for contrast in report["contrasts"]:
        assert (contrast["ci_pp"], contrast["p"], contrast["totals"]) == (None, None, None)
        assert contrast["verdict"] in ("cannot_tell", "not_estimable"), "which claims nothing"
    shown = " ".join(ablate("report", "log").out.split())
    assert "Nothing is claimed, as the number of queries is not known" in shown
    assert "the number of test queries is not known, so there are no intervals and no verdicts" in shown
    assert "--examples N" in shown
    assert ablate("report", "log", "--format", "log").out == text


def test_a_given_number_makes_totals_and_stays(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "log.md").write_text(TWO_DECIMALS)
    ablate("import", "log.md", "--study", "log")
    told = ablate("import", "log.md", "--study", "log", "--examples", 5000)
    assert (told.code, "replaced" in told.err) == (0, False), "it is the same log"
    assert "rates over 5,000 queries" in told.out
    assert "each can be 50 numbers of hits of 5,000 queries" in told.out
    report = document(ablate, "log")
    assert [row["metrics"]["top1"]["hits"] for row in report["rows"]] == [[2550], [2750], [3050]]
    assert all(contrast["ci_pp"] for contrast in report["contrasts"])
    assert any("rounded to 2 decimals" in finding for finding in report["findings"])
    own = ablate("report", "log", "--format", "log").out
    assert own == TWO_DECIMALS.replace("lr: 1\n", "lr: 1\n\nqueries: 5000\n")
    (tmp_path / "own.md").write_text(own)
    ablate("import", "own.md", "--study", "again")
    assert ablate("report", "again", "--format", "log").out == own
    again = document(ablate, "again")
    assert [again[key] for key in ("rows", "contrasts", "data")] == [
        report[key] for key in ("rows", "contrasts", "data")
    ]
    ablate("import", "log.md", "--study", "log")
    assert document(ablate, "log")["rows"][0]["metrics"]["top1"]["n"] is None, "the number was taken back"


@pytest.mark.usefixtures("undrawn")
def test_an_inferred_number_is_marked_wherever_it_is_shown(ablate: Ablate, tmp_path: Path) -> None:
    text = log_of(rated(12_377, "{:.7f}"))
    (tmp_path / "log.md").write_text(text)
    assert (
        "over 12,377 queries, which is inferred from their decimals" in ablate("import", "log.md", "--study", "log").out
    )
    for form in FORMATS:
        shown = " ".join(ablate("report", "log", "--format", form).out.split())
        assert "12,377 test queries (inferred)" in shown, form
    assert ablate("report", "log", "--format", "csv").out.splitlines()[1].endswith(",yes")
    report = document(ablate, "log")
    assert (report["examples_inferred"], report["data"]["queries"]) == (True, 12_377)
    assert ablate("report", "log", "--format", "log").out == text, "so it is inferred again"
    ablate("import", "log.md", "--study", "log", "--examples", 24_754)
    report = document(ablate, "log")
    assert (report["examples_inferred"], report["data"]["queries"]) == (False, 24_754)
    assert "(inferred)" not in ablate("report", "log").out


def test_a_dry_run_shows_the_number_and_stores_nothing(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "log.md").write_text(log_of(rated(12_377, "{:.7f}")))
    told = ablate("import", "log.md", "--dry-run")
    assert (told.code, "over 12,377 queries" in told.out, "nothing is stored" in told.err) == (0, True, True)
    assert not (tmp_path / "results").exists()


def test_values_of_another_number_are_faults_with_their_lines(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "log.md").write_text(TWO_DECIMALS)
    told = ablate("import", "log.md", "--study", "log", "--examples", 7)
    assert told.code == 2
    assert len(told.err.splitlines()) == 5, "0.71 is 5 of 7; each other value is a fault"
    assert told.err.startswith("log.md:11: top-1 0.51 is no rate of 7 queries: 3 are 0.43 and 4 are 0.57")
    assert not (tmp_path / "results").exists()


def test_a_stated_number_is_used_and_not_contradicted(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "log.md").write_text(TWO_DECIMALS.replace("lr: 1", "queries: 100"))
    assert "rates over 100 queries" in ablate("import", "log.md", "--study", "log").out
    told = ablate("import", "log.md", "--study", "log", "--examples", 200)
    assert (told.code, "states 100 queries, and --examples 200" in told.err) == (2, True)


@pytest.mark.parametrize("examples", [0, -3, 10**13])
def test_an_impossible_number_is_refused(tmp_path: Path, examples: int) -> None:
    with pytest.raises(AblateError, match=r"--examples: found .*; accepted: a whole number from 1"):
        import_log(tmp_path / "log.md", "log", str(tmp_path / "x.db"), examples=examples)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("runs.csv", b"lr,seed,acc\n" + b"0.1,0,0.5\n" * 40, "a table of 3 columns (lr, seed, acc), not a log"),
        ("runs.csv", b"lr;seed;acc\r\n0,1;0;0,5\r\n0,1;1;0,52\r\n", "a table of 3 columns (lr, seed, acc), not a log"),
        ("runs.csv", b'# made by hand\nname,acc\n"a, b",0.5\nc,0.6\n', "a table of 2 columns (name, acc), not a log"),
        ("runs.tsv", b"\xef\xbb\xbflr\tacc\n0.1\t0.5\n", "a table of 2 columns (lr, acc), not a log"),
        ("runs.md", b"| lr | acc |\n|---|---|\n| 1 | 0.5 |\n", "a table of 2 columns (lr, acc), not a log"),
        ("runs.jsonl", b'{"lr": 1, "acc": 0.5}\n' * 30, "this is JSON, not a log"),
        ("runs.bin", bytes(range(256)), "this is a binary file, not a log"),
        ("empty.md", b" \n\n", "the file is empty; a log has"),
        ("text.md", b"some words\n" * 30, "this is not a log: it has no `# setting` heading"),
        ("setting.md", b"# setting\nlr: 1\n", "no row; a log is"),
    ],
)
def test_another_file_is_answered_in_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AblateError) as caught:
        import_log(tmp_path / name, "log", str(tmp_path / "x.db"))
    assert str(caught.value).startswith(str(tmp_path / name))
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "x.db").exists()
