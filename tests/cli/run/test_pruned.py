"""A row whose training a search has ended early: it is queued, and a run trains it on from there."""

from pathlib import Path

import pytest

from ablate.run.job import Job
from ablate.run.training_runner import run_job
from ablate.store import open_store
from ablate.store.queue import claims
from tests.conftest import Ablate
from tests.support.command_line import INLINE, query, training
from tests.support.paths import SIMULATED

FOLDER = Path("results/checkpoints")


@pytest.fixture
def pruned(ablate: Ablate) -> str:
    """The training of a row that was ended early after three tenths; all others are done."""
    ablate("run", SIMULATED, *INLINE, "--only", "normalized")
    key = training("plain")
    store = open_store("results/ablate.db")
    with store.write() as connection:
        held = claims.claim(connection, key)
        assert held is not None
    job = Job(key, "simulated", [{}], 0, 1, str(FOLDER / key), 900.0, watched=True)
    report = run_job(job, lambda _: None, judge=lambda shown: shown.fraction < 0.3)
    with store.write() as connection:
        assert claims.prune(connection, held, report.reason, report.seconds)
    store.close()
    return key


@pytest.mark.slow
def test_it_is_shown_as_queued_and_trained_on_by_a_run(ablate: Ablate, pruned: str) -> None:
    assert ablate("status").out.splitlines()[0] == "simulated (base), 12 trials: 3 done, 9 queued"
    assert query("SELECT state FROM results WHERE label = 'plain' AND seed = 0") == [("queued",)]
    assert "  pending    plain\n" in ablate("plan", SIMULATED).out
    assert ablate("report").code == 0
    assert "9 of 12 trainings run" in ablate("run", SIMULATED, *INLINE).err
    attempts = query(f"SELECT number, state, resumed_at FROM ablate_attempts WHERE training_key = '{pruned}'")
    assert attempts == [(1, "pruned", 0), (2, "done", 3)]
    assert ablate("status").out == "simulated (base), 12 trials: 12 done\n"


def test_its_checkpoint_stays_while_the_plan_has_the_row(ablate: Ablate, pruned: str) -> None:
    assert "kept the checkpoints of 1 training" in ablate("gc").out
    assert (FOLDER / pruned).is_dir()
    query("DELETE FROM ablate_cells")
    assert ablate("gc").out.startswith("removed the checkpoints of 1 training")
    assert not (FOLDER / pruned).exists()
