"""A store with a search and its finalists, written as a run writes it, for tests of search reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import insert

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.loading import load
from ablate.analysis.search.results import load_search
from ablate.store import Store, plans
from ablate.store.plan_document import PlanDocument
from ablate.store.plans import StoredPlan, StoredRow
from ablate.store.queue import claims
from ablate.store.schema import DONE, FAILED, PRUNED, RUNNING, attempts, interims
from ablate.store.searches import Candidate, add_candidates, begin_search
from ablate.study.trials.identity import ROW, Identity, Trial, digest
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.trainer import train
from ablate.trainers.top_k import KS

QUERIES = 1000
STEPS = 100
TWO = (
    {"name": "margin", "low": 0.05, "high": 1.0, "log": True},
    {"name": "omega", "low": 0.0, "high": 1.0},
)
BASELINE = {"margin": 0.3, "omega": 0.9}
EFFECT = {"pp": 12.0, "peak": {"margin": 0.2, "omega": 0.7}, "width": {"margin": 0.3, "omega": 0.4}}


@dataclass(frozen=True)
class Point:
    """A candidate to write: its point, its state, and after how many tenths it was pruned."""

    values: Mapping[str, Any]
    state: str = DONE
    known: bool = False
    part: int = 0


def spread(count: int, seed: int = 0) -> list[Point]:
    """Candidates over the space of TWO: mostly finished, some of each other kind."""
    rng = np.random.default_rng(seed)
    points = []
    for number in range(count):
        near = number > count // 2  # as a sampler does that has seen some
        margin = float(np.exp(rng.normal(np.log(0.25), 0.2) if near else rng.uniform(np.log(0.05), 0)))
        omega = float(np.clip(rng.normal(0.7, 0.1) if near else rng.uniform(), 0, 1))
        kind = {4: (PRUNED, 3), 7: (PRUNED, 5), 9: (FAILED, 0), 13: (PRUNED, 2)}.get(number, (DONE, 0))
        points.append(Point({"margin": min(margin, 1.0), "omega": omega}, kind[0], number < 3, kind[1]))
    return points


def trial(values: Mapping[str, Any], seed: int, effect: Mapping[str, Any] = EFFECT) -> Trial:
    config = {"queries": QUERIES, "base": 0.25, "effects": [effect], "settings": dict(values)}
    made = SimulatedConfig.model_validate(config).model_dump()
    training = Identity("simulated", {**made}, seed, None, {})
    return Trial("", ROW, seed, made, {}, training, training.key, digest([training.key, {}]))


def ran(store: Store, of: Trial) -> dict[str, float]:
    """Trains, records, and gives the rates on the validation split."""
    (result,) = train([SimulatedConfig.model_validate(of.config)], of.seed, 0, lambda _: None)
    with store.write() as connection:
        plans.save_trials(connection, [of])
        claim = claims.claim(connection, of.training_key)
        if claim is not None:
            claims.note(connection, claim, STEPS, STEPS)
            claims.record(connection, claim, {of.key: result}, 0.1)
    return {one.metric: one.value for one in result.measurements if one.split == "validation"}


def ended_early(store: Store, of: Trial, state: str, part: int) -> None:
    """Write a training that failed, or was pruned after `part` tenths of its steps; its rate grows with each tenth."""
    with store.write() as connection:
        plans.save_trials(connection, [of])
        claim = claims.claim(connection, of.training_key)
        if claim is None:
            return
        if state == FAILED:
            claims.fail(connection, claim, "no", "", 0.1)
        if state == PRUNED:
            looks = [
                {
                    "training_key": of.training_key,
                    "fraction": one / 10,
                    "metric": f"top{k}",
                    "value": 20 * one * k / QUERIES,
                }
                for one in range(1, part + 1)
                for k in KS
            ]
            connection.execute(insert(interims), looks)
            closed = {"state": PRUNED, "step": part * STEPS // 10, "steps": STEPS}
            connection.execute(attempts.update().where(attempts.c.id == claim.attempt_id).values(**closed))


def searched(
    store: Store,
    points: Sequence[Point],
    top: int = 3,
    seeds: Sequence[int] = (101, 102, 103, 104, 105),
    dimensions: Sequence[Mapping[str, Any]] = TWO,
    metrics: Sequence[str] = ("top1",),
    baseline: Mapping[str, Any] = BASELINE,
    rerun: bool = True,
    **said: Any,
) -> Analysis:
    """Write a search of study `made`, and the plan of its `top` finalists, with results if they are rerun."""
    with store.write() as connection:
        search_id = begin_search(connection, "made", "quick", {}, "context", None).id
    found = []
    for number, point in enumerate(points):
        of = trial(point.values, 0)
        scores = None
        if point.state == DONE:
            rates = ran(store, of)
            scores = {name: rates[name] for name in metrics}
        elif point.state == RUNNING:
            with store.write() as connection:
                plans.save_trials(connection, [of])
        else:
            ended_early(store, of, point.state, point.part)
        told = None if point.state == RUNNING else number
        found.append(Candidate(number, point.known, point.values, of.key, {}, point.state, scores, told))
    with store.write() as connection:
        add_candidates(connection, search_id, found)
    done = [one for one in found if one.scores]
    best = sorted(done, key=lambda one: -(one.scores or {})[metrics[0]])[:top]
    labels = {one.number: f"trial {one.number} ({_values(one.point)})" for one in best}
    rows = [_row(store, "baseline", baseline, seeds, rerun)]
    rows += [_row(store, labels[one.number], one.point, seeds, rerun) for one in best]
    pairs = [["baseline", labels[one.number]] for one in best]
    pairs += [[labels[one.number], labels[best[0].number]] for one in best[1:]]
    document = {
        "question": "Where?",
        "primary": "top1",
        "alpha": 0.05,
        "delta_pp": 0.5,
        "trainer": "simulated",
        "factors": [
            {
                "name": "configuration",
                "sets": [f"settings.{one['name']}" for one in dimensions],
                "levels": [row.label for row in rows],
                "baseline": "baseline",
            }
        ],
        "family": pairs,
        "search": {
            "search_id": search_id,
            "study": "made",
            "profile": "quick",
            "seed": 0,
            "dimensions": list(dimensions),
            "baseline": dict(baseline),
            "metrics": list(metrics),
            "sampler": "tpe",
            "pruner": "median",
            "trials": len(points),
            "hours": None,
            "finalists": [{"label": labels[one.number], "number": one.number} for one in best],
            **said,
        },
    }
    with store.write() as connection:
        plans.save_plan(connection, StoredPlan("made", "quick+search", PlanDocument.from_json(document), False, rows))
    return read(store)


def read(store: Store) -> Analysis:
    """The analysis of the latest plan, as `ablate report` makes it."""
    results = load(store)
    return analyse(results, search=load_search(store, results))


def _row(store: Store, label: str, values: Mapping[str, Any], seeds: Sequence[int], rerun: bool) -> StoredRow:
    cells = {}
    for seed in seeds:
        of = trial(values, seed)
        if rerun:
            ran(store, of)
        with store.write() as connection:
            plans.save_trials(connection, [of])
        cells[seed] = of.key
    return StoredRow(label, "row", {"configuration": label}, cells)


def _values(point: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}" for name, value in point.items()
    )
