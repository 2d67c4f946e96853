"""`ablate import` of results of other programs: what it shows, what it stores, and what it asks for."""

import contextlib
import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablate.imports.source import Request, Source
from ablate.imports.understanding.study import understand
from tests.conftest import Ablate
from tests.support.imports import table

HEAD = "lr,norm,seed,acc\n"


def csv(lines: str, head: str = HEAD) -> Path:
    path = Path("runs.csv")
    path.write_text(head + lines, encoding="utf-8")
    return path


def shown(text: str) -> str:
    return " ".join(text.split())


def test_a_table_becomes_a_study_with_verdicts(ablate: Ablate, tmp_path: Path) -> None:
    result = ablate("import", table.write(tmp_path), "--study", "mine")
    assert result.code == 0
    assert "12: 4 rows x 3 seeds (column seed)" in result.out
    assert "mine: 12 runs stored\nnext: ablate report mine\n" in result.err
    report = json.loads(ablate("report", "mine", "--format", "json").out)
    verdicts = {(each["from"], each["to"]): each["verdict"] for each in report["contrasts"] if each["in_family"]}
    assert len(verdicts) == 4
    assert set(verdicts.values()) <= {"better", "worse"}, "effects of 3 and 20 pp, with an SD of .1"
    assert f"Imported from {tmp_path / 'results.csv'}." in ablate("report", "mine", "--format", "markdown").out


def test_a_dry_run_shows_the_same_and_stores_nothing(ablate: Ablate, tmp_path: Path) -> None:
    path = table.write(tmp_path)
    dry = ablate("import", path, "--dry-run")
    assert not Path("results").exists()
    assert ablate("import", path).out == dry.out


def test_a_second_import_adds_nothing_and_a_grown_source_what_is_new(ablate: Ablate) -> None:
    csv("0.1,a,0,0.5\n0.2,a,0,0.6\n")
    assert "runs: 2 runs stored" in ablate("import", "runs.csv").err
    assert "the store has all of its 2 runs already" in ablate("import", "runs.csv").err
    csv("0.1,a,0,0.5\n0.2,a,0,0.6\n0.1,a,1,0.51\n0.2,a,1,0.62\n")
    assert "2 of 4 runs stored" in ablate("import", "runs.csv").err


def test_another_source_does_not_take_a_name_without_a_word(ablate: Ablate) -> None:
    csv("0.1,a,0,0.5\n0.2,a,0,0.6\n")
    Path("other.csv").write_text(HEAD + "0.1,a,0,0.9\n0.2,a,0,0.8\n")
    assert ablate("import", "runs.csv", "--study", "x").code == 0
    refused = ablate("import", "other.csv", "--study", "x")
    assert (refused.code, "or add --replace" in refused.err) == (2, True)
    assert ablate("import", "other.csv", "--study", "x", "--replace").code == 0


def test_settings_that_vary_together_are_confounded(ablate: Ablate) -> None:
    lines = [
        f"{lr},{norm},{seed},{0.5 + lr + 0.001 * seed}" for lr, norm in ((0.1, "a"), (0.2, "b")) for seed in range(3)
    ]
    csv("\n".join(lines) + "\n")
    result = ablate("import", "runs.csv")
    assert "lr and norm always vary together" in shown(result.out)
    report = json.loads(ablate("report", "runs", "--format", "json").out)
    assert {each["verdict"] for each in report["contrasts"]} == {"confounded"}


def test_runs_without_seeds_are_not_paired(ablate: Ablate) -> None:
    csv("".join(f"{lr},{0.5 + lr + 0.001 * run}\n" for lr in (0.1, 0.2) for run in range(4)), "lr,acc\n")
    result = ablate("import", "runs.csv")
    assert "8: 2 rows x 4 runs, not paired: no column has the seeds" in shown(result.out)


def test_a_setting_that_is_no_factor_by_request_confounds(ablate: Ablate) -> None:
    csv("0.1,a,0,0.5\n0.1,a,1,0.51\n0.2,b,0,0.6\n0.2,b,1,0.62\n0.2,a,2,0.6\n")
    result = ablate("import", "runs.csv", "--factors", "lr")
    assert "norm vary and are no factors" in shown(result.out)
    report = json.loads(ablate("report", "runs", "--format", "json").out)
    assert {each["verdict"] for each in report["contrasts"]} == {"confounded"}


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("lr,q\n0.1,3\n0.2,4\n", (), "--metric 'q:higher' or 'q:lower'"),
        ("lr,q\n0.1,3\n0.2,4\n", ("--metric", "q"), "--metric 'q:higher' or 'q:lower'"),
        (
            "lr,acc\n0.1,high\n0.2,4\n",
            ("--metric", "acc"),
            "line 2: found 'high' for the metric acc; accepted: a number",
        ),
        ("lr,acc\n0.1,3\n", ("--factors", "lrr"), "--factors: unknown column 'lrr'; did you mean 'lr'?"),
        ("lr,acc\n0.1,3\n", ("--where", "lr"), "--where: found 'lr'; accepted: a column and its value"),
        ("lr,acc\n0.1,3\n", ("--where", "lr=7"), "--where: no run has lr=7; its values are 0.1"),
        ("lr,seed,acc\n0.1,,0.3\n0.2,1,0.3\n", (), "seed, the column of the seeds, is empty in line 2"),
        ("lr,acc\n", (), "there is no line below the headings; a table has a line for each run"),
        ("lr,acc\n0.1,3\n", ("--from", "excel"), "--from: unknown kind 'excel'; known: "),
        ("lr,acc\n0.1,3\n", ("--study", "My Study"), "accepted: small letters, digits and dashes, like my-study"),
    ],
)
def test_what_is_asked_for(ablate: Ablate, text: str, options: tuple[str, ...], words: str) -> None:
    csv("", text)
    result = ablate("import", "runs.csv", *options)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert not Path("results").exists()


def test_a_path_that_is_not_there_or_of_no_kind(ablate: Ablate) -> None:
    assert "none.csv: no such file or folder" in ablate("import", "none.csv").err
    Path("x.bin").write_bytes(bytes(1000))
    assert "x.bin: this file is of no kind that is known" in ablate("import", "x.bin").err


def test_of_a_line_for_each_step_the_last_of_a_run_is_its_result(ablate: Ablate) -> None:
    lines = [f"{lr},{seed},{step},{lr + step / 100}" for step in (1, 3, 2) for lr in (0.1, 0.2) for seed in (0, 1)]
    csv("\n".join(lines) + "\n", "lr,seed,step,acc\n")
    result = ablate("import", "runs.csv")
    assert "4: 2 rows x 2 seeds" in result.out
    assert "step counts the steps of a run: the last line of each of 4 runs is used" in shown(result.out)
    report = json.loads(ablate("report", "runs", "--format", "json").out)
    assert [row["metrics"]["acc"]["mean"] for row in report["rows"]] == pytest.approx([0.13, 0.23])


def test_infinite_and_missing_values_are_outcomes(ablate: Ablate) -> None:
    csv("0.1,a,0,0.5\n0.1,a,1,inf\n0.2,a,0,0.6\n0.2,a,1,\n")
    assert ablate("import", "runs.csv").code == 0
    status = shown(ablate("status").out)
    assert "1 diverged" in status
    assert "1 failed" in status


def test_runs_of_one_configuration_are_one_row(ablate: Ablate) -> None:
    csv("".join(f"Run {run},{0.5 + run / 1000},{run / 7},{run / 9}\n" for run in range(20)), "Run,acc,Lexical (n),x\n")
    result = ablate("import", "runs.csv")
    assert "20: 1 row x 20 runs" in shown(result.out)
    assert "Lexical (n) and x have many values, so they are results" in shown(result.out)
    assert ablate("report", "runs").code == 0
    assert "1 row x 20 runs" in shown(ablate("import", "runs.csv", "--factors", "none", "--metric", "x:lower").out)


@pytest.mark.slow
def test_on_a_terminal_it_asks_one_question_after_another(tmp_path: Path) -> None:
    csv("".join(f"{lr},{fold},{lr + fold / 100}\n" for lr in (0.1, 0.2) for fold in (1, 2, 3)), "lr,fold,q\n")
    code = "from ablate.__main__ import main; main()"
    first, second = pty.openpty()
    command = [sys.executable, "-c", code, "import", "runs.csv"]
    running = subprocess.Popen(command, stdin=second, stdout=second, stderr=second, cwd=tmp_path, close_fds=True)
    os.close(second)
    ending = threading.Timer(60, running.kill)  # a question that never comes is no reason to wait for ever
    ending.start()
    seen = seen_all = ""
    for question, answer in (("--metric", "q:lower"), ("--seed", "2"), ("store this?", "y")):
        while question not in seen or not seen.endswith(": "):
            seen += os.read(first, 10_000).decode()
        os.write(first, f"{answer}\n".encode())
        seen_all += seen
        seen = ""
    with contextlib.suppress(OSError):  # the end of the terminal
        while part := os.read(first, 10_000):
            seen += part.decode()
    ending.cancel()
    assert running.wait() == 0
    assert "ablate import runs.csv --metric q:lower --seed fold --yes" in " ".join(seen_all.split())
    assert "runs: 6 runs stored" in seen
    report = ablate_report(tmp_path)
    assert report["primary"] == "q"
    assert {contrast["seeds"] for contrast in report["contrasts"]} == {3}, "paired by fold"


def ablate_report(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "ablate", "report", "runs", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_failed_attempt_counts_only_without_a_run_that_repeats_it(ablate: Ablate) -> None:
    csv("0.1,a,0,\n0.1,a,0,0.5\n0.2,a,0,0.6\n0.2,a,1,\n0.1,a,,\n")
    result = ablate("import", "runs.csv")
    assert "1 run without a result, as another run of the same settings and seed has one: line 2" in shown(result.out)
    assert "1 run without a seed and a result: line 6" in shown(result.out)
    assert "1 failed" in shown(ablate("status").out)


def test_a_field_of_names_is_a_factor_whatever_it_is_called(ablate: Ablate) -> None:
    runs = {
        f"{name}_seed{seed}": {"acc": 0.5 + seed / 100 + len(name) / 1000} for name in ("a", "bb") for seed in (1, 2)
    }
    Path("runs.json").write_text(json.dumps(runs))
    result = ablate("import", "runs.json", "--names", "{name}_seed{seed}")
    assert "name: a (baseline) and bb" in shown(result.out)
    assert "4: 2 rows x 2 seeds" in result.out


def test_numbers_among_other_cells_are_numbers() -> None:
    runs = pd.DataFrame({"lr": [1, 2, 3], "acc": pd.Series([0.5, None, True], dtype=object)})
    study = understand(Source("table", "a test", runs, ["1", "2", "3"]), Request(metrics=("acc",)))
    assert [run.values for row in study.rows for run in row.runs.values()] == [{"acc": 0.5}, {}, {"acc": 1.0}]


def test_a_number_of_parameters_is_no_factor(ablate: Ablate) -> None:
    csv("a,25.6M,0,0.5\nb,30M,0,0.6\na,25.6M,1,0.51\nb,30M,1,0.61\n", "net,#Params,seed,acc\n")
    out = shown(ablate("import", "runs.csv").out)
    assert "set aside #Params" in out
    assert "net: a (baseline) and b" in out
