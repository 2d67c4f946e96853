"""`ablate reset`: a row is queued again, and what it gave stays as history."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.store import open_store
from ablate.store.queue import claims, process_identity
from ablate.trainers.checkpoints import Checkpoints
from tests.conftest import Ablate
from tests.support.command_line import INLINE, query, training
from tests.support.paths import SEED_LOG, SIMULATED


def row(ablate: Ablate, label: str) -> dict[str, object]:
    """Return a row of the report without its costs: no two trainings take the same time."""
    rows = json.loads(ablate("report", "--format", "json").out)["rows"]
    found = next(row for row in rows if row["label"] == label)
    return {name: value for name, value in found.items() if name != "costs"}


def test_a_reset_row_is_missing_until_it_is_run_again(ablate: Ablate) -> None:
    ablate("run", SIMULATED, *INLINE)
    before = row(ablate, "plain")
    ranks = query("SELECT * FROM ablate_measurements")
    done = ablate("reset", "simulated", "plain")
    assert done.code == 0
    assert done.out == "queued again: plain, seeds 0, 1, 2; 3 results kept as history\n"
    assert (row(ablate, "plain")["seeds"], row(ablate, "plain")["missing"]) == ([], [0, 1, 2])
    assert len(row(ablate, "normalized")["seeds"]) == 3  # type: ignore[arg-type]
    assert query("SELECT * FROM ablate_measurements") == ranks
    assert "  pending    plain\n" in ablate("plan", SIMULATED).out
    assert "3 of 12 trainings run" in ablate("run", SIMULATED, *INLINE).err
    assert row(ablate, "plain") == before
    assert set(ranks) < set(query("SELECT * FROM ablate_measurements")), "the new results stand beside the old ones"
    numbers = query(f"SELECT number, state FROM ablate_attempts WHERE training_key = '{training('plain')}'")
    assert numbers == [(1, "done"), (2, "done")]


def test_some_rows_and_some_seeds(ablate: Ablate) -> None:
    ablate("run", SIMULATED, *INLINE)
    told = ablate("reset", "simulated", "norm*", "plain", "--seed", 1, "--seed", 2).out
    assert "plain, seeds 1, 2; normalized, seeds 1, 2; normalization=on, erasing=on, warmup=on, seeds 1, 2" in told
    assert query("SELECT count(*) FROM results WHERE state = 'queued'") == [(6,)]
    wrong = ablate("reset", "simulated", "plain", "--seed", 7)
    assert (wrong.code, wrong.out) == (2, "")
    assert "--seed 7: the plan has no such seed" in wrong.err


def test_rows_that_share_the_training_are_told_and_queued_too(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(SIMULATED.read_text().replace("study: simulated", "study: other"))
    ablate("run", path, *INLINE)
    path.write_text(SIMULATED.read_text().replace("plain: {}", "plain: {}\n      again: {normalization: off}"))
    ablate("run", path, *INLINE)
    told = ablate("reset", "simulated", "plain", "--seed", 0).out
    assert "queued with them, as they share a training: plain of other (base), seed 0; again, seed 0\n" in told
    assert query("SELECT study, label, seed FROM results WHERE state = 'queued' ORDER BY study, label") == [
        ("other", "plain", 0),
        ("simulated", "again", 0),
        ("simulated", "plain", 0),
    ]


def test_what_fails_is_queued_again_as_well(ablate: Ablate) -> None:
    ablate("run", SIMULATED, *INLINE, "--set", "config.fail=1", "--only", "plain")
    assert "0 results" in ablate("reset", "simulated", "plain").out
    assert "3 of 3 trainings run" in ablate("run", SIMULATED, *INLINE, "--only", "plain").err
    assert query("SELECT count(*) FROM ablate_attempts WHERE state = 'failed'") == [(3,)]


@pytest.mark.parametrize("reset", [True, False])
def test_it_begins_from_the_start_and_not_at_a_checkpoint(ablate: Ablate, tmp_path: Path, reset: bool) -> None:
    run = ("run", SIMULATED, *INLINE, "--only", "plain", "--seeds", 1, "--set", "config.seconds=0.1")
    ablate(*run)
    if not reset:
        query(f"UPDATE ablate_trainings SET state = 'queued' WHERE key = '{training('plain')}'")
        query("UPDATE ablate_trials SET attempt_id = NULL")
    folder = tmp_path / "results" / "checkpoints" / training("plain")
    Checkpoints(folder, training("plain")).save(7, b"7")
    if reset:
        ablate("reset", "simulated", "plain")
        assert not folder.exists()
    assert "1 of 1 trainings run" in ablate(*run).err
    assert query("SELECT resumed_at FROM ablate_attempts ORDER BY number") == [(0,), (0 if reset else 7,)]


def test_what_runs_now_is_refused_and_the_rest_is_reset(ablate: Ablate) -> None:
    ablate("run", SIMULATED, *INLINE, "--only", "normalized")
    store = open_store("results/ablate.db")
    with store.write() as connection:
        assert claims.claim(connection, training("plain", 1)) is not None
    told = ablate("reset", "simulated", "*", "--seed", 1)
    assert told.code == 2
    assert "not reset: plain, seed 1: " in told.err
    assert " is running it" in told.err
    assert "queued again: normalized, seed 1; " in told.out
    assert query("SELECT count(*) FROM ablate_trainings WHERE state = 'running'") == [(1,)]
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    machine = process_identity.process().partition(" ")[0]
    query(f"UPDATE ablate_trainings SET process = '{machine} {child.pid} 0' WHERE state = 'running'")
    assert ablate("reset", "simulated", "plain", "--seed", 1).code == 0, "its runner is dead"
    assert query("SELECT count(*) FROM ablate_attempts WHERE state = 'running'") == [(0,)]


def test_unknown_names_and_imported_studies_are_refused(ablate: Ablate) -> None:
    ablate("run", SIMULATED, *INLINE, "--seeds", 1)
    for words, said in [
        (("simulatd", "plain"), "did you mean 'simulated'"),
        (("simulated", "plian"), "ROW 'plian': no row has such a label; did you mean 'plain'? the rows are:"),
        (("simulated", "plain", "--profile", "bose"), "did you mean 'base'"),
    ]:
        wrong = ablate("reset", *words)
        assert wrong.code == 2
        assert said in wrong.err
    ablate("import", SEED_LOG, "--study", "log")
    wrong = ablate("reset", "log", "*")
    assert wrong.code == 2
    assert "was imported" in wrong.err
    assert query("SELECT count(*) FROM results WHERE state != 'done'") == [(0,)]
    assert ablate("reset", "simulated", "plain", "--store", "none.db").code == 2
