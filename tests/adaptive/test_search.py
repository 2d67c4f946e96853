"""A search's candidates, one transaction after another: what becomes of one that fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ablate.adaptive.search.dashboard_export import DashboardExport
from ablate.adaptive.search.driver import SearchDriver, begin
from ablate.measurement import Interim, Measurement
from ablate.run.observer import Observer
from ablate.store import Connection, Store, open_store, searches
from ablate.store.queue import claims
from ablate.store.search_progress import save_interim
from ablate.store.searches import Candidate
from ablate.study.model import Study
from ablate.study.reading.study_reader import read_study
from ablate.study.search_space.candidates import Candidates
from ablate.study.trials.identity import Trial
from ablate.trainers.top_k import KS
from tests.support.store.results import top_k_result

STUDY = """study: walk
trainer: simulated
factors:
  margin: {sets: settings.margin, levels: [0.6, 0.2]}
search:
  space: {margin: {low: 0.0, high: 1.0}}
  sampler: SAMPLER
  trials: 14
"""


@pytest.fixture(params=["tpe", "grid"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Study:
    path = tmp_path / "study.yaml"
    text = STUDY.replace("SAMPLER", request.param)
    path.write_text(text if request.param == "tpe" else text.replace("high: 1.0", "high: 1.0, step: 0.05"))
    return read_study(path)


def walked(study: Study, store: Store, breaks: bool = False) -> list[Candidate]:
    """All candidates of a search whose transactions fail now and then, each at its very end."""
    points = Candidates(study)
    row = begin(store, study, points, "study.yaml")
    walk = SearchDriver(store, study, points, row, Observer())
    for turn in range(100):
        if breaks and turn % 3 == 1:
            walk.store = Failing(store)  # type: ignore[assignment]
            with pytest.raises(RuntimeError):
                walk.more()
            walk.store = store
        for trial in walk.more():
            train(store, trial)
            walk.ended(trial.training_key)
        if walk.is_over():
            break
    with store.read() as connection:
        return searches.read_candidates(connection, row.id)


class Failing:
    """A store whose transactions are lost in the end."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @contextmanager
    def write(self, alone: bool = False) -> Iterator[Connection]:
        with self.store.write(alone) as connection:
            yield connection
            raise RuntimeError


def train(store: Store, trial: Trial) -> None:
    hits = round(1000 - 900 * abs(trial.config["settings"]["margin"] - 0.4))
    result = top_k_result(dict.fromkeys(KS, hits), 1000, "validation")
    with store.write() as connection:
        held = claims.claim(connection, trial.training_key, 0)
        assert held is not None
        assert claims.record(connection, held, {trial.key: result}, 0.0)


@pytest.mark.slow
def test_a_transaction_that_fails_changes_no_suggestion(study: Study, store: Store, tmp_path: Path) -> None:
    calm = open_store(str(tmp_path / "calm.db"))
    assert walked(study, store, breaks=True) == (undisturbed := walked(study, calm))
    assert [one.number for one in undisturbed] == list(range(14))
    assert {one.state for one in undisturbed} == {"done"}


@pytest.mark.slow
@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_a_pruner_decides_alike_wherever_a_search_is_killed(tmp_path: Path, pruner: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace("SAMPLER", "tpe").replace("trials: 14", f"trials: 30\n  pruner: {pruner}"))
    study = read_study(path)
    stores = [open_store(str(tmp_path / f"{name}.db")) for name in ("calm", "killed", "again")]
    calm, killed, again = (watched(study, store, every) for store, every in zip(stores, (0, 3, 7), strict=True))
    assert {one.state for one in calm} == {"done", "pruned"}
    assert killed == calm
    assert again == calm


def watched(study: Study, store: Store, every: int) -> list[Candidate]:
    """The candidates of a search that judges them on their way; its memory is lost `every` so many looks."""
    points = Candidates(study)
    row = begin(store, study, points, "study.yaml")

    def start() -> SearchDriver:
        return SearchDriver(store, study, points, row, Observer())

    walk, looks = start(), 0
    while trials := walk.more():
        (trial,) = trials
        final = 1 - abs(trial.config["settings"]["margin"] - 0.4)
        for part in range(1, 10):
            rate = round(1000 * final * part / 10) / 1000
            shown = Interim(part / 10, [Measurement(f"top{k}", "validation", rate, 1000) for k in KS])
            with store.write() as connection:
                save_interim(connection, trial.training_key, shown)
            looks += 1
            if every and looks % every == 0:
                walk = start()
                assert [one.key for one in walk.more()] == [trial.key]
            if not walk.is_worth(trial.training_key, shown):
                with store.write() as connection:
                    held = claims.claim(connection, trial.training_key, 0)
                    assert held is not None
                    assert claims.prune(connection, held, "", 0.0)
                break
        else:
            train(store, trial)
        walk.ended(trial.training_key)
    with store.read() as connection:
        return searches.read_candidates(connection, row.id)


def test_a_copy_that_cannot_be_written_on_is_given_up(study: Study, tmp_path: Path) -> None:
    assert study.search is not None
    mirror = DashboardExport(tmp_path / "optuna", "walk", "base", study.search)
    one = Candidate(0, False, {"margin": 0.5}, "key", {}, "done", {"top1": 0.5}, 0)
    mirror.add({0: one})
    assert mirror.error is None
    mirror.path.unlink()
    mirror.path.mkdir()
    mirror.add({0: one, 1: Candidate(1, False, {"margin": 0.6}, "key", {}, "done", {"top1": 0.5}, 1)})
    assert isinstance(mirror.error, OSError)
    mirror.close()
