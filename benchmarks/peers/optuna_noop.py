"""Optuna: processes that share a study. Variants: the storage, `-` and the sampler, like `journal-grid`."""

import argparse
import multiprocessing
from typing import Any

import noop
import optuna
from optuna.samplers import BaseSampler, GridSampler, RandomSampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import event

STUDY = "noop"


def main() -> None:
    asked = noop.options()
    optuna.create_study(study_name=STUDY, storage=storage(asked))
    each, rest = divmod(asked.trials, asked.workers)
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=work, args=(asked, each + (number < rest))) for number in range(asked.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    noop.tell("optuna")
    raise SystemExit(max(abs(worker.exitcode or 0) for worker in workers))


def work(asked: argparse.Namespace, share: int) -> None:
    """One of the processes. A grid sampler stops by itself when every cell has been tried."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    on_grid = asked.variant.endswith("grid")
    study = optuna.load_study(study_name=STUDY, storage=storage(asked), sampler=sampler(asked, on_grid))

    def objective(trial: optuna.Trial) -> float:
        cell = trial.suggest_int("cell", 0, asked.trials - 1)
        return noop.run(str(asked.folder), cell if on_grid else trial.number)

    study.optimize(objective, n_trials=None if on_grid else share)


def sampler(asked: argparse.Namespace, on_grid: bool) -> BaseSampler:
    return GridSampler({"cell": list(range(asked.trials))}) if on_grid else RandomSampler()


def storage(asked: argparse.Namespace) -> BaseStorage:
    if asked.variant.startswith("journal"):
        return JournalStorage(JournalFileBackend(str(asked.folder / "journal.log")))
    made = RDBStorage(f"sqlite:///{asked.folder}/optuna.db")
    if asked.variant.startswith("wal"):
        event.listen(made.engine, "connect", as_ours)
        made.engine.dispose()  # the connections that there are have the old settings
    return made


def as_ours(connection: Any, _: object) -> None:
    """The settings of ablate's store, which Optuna leaves to SQLite's defaults."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


if __name__ == "__main__":
    main()
