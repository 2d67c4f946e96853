"""Every command gives on PostgreSQL what it gives on SQLite."""

import re
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Ablate, Result
from tests.support.command_line import query
from tests.support.paths import SEED_LOG, SIMULATED

COMMANDS = [
    ("status",),
    ("plan", SIMULATED),
    ("run", SIMULATED, "--executor", "inline", "--only", "plain"),
    ("plan", SIMULATED),
    ("run", SIMULATED, "--executor", "inline", "--seeds", 4),
    ("run", SIMULATED, "--executor", "inline", "--seeds", 4),
    ("plan", SIMULATED, "--set", "config.base=40"),
    ("run", SIMULATED, "--executor", "inline", "--set", "config.base=40", "--accept-stale"),
    ("run", SIMULATED, "--executor", "inline", "--set", "config.base=40"),
    ("run", SIMULATED, "--executor", "inline"),
    ("import", SEED_LOG, "--study", "baseline-log"),
    ("import", SEED_LOG, "--study", "simulated"),
    ("status",),
    ("status", "nosuch"),
    ("report", "nosuch"),
    *(("report", "simulated", "--format", form) for form in ("terminal", "csv", "json", "log")),
    *(("report", "baseline-log", "--format", form) for form in ("csv", "json", "log")),
]
VIEW = "SELECT study, profile, label, seed, trial, state, top1, top5, top10 FROM results ORDER BY 1, 2, 3, 4"


def without_times(result: Result, store: str) -> Result:
    words = (result.out, result.err)
    out, err = (re.sub(r"\d+(\.\d+)? (ms|s|min)\b", "TIME", text.replace(store, "STORE")) for text in words)
    out = re.sub(r'"costs": \{.*?\}\}', "COSTS", out)  # no two trainings take the same time
    return Result(result.code, out, err)


def test_every_command_gives_the_same(ablate: Ablate, postgres: str) -> None:
    told = set()
    for number, command in enumerate(COMMANDS):
        file, server = (
            without_times(ablate(*command, "--store", store), store) for store in ("results/a.db", postgres)
        )
        assert server == file, f"{number}: {command}"
        told.add(file.code)
    assert told == {0, 2}
    with psycopg.connect(postgres) as connection:
        assert connection.execute(VIEW).fetchall() == query(VIEW, "results/a.db")


@pytest.mark.parametrize("words", [("run", SIMULATED), ("plan", SIMULATED), ("status",), ("report",)])
def test_no_command_shows_a_password(ablate: Ablate, words: tuple[object, ...], postgres: str) -> None:
    away = ablate(*words, "--store", "postgresql://somebody:secret@127.0.0.1:1/x")
    assert (away.code, "no server answers there" in away.err) == (2, True)
    empty = ablate(*words[:1], *(["nosuch"] if words[0] != "report" else []), "--store", with_password(postgres))
    assert empty.code == 2
    for result in (away, empty):
        assert "secret" not in result.out + result.err


def with_password(url: str) -> str:
    return url.replace("@", ":secret@")


def test_figures_and_checkpoints_of_a_server_lie_in_results(ablate: Ablate, postgres: str) -> None:
    ablate("run", SIMULATED, "--executor", "inline", "--store", postgres)
    ablate("report", "--store", postgres)
    assert Path("results/figures/simulated").is_dir()
