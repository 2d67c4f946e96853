"""Looks at results of any metric: those that are no numbers, and those of which less is better."""

from pathlib import Path

from ablate.api.results import analyse_study
from ablate.api.run import run_study
from ablate.store import Store
from ablate.store.looks import read_looks
from tests.conftest import on_both_engines

STUDY = """
study: made
trainer: simulated
primary: loss
delta: 0.02
config:
  metrics: [loss]
  effects: [{when: {k: 1}, pp: 20}]
  broken: [{when: {k: 2}, seeds: [1], metric: loss, gives: nan}, {when: {k: 3}, metric: loss, gives: inf}]
factors: {k: {sets: settings.k, levels: [0, 1, 2, 3]}}
design: [add_one: {from: {}}]
seeds: {looks: [2, 3]}
"""


@on_both_engines
def test_a_value_that_is_no_number_is_the_same_at_the_next_look(store: Store, tmp_path: Path) -> None:
    """Otherwise each look would begin a new family, and the run would never end. JSON has no such numbers either."""
    path = tmp_path / "broken.yaml"
    path.write_text(STUDY)
    run_study(path, store, until_decided=True, executor="inline")
    with store.read() as connection:
        taken = read_looks(connection, "made", "base")
    assert [(look.family, look.number) for look in taken] == [(1, 1), (1, 2)]
    assert [taken[0].trials[row]["seeds"]["1"][1] for row in ("k=2", "k=3")] == ["nan", "inf"]
    analysis = analyse_study("made", store)
    assert len(analysis.results.looks) == 2
    assert analysis.against_baseline[2].estimate.verdict == "better", "20 pp lower the loss by 0.4 nats"
