"""Failed seeds are named with the reason, each reason once, the most frequent first."""

from collections.abc import Mapping
from dataclasses import replace

from ablate.analysis.results import RowResult
from ablate.report.sections.incomplete import MOST_LETTERS, MOST_LISTED, incomplete
from tests.support.analysis.analysis_rows import results, row


def failed(number: int, reasons: Mapping[int, str], diverged: tuple[int, ...] = ()) -> RowResult:
    """Return a row of which one seed has a result, and others failed or diverged for these reasons."""
    return replace(
        row(number, {"a": str(number)}, {0: 200}),
        failed=tuple(seed for seed in reasons if seed not in diverged),
        missing=tuple(reasons),
        diverged=diverged,
        reasons={seed: reason for seed, reason in reasons.items() if reason},
    )


def sentences(*rows: RowResult) -> list[str]:
    return list(incomplete(results({"a": [str(one.number) for one in rows]}, list(rows))))


def test_one_line_for_each_reason_with_its_rows() -> None:
    first = failed(1, {1: "exit code 1. KeyError: 'lr'.", 2: "time limit of 2 h"})
    second = failed(2, {1: "time limit of 2 h", 3: "time limit of 2 h"})
    assert sentences(first, second)[:-1] == [
        f"Failed: {first.label}, seed 2; {second.label}, seeds 1, 3: time limit of 2 h.",
        f"Failed: {first.label}, seed 1: exit code 1. KeyError: 'lr'.",
    ]
    assert "`ablate status" in sentences(first, second)[-1]


def test_failures_and_divergences_are_apart() -> None:
    mixed = failed(1, {1: "it broke", 2: "loss is nan", 4: ""}, diverged=(2,))
    assert sentences(mixed, row(2, {"a": "2"}, {0: 1}))[:-1] == [
        f"Failed: {mixed.label}, seed 1: it broke.",
        f"Failed: {mixed.label}, seed 4.",
        f"Diverged: {mixed.label}, seed 2: loss is nan.",
    ]


def test_many_rows_and_many_reasons_are_counted() -> None:
    rows = [failed(at, {1: "the same", 2: f"reason {at}"}) for at in range(1, 8)]
    lines = sentences(*rows)
    assert lines[0] == "7 of 21 trials have a result."
    assert lines[1] == "Failed: 7 trials, in 7 of 7 rows: the same."
    assert lines[MOST_LISTED + 1] == "Failed for other reasons: 4 trials."


def test_a_reason_of_many_lines_is_cut() -> None:
    (line, _) = sentences(
        failed(1, {1: "ValueError: it did not work\n  and this is why " * 40}), row(2, {"a": "2"}, {0: 1})
    )
    assert line.endswith(" …")
    assert "\n" not in line
    assert len(line) < MOST_LETTERS + 40
