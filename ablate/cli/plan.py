"""`ablate plan`: what a run would do; runs nothing."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ablate.cli.options import (
    DEFAULT_STORE,
    Only,
    Profile,
    Seeds,
    Settings,
    StoreUrl,
    StudyPath,
    all_settings,
    guarded,
)

if TYPE_CHECKING:
    from ablate.study.plan import PlannedTrial


@guarded
def plan(
    path: StudyPath,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    settings: Settings = None,
    only: Only = None,
    seeds: Seeds = None,
) -> None:
    """Show the trials, which are done, shared or pending; run nothing."""
    from ablate.cli.request import read_request
    from ablate.store import open_store, plans
    from ablate.study.plan import resolve

    request = read_request(path, profile, all_settings(settings, seeds), only)
    opened = open_store(store)
    states: dict[str, str] = {}
    finished: set[str] = set()
    if opened is not None:
        with opened.read() as connection:
            states = plans.training_states(connection, {trial.training_key for trial in request.selected})
            finished = plans.finished(connection, {trial.key for trial in request.selected})
    planned = resolve(request.selected, states, finished)
    study = request.study
    typer.echo(f"study {study.name}, profile {study.profile}: {study.question}".rstrip(": "))
    by_label: dict[tuple[str, str], list[str]] = {}
    for item in planned:
        by_label.setdefault((item.trial.label, item.trial.kind), []).append(item.state)
    for (label, kind), found in by_label.items():
        mark = " (reference)" if kind == "reference" else ""
        typer.echo(f"  {_counted(found):<10} {label}{mark}")
    typer.echo(_total(planned, len(study.seeds)))


def _total(planned: "Sequence[PlannedTrial]", seeds: int) -> str:
    """How much there is: `9 rows and 1 reference × 1 seed: 10 trials, 10 trainings, of which 10 to run`."""
    rows = len({item.trial.label for item in planned if item.trial.kind == "row"})
    references = len({item.trial.label for item in planned if item.trial.kind == "reference"})
    trainings = {item.trial.training_key for item in planned}
    pending = {item.trial.training_key for item in planned if item.state == "pending"}
    extra = f" and {_plural(references, 'reference')}" if references else ""
    return (
        f"{_plural(rows, 'row')}{extra} × {_plural(seeds, 'seed')}: {_plural(len(planned), 'trial')}, "
        f"{_plural(len(trainings), 'training')}, of which {len(pending)} to run"
    )


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _counted(states: Sequence[str]) -> str:
    """`done`, or `2 done, 1 pending` where a row's seeds differ."""
    counted = Counter(states)
    if len(counted) == 1:
        return states[0]
    return ", ".join(f"{count} {state}" for state, count in counted.items())
