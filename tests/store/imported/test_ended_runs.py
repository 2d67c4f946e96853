"""Results of other programs and logs in a store of either engine: each run has one attempt, with its own values."""

from pathlib import Path

import ablate
from ablate.store import Store
from tests.conftest import on_both_engines

pytestmark = on_both_engines

LOG = """\
# setting
queries: 20

# one

margin: 0.1

accuracy:

    - top-1
      0.25

# two

margin: 0.2

accuracy:

    - top-1
      0.35
"""


def attempts(store: Store) -> list[tuple[object, ...]]:
    """Return (state, reason, value) of each attempt, in the order in which they were saved."""
    sql = (
        "SELECT a.state, a.reason, m.value FROM ablate_attempts a "
        "LEFT JOIN ablate_measurements m ON m.attempt_id = a.id "
        "ORDER BY a.id"
    )
    with store.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def test_a_table(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    lines = [f"{lr},{seed},{lr + seed / 100}" for lr in (0.1, 0.2) for seed in range(700)]
    path.write_text("\n".join(["lr,seed,loss", *lines, "0.3,0,"]) + "\n")
    saved = ablate.import_results(path, "table", store).saved
    assert (saved.trials, saved.new) == (1401, 1401)
    values = [row.results[seed].value("loss") for row in ablate.load_results("table", store).rows for seed in row.seeds]
    assert values == [lr + seed / 100 for lr in (0.1, 0.2) for seed in range(700)]
    assert attempts(store)[-1] == ("failed", "loss has no value in the source", None)


def test_a_log(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "log.md"
    path.write_text(LOG)
    ablate.import_log(path, "log", store)
    assert attempts(store) == [("done", None, 0.25), ("done", None, 0.35)]
