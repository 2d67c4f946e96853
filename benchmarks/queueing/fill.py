"""Fills a store with finished trials of a simulated study, by the functions that a run uses.

    python -m benchmarks.queueing.fill STORE TRIALS

In a process of its own, so that its memory is nobody else's.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ablate.run.preparation import prepare
from ablate.store import Store, open_store
from ablate.store.queue import claims
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import Trial, trials
from ablate.trainers.rank_results import rank_result

ROWS = 100
BATCH = 2000
STUDY = """\
study: stored
trainer: simulated
factors:
  cell: {{sets: settings.cell, levels: [{levels}]}}
design: [{{rows: {{{rows}}}}}]
seeds: {seeds}
"""


def main() -> None:
    store, count = open_store(sys.argv[1]), int(sys.argv[2])
    study = read_study(_study(Path(sys.argv[1]).parent, count))
    wanted = trials(study)
    prepare(store, study, wanted, wanted)
    for start in range(0, len(wanted), BATCH):
        _finish(store, wanted[start : start + BATCH])


def _study(folder: Path, count: int) -> Path:
    rows = min(ROWS, count)
    path = folder / "stored.yaml"
    levels = ", ".join(map(str, range(rows)))
    design = ", ".join(f"r{cell}: {{cell: {cell}}}" for cell in range(rows))
    path.write_text(STUDY.format(levels=levels, rows=design, seeds=count // rows), encoding="utf-8")
    return path


def _finish(store: Store, some: Sequence[Trial]) -> None:
    """Claims and records, as a run does, but many in one transaction; with few queries, as status reads none."""
    ranks = np.arange(10, dtype=np.uint32)
    result = rank_result(dict.fromkeys(("validation", "test"), ranks), dict.fromkeys(("validation", "test"), 1000))
    with store.write() as connection:
        for trial in some:
            held = claims.claim(connection, trial.training_key)
            assert held is not None
            assert claims.record(connection, held, {trial.key: replace(result, environment={"device": "cpu"})}, 0.0)


if __name__ == "__main__":
    main()
