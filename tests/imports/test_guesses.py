"""Tables in which a column could be a setting, a circumstance, a metric or a state."""

from pathlib import Path

import pandas as pd
import pytest

from ablate.imports.source import DONE, FAILED, Request, Source
from ablate.imports.tables.table import reader
from ablate.imports.understanding.study import ImportedStudy, understand


def study(text: str, request: Request | None = None) -> ImportedStudy:
    """Return the table of a CSV text as a study."""
    Path("runs.csv").write_text(text, encoding="utf-8")
    request = request or Request()
    return understand(reader.read(Path("runs.csv"), request), request)


def crossed(name: str, values: tuple[object, ...]) -> str:
    """Return a table of a column crossed with lr, with three seeds."""
    lines = [
        f"{lr},{value},{seed},{0.5 + at / 10 + lr + seed / 1000}"
        for lr in (0.1, 0.2)
        for at, value in enumerate(values)
        for seed in range(3)
    ]
    return "\n".join([f"lr,{name},seed,accuracy", *lines]) + "\n"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("user_embedding", ("on", "off")),
        ("time_steps", (4, 8)),
        ("stage", ("stack", "skip")),
        ("model_id", ("a", "b")),
        ("name", ("a", "b")),
        ("experiment", ("a", "b")),
        ("run", ("a", "b")),
        ("precision", (16, 32)),
        ("loss_weight", (0.1, 0.5)),
        ("recall_threshold", (0.1, 0.5)),
    ],
)
def test_a_column_of_few_values_that_repeat_is_a_factor(name: str, values: tuple[object, ...]) -> None:
    found = study(crossed(name, values))
    assert [factor.name for factor in found.factors] == ["lr", name]
    assert ([len(row.runs) for row in found.rows], found.unpaired) == ([3] * 4, "")
    assert [metric.name for metric in found.metrics] == ["accuracy"]


@pytest.mark.parametrize("name", ["host", "gpu", "started", "commit", "params"])
def test_hosts_times_and_commits_are_no_factors(name: str) -> None:
    text = "lr,seed,accuracy," + name + "\n0.1,0,0.5,1\n0.1,1,0.51,2\n0.2,0,0.6,1\n0.2,1,0.61,2\n"
    found = study(text)
    assert [factor.name for factor in found.factors] == ["lr"]
    assert found.circumstances == (name,)


def test_runs_are_in_the_state_that_a_table_gives() -> None:
    found = study(
        "lr,seed,accuracy,status\n0.1,0,0.5,finished\n0.2,0,0.1,running\n0.2,0,0.6,finished\n0.1,1,0.1,crashed\n"
    )
    assert {row.label: [run.state for run in row.runs.values()] for row in found.rows} == {
        "lr=0.1": [DONE, FAILED],
        "lr=0.2": [DONE],
    }
    assert found.unused == ("1 run without an end: line 3",)
    other = study("lr,status,seed,accuracy\n0.1,new,0,0.5\n0.2,old,0,0.6\n")
    assert [run.state for row in other.rows for run in row.runs.values()] == [DONE, DONE]


def test_a_thousand_next_to_a_mean_is_no_number_of_seeds() -> None:
    text = "model,acc_mean,acc_std,n\na,0.5,0.01,{n}\nb,0.6,0.01,{n}\n"
    spreads = {n: [row.spreads["acc"].seeds for row in study(text.format(n=n)).rows] for n in (5, 1000)}
    assert spreads == {5: [5, 5], 1000: [None, None]}
    assert any("--seeds N gives it" in note for note in study(text.format(n=1000)).notes)
    given = study(text.format(n=1000), Request(seeds=3))
    assert [row.spreads["acc"].seeds for row in given.rows] == [3, 3]


def test_rows_without_a_common_seed_are_not_paired() -> None:
    found = study("lr,seed,accuracy\n0.1,0,0.5\n0.1,1,0.51\n0.2,10,0.6\n0.2,11,0.61\n")
    assert found.unpaired == "no two rows have a seed in common"
    assert [list(row.runs) for row in found.rows] == [[0, 1], [0, 1]]


def test_a_cell_of_text_in_a_metric_is_named() -> None:
    runs = pd.DataFrame({"lr": ["a", "b"], "accuracy": ["0.5", "see note"]})
    with pytest.raises(Exception, match="line 3: found 'see note' for the metric accuracy; accepted: a number"):
        understand(Source("table", "a test", runs, ["line 2", "line 3"]), Request())
