"""Results for the trials of a plan, and trials under another default."""

from dataclasses import replace

from ablate.store import Store
from ablate.store.queue import claims
from ablate.study.trials.identity import Trial, digest
from tests.support.store.results import top_k_result


def finish(store: Store, wanted: list[Trial], seconds: float = 2.0, resumed_at: int = 0) -> None:
    """Give each trial a result."""
    for trial in wanted:
        with store.write() as connection:
            held = claims.claim(connection, trial.training_key, resumed_at)
            assert held is not None
            result = top_k_result({1: 1, 5: 2, 10: 3}, 10)
            assert claims.record(connection, held, {trial.key: result}, seconds)


def changed(trial: Trial) -> Trial:
    """Return the trial as it is if a default of the trainer is another."""
    training = replace(trial.training, config={**trial.training.config, "base": 0.5})
    keys = {"training_key": training.key, "key": digest([training.key, {}])}
    return replace(trial, config={**trial.config, "base": 0.5}, training=training, **keys)
