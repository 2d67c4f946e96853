"""What a search finds, what pruning saves, and what a suggestion costs.

    python benchmarks/search.py [found|pruned|overhead]...

Whole searches of the trainer `simulated`, whose true optimum is known, through the command line: only the trainer's
work is not done. A search's choice is its best finalist, by validation, as users get it.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import optuna
import yaml
from machine import keep
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import event
from typer.testing import CliRunner

from ablate.adaptive.search.dashboard_export import DashboardExport
from ablate.adaptive.search.driver import SearchDriver, begin
from ablate.cli.app import app
from ablate.measurement import Measurement, Result
from ablate.store import open_store
from ablate.store.queue import claims
from ablate.study.reading.study_reader import read_study
from ablate.study.search_space.candidates import Candidates
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.truth import expected_rate
from ablate.trainers.top_k import TOP_K

REPETITIONS = 50
TRIALS = 40
NEAR = 0.3  # pp
PEAK = {"peak": {"margin": 0.3, "omega": 0.8}, "width": {"margin": 0.2, "omega": 0.3}, "pp": 3.0}
BEST = 0.27 + PEAK["pp"] / 100  # type: ignore[operator]
NOISE = {
    "none": {"queries": 12_377, "seed_sd_pp": 0.0, "shared_seed_sd_pp": 0.0, "discordance": 0.001},
    "12,377 queries, run SD .3 pp": {"queries": 12_377},
}
"""The seed log's number of queries, with the trainer's default spread and discordance."""
PRUNERS = (None, "median", "hyperband")
ASKED = 1_000


def study(
    seed: int, sampler: str, noise: dict[str, object], pruner: str | None = None, trials: int = TRIALS, top: int = 1
) -> str:
    """A study file that searches margin and omega; with several finalists, they have five fresh seeds each."""
    space = {"margin": {"low": 0.05, "high": 1.0}, "omega": {"low": 0.3, "high": 0.99}}
    factors = {
        "margin": {"sets": "settings.margin", "levels": [0.6, 0.2]},
        "omega": {"sets": "settings.omega", "levels": [0.5, 0.7]},
    }
    search = {
        "space": space,
        "sampler": sampler,
        "pruner": pruner,
        "trials": trials,
        "finalists": {"top": top, "seeds": 5 if top > 1 else 1},
    }
    config = {**noise, "effects": [PEAK]}
    whole = {"study": "peak", "trainer": "simulated", "seeds": [seed], "config": config}
    return yaml.safe_dump({**whole, "factors": factors, "search": search}, sort_keys=False)


@dataclass(frozen=True)
class Found:
    """How far below the optimum, in pp: the true rate of the search's choice, of the best point that it tried, and of
    the finalist that fresh seeds put first, on validation.

    `share`: of all steps of its trials, those that were taken; `pruned`: how many trials were stopped early.
    """

    choice: float
    tried: float
    rerun: float
    share: float
    pruned: int


def searched(text: str) -> Found:
    """What one search finds."""
    with tempfile.TemporaryDirectory() as folder:
        path, store = Path(folder) / "study.yaml", Path(folder) / "ablate.db"
        path.write_text(text, encoding="utf-8")
        done = CliRunner().invoke(app, ["search", str(path), "--store", str(store), "--executor", "inline"])
        assert done.exit_code == 0, done.output
        with closing(sqlite3.connect(store)) as connection:
            rows = connection.execute(
                "SELECT c.point, c.state, c.scores, (SELECT max(fraction) FROM ablate_interims i "
                "JOIN ablate_trials t ON t.training_key = i.training_key WHERE t.key = c.trial_key) "
                "FROM ablate_candidates c"
            ).fetchall()
            rerun = dict(
                connection.execute(
                    "SELECT r.label, sum(h.value) FROM ablate_rows r JOIN ablate_cells c ON c.row_id = r.id "
                    "JOIN ablate_measurements h ON h.trial_key = c.trial_key AND h.split = 'validation' "
                    "AND h.metric = 'top1' "
                    "WHERE r.label LIKE 'trial %' GROUP BY r.label"
                )
            )
    points = [yaml.safe_load(point) for point, *_ in rows]
    rates = [100 * (BEST - true_rate(point)) for point in points]
    scores = [yaml.safe_load(scores)["top1"] if state == "done" else -1.0 for _, state, scores, _ in rows]
    parts = [10 if state == "done" else 10 * part for _, state, _, part in rows]
    best = max(range(len(rows)), key=scores.__getitem__)
    pruned = sum(state == "pruned" for _, state, *_ in rows)
    first = int(max(rerun, key=rerun.__getitem__).split()[1])
    return Found(rates[best], min(rates), rates[first], sum(parts) / (10 * len(rows)), pruned)


def true_rate(point: dict[str, float]) -> float:
    return expected_rate(SimulatedConfig.model_validate({"settings": point, "effects": [PEAK]}))


def found() -> Iterator[str]:
    """How near the optimum searches come."""
    yield f"Searches of {TRIALS} trials, {REPETITIONS} repetitions with different seeds; a bell of 3 pp over margin"
    yield "(centre .3, SD .2, searched from .05 to 1) and omega (centre .8, SD .3, from .3 to .99). Shares of searches"
    yield f"in which a true rate lies within {NEAR} pp of the optimum: of the best point that was tried, of the choice"
    yield "(the best score, by one seed), and of the finalist of three that five fresh seeds put first on validation."
    yield ""
    yield "| noise of scores | sampler | best tried | choice | first anew | pp below: choice | first anew |"
    yield "| :-- | :-- | --: | --: | --: | --: | --: |"
    for name, noise in NOISE.items():
        for sampler in ("tpe", "random") if name == "none" else ("tpe", "gp", "cmaes", "random"):
            results = [searched(study(seed, sampler, noise, top=3)) for seed in range(REPETITIONS)]
            columns = [[getattr(one, column) for one in results] for column in ("tried", "choice", "rerun")]
            near = [f"{fmean(value <= NEAR for value in column):.0%}" for column in columns]
            below = [f"{fmean(column):.2f}" for column in columns[1:]]
            yield " | ".join([f"| {name} | {sampler}", *near, *below]) + " |"


def pruned() -> Iterator[str]:
    """What pruning saves."""
    yield f"TPE with and without pruning, {REPETITIONS} repetitions, 12,377 queries, run SD .3 pp."
    yield ""
    yield f"| pruner | steps taken | trials pruned | choice within {NEAR} pp | choice, mean pp below |"
    yield "| :-- | --: | --: | --: | --: |"
    noise = NOISE["12,377 queries, run SD .3 pp"]
    for pruner in PRUNERS:
        results = [searched(study(seed, "tpe", noise, pruner)) for seed in range(REPETITIONS)]
        share, stopped = fmean(one.share for one in results), fmean(one.pruned for one in results)
        near = fmean(one.choice <= NEAR for one in results)
        yield (
            f"| {pruner or 'none'} | {share:.0%} | {stopped:.1f} of {TRIALS} | {near:.0%} | "
            f"{fmean(one.choice for one in results):.2f} |"
        )


def overhead() -> Iterator[str]:
    """Milliseconds to ask and tell, as the number of trials grows."""
    with tempfile.TemporaryDirectory() as folder:
        contenders = [
            Ours(Path(folder)),
            Theirs("Optuna, in memory", optuna.storages.InMemoryStorage()),
            Theirs("Optuna, SQLite", optuna.storages.RDBStorage(f"sqlite:///{folder}/optuna.db")),
            Theirs("Optuna, SQLite with our settings", with_our_settings(f"sqlite:///{folder}/fast.db")),
            Theirs("Optuna, journal", JournalStorage(JournalFileBackend(f"{folder}/optuna.log"))),
        ]
        taken: dict[str, list[float]] = {each.name: [] for each in contenders}
        for _ in range(ASKED):  # alternating, so that a slow moment of the machine is everybody's
            for each in contenders:
                started = time.perf_counter()
                each.turn()
                taken[each.name].append(1000 * (time.perf_counter() - started))
                each.train()
    yield f"Ask and tell {ASKED:,} times with TPE in two dimensions, in turn, each on its own storage."
    yield ""
    yield f"| | ms, trials 1 to 100 | trials {ASKED - 99:,} to {ASKED:,} | all, mean |"
    yield "| :-- | --: | --: | --: |"
    for name, times in taken.items():
        yield f"| {name} | {median(times[:100]):.1f} | {median(times[-100:]):.1f} | {fmean(times):.1f} |"


class Ours:
    """A search as `ablate search` does it, with its records; only the trainings are made up."""

    def __init__(self, folder: Path) -> None:
        path = folder / "study.yaml"
        path.write_text(study(0, "tpe", {}, trials=ASKED), encoding="utf-8")
        asked = read_study(path)
        assert asked.search is not None
        opened = open_store(str(folder / "ablate.db"))
        self.name, self.store, points = "**ablate**, SQLite store and journal", opened, Candidates(asked)
        mirror = DashboardExport(folder, "peak", "base", asked.search)
        row = begin(opened, asked, points, str(path))
        self.walk = SearchDriver(
            opened, asked, points, row, lambda key, label: None, lambda walk: mirror.take(walk.known)
        )

    def turn(self) -> None:
        """Asks, which tells how the trial before has ended; the record of the training itself is not counted."""
        (trial,) = self.walk.more()
        self.asked = trial

    def train(self) -> None:
        trial = self.asked
        hits = round(10_000 * true_rate(trial.config["settings"]))
        names = [metric.name for metric in TOP_K.values()]
        measured = [Measurement(name, "validation", hits / 10_000, 10_000) for name in names]
        with self.store.write() as connection:
            held = claims.claim(connection, trial.training_key, 0)
            assert held is not None
            claims.record(connection, held, {trial.key: Result(measured)}, 0.0)
        self.walk.ended(trial.training_key)


def with_our_settings(url: str) -> optuna.storages.RDBStorage:
    """Optuna's storage on SQLite as our store has it: WAL, and no wait for the disk at each commit."""
    made = optuna.storages.RDBStorage(url)
    event.listen(made.engine, "connect", _as_ours)
    made.engine.dispose()  # the connections that there are have the old settings
    return made


def _as_ours(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


class Theirs:
    """The same space and sampler on one of Optuna's storages."""

    def __init__(self, name: str, storage: optuna.storages.BaseStorage) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=0, multivariate=True, constant_liar=True)
        self.name, self.study = name, optuna.create_study(storage=storage, sampler=sampler, direction="maximize")
        self.space = {
            "margin": optuna.distributions.FloatDistribution(0.05, 1.0),
            "omega": optuna.distributions.FloatDistribution(0.3, 0.99),
        }

    def turn(self) -> None:
        asked = self.study.ask(self.space)
        self.study.tell(asked, true_rate(asked.params))

    def train(self) -> None:
        """Nothing: what it asked for is told already."""


PARTS = {"found": found, "pruned": pruned, "overhead": overhead}


def main() -> None:
    for name in sys.argv[1:] or PARTS:
        keep(f"search-{name}", [f"# Search: {PARTS[name].__doc__}", "", *PARTS[name]()])


if __name__ == "__main__":
    main()
