"""A search's candidates, one transaction after another: what becomes of one that fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ablate.adaptive.mirror import Mirror
from ablate.adaptive.search import Walk, begin
from ablate.store import Connection, Store, open_store, searches, work
from ablate.store.searches import Candidate
from ablate.study.candidates import Candidates
from ablate.study.file import read_study
from ablate.study.study import Study
from ablate.study.trial import Trial

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
    walk = Walk(store, study, points, row, lambda key, label: None, lambda walk: None)
    for turn in range(100):
        if breaks and turn % 3 == 1:
            walk.store = Failing(**vars(store))
            with pytest.raises(TimeoutError):
                walk.more()
            walk.store = store
        for trial in walk.more():
            train(store, trial)
            walk.ended(trial.training_key)
        if walk.is_over():
            break
    with store.read() as connection:
        return searches.read_candidates(connection, row.id)


class Failing(Store):
    """A store whose transactions are lost in the end."""

    @contextmanager
    def write(self, alone: bool = False) -> Iterator[Connection]:
        with super().write(alone) as connection:
            yield connection
            raise TimeoutError


def train(store: Store, trial: Trial) -> None:
    hits = round(1000 - 900 * abs(trial.config["settings"]["margin"] - 0.4))
    split = work.SplitResult("validation", 1000, 100, dict.fromkeys(work.KS, hits))
    with store.write() as connection:
        held = work.claim(connection, trial.training_key, 0)
        assert held is not None
        assert work.record(connection, held, {trial.key: [split]}, 0.0, {}, [])


def test_a_transaction_that_fails_changes_no_suggestion(study: Study, store: Store, tmp_path: Path) -> None:
    calm = open_store(str(tmp_path / "calm.db"), write=True)
    assert calm is not None
    assert walked(study, store, breaks=True) == (undisturbed := walked(study, calm))
    assert [one.number for one in undisturbed] == list(range(14))
    assert {one.state for one in undisturbed} == {"done"}


def test_a_copy_that_cannot_be_written_on_is_given_up(study: Study, tmp_path: Path) -> None:
    assert study.search is not None
    mirror = Mirror(tmp_path / "optuna", "walk", "base", study.search)
    one = Candidate(0, False, {"margin": 0.5}, "key", {}, "done", {"top1": 0.5}, 0)
    mirror.take({0: one})
    assert mirror.trouble is None
    mirror.path.unlink()
    mirror.path.mkdir()
    mirror.take({0: one, 1: Candidate(1, False, {"margin": 0.6}, "key", {}, "done", {"top1": 0.5}, 1)})
    assert isinstance(mirror.trouble, OSError)
    mirror.close()
